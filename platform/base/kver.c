/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/base/kver.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Reads digits at *p, at most max; moves *p behind them. */
static int number(const char **p, uint32_t max, uint32_t *out)
{
	uint32_t n = 0;

	if (**p < '0' || **p > '9')
		return -EINVAL;
	for (; **p >= '0' && **p <= '9'; (*p)++) {
		n = n * 10 + (uint32_t)(**p - '0');
		if (n > max)
			return -EINVAL;
	}
	*out = n;
	return 0;
}

int kver_parse(const char *text, uint32_t *out)
{
	uint32_t part[3] = {0, 0, 0};
	const uint32_t max[3] = {254, 255, 65535};

	if (strcmp(text, "never") == 0) {
		*out = KVER_NEVER;
		return 0;
	}
	for (int i = 0; i < 3; i++) {
		if (number(&text, max[i], &part[i]) < 0)
			return -EINVAL;
		if (*text != '.')
			break;
		if (i == 2)
			return -EINVAL;
		text++;
	}
	if (*text != '\0' && *text != '-' && *text != '+' && *text != '~')
		return -EINVAL;
	*out = KVER(part[0], part[1], part[2]);
	return 0;
}

char *kver_format(uint32_t version, char *buf, size_t size)
{
	uint32_t major = version >> 24, minor = version >> 16 & 0xff, patch = version & 0xffff;

	if (version == KVER_NEVER)
		snprintf(buf, size, "never");
	else if (patch)
		snprintf(buf, size, "%u.%u.%u", major, minor, patch);
	else
		snprintf(buf, size, "%u.%u", major, minor);
	return buf;
}
