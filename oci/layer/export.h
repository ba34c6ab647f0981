/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

/*
 * A tar archive of the upper layer as an OCI image layer has it: `.wh.NAME' for what is gone,
 * `.wh..wh..opq' in what hides the lower one; or, full, of all that is seen.  0 or -errno.
 */
int layer_export(int upper, int lower, bool full, int out_fd);
