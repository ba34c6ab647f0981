/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of NAME=VALUE that end with NULL. */
#pragma once

/* Where in env the variable is that `text' names (NAME or NAME=VALUE), or where env ends. */
char **env_find(char **env, const char *text);
