/* SPDX-License-Identifier: Apache-2.0 */
/* Who calls. */
#pragma once

#include <stdbool.h>

/* The machine's root; that of a user namespace of somebody's own is not. */
bool caller_is_root(void);
