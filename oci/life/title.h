/* SPDX-License-Identifier: Apache-2.0 */
/* What ps(1) shows of us. */
#pragma once

/* main()'s argv, before anything else; the strings there are of no use after title_set(). */
void title_begin(int argc, char **argv);
/* "what ID: CMD ARG...", over the arguments and the environment, as far as it fits. */
void title_set(const char *what, const char *id, char *const *args);
