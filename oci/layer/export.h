/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "oci/layer/source.h"

/*
 * A tar archive of the changes as an OCI image layer has it: `.wh.NAME' for what is gone,
 * `.wh..wh..opq' in what hides the lower one; or, full, of all that is seen.  0 or -errno.
 */
int layer_export(struct layer_source *s, bool full, int out_fd);
/* As docker diff: "A /added", "C /changed", "D /deleted".  0 or -errno. */
int layer_list(struct layer_source *s, int out_fd);
