/* SPDX-License-Identifier: Apache-2.0 */
/*
 * psi(7): how long tasks waited for a resource.  The host knows it of a cgroup
 * of v2; where there is none nobody has counted, and all numbers are 0.
 */
#include <string.h>

#include "sentry/procfs/cgroup.h"
#include "sentry/res/usage.h"

static enum usage_file file_of(const char *name)
{
	if (strncmp(name, "memory", 6) == 0)
		return USAGE_MEMORY_PRESSURE;
	return strncmp(name, "io", 2) == 0 ? USAGE_IO_PRESSURE : USAGE_CPU_PRESSURE;
}

int pressure_show(const struct proc_look *at, struct text *out)
{
	static const char nothing[] = "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
				      "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n";
	char b[USAGE_TEXT_MAX];

	/* Linux reads it as EOPNOTSUPP when pressure is switched off at boot. */
	bool known = usage_own() && usage_text(file_of(at->node->entry->name), b) && *b;
	text_str(out, known ? b : nothing);
	return 0;
}
