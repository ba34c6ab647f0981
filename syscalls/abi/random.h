/* SPDX-License-Identifier: Apache-2.0 */
/* getrandom. */
#pragma once
#pragma GCC system_header

#define GRND_NONBLOCK 0x0001
#define GRND_RANDOM   0x0002
#define GRND_INSECURE 0x0004
