/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes for guests: the host's, which never run out. */
#pragma once

#include "platform/base/types.h"

void random_bytes(void *buf, size_t size);
