/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/env.h"

#include <string.h>

char **env_find(char **env, const char *text)
{
	size_t name = strcspn(text, "=");
	while (*env && (strncmp(*env, text, name) != 0 || (*env)[name] != '='))
		env++;
	return env;
}
