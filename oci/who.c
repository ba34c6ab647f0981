/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/who.h"

#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

bool caller_is_root(void)
{
	unsigned inside = 1, outside = 1, count = 0;
	if (geteuid() != 0)
		return false;
	FILE *f = fopen("/proc/self/uid_map", "re");
	if (!f)
		return true;
	int n = fscanf(f, "%u %u %u", &inside, &outside, &count);
	fclose(f);
	return n != 3 || (inside == 0 && outside == 0 && count == UINT32_MAX);
}
