/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/cred/userns.h"

struct user_ns user_first = {.ns = NS_FIRST(NS_USER, 4026531837, NULL)};
