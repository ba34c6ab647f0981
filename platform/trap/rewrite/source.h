/* SPDX-License-Identifier: Apache-2.0 */
/* From a place in a file to a plan: finds the function, reads it, plans. */
#pragma once

#include "platform/trap/rewrite/analyse.h"
#include "platform/trap/rewrite/elfread.h"

/* off: file offset of the `syscall`. */
enum plan_why plan_from_file(const struct text_source *src, uint64_t off, struct plan *out);
