/* SPDX-License-Identifier: Apache-2.0 */
/* Extended attributes. */
#pragma once
#pragma GCC system_header

#define XATTR_CREATE   1
#define XATTR_REPLACE  2
#define XATTR_NAME_MAX 255
#define XATTR_SIZE_MAX 65536
#define XATTR_LIST_MAX 65536
