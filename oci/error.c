/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/error.h"

#include <stdarg.h>
#include <stdio.h>

int error_set(struct error *e, int err, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof e->msg, fmt, ap);
	va_end(ap);
	e->err = err;
	return err;
}

void error_sanitize(struct error *e)
{
	e->msg[sizeof e->msg - 1] = '\0';
	for (char *p = e->msg; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
}
