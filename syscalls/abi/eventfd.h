/* SPDX-License-Identifier: Apache-2.0 */
/* eventfd. */
#pragma once
#pragma GCC system_header

#define EFD_SEMAPHORE 1
#define EFD_CLOEXEC   02000000
#define EFD_NONBLOCK  04000
