/* SPDX-License-Identifier: Apache-2.0 */
/* config.json: hooks. They are checked here and run from the state: life/hooks.c. */
#include <string.h>

#include "oci/spec.h"
#include "platform/base/types.h"

struct hook {
	const char *path;
	char **args, **env;
	uint64_t timeout;
};

static int read_path(struct reader *r, json_t *v, void *out)
{
	const char **path = out;
	int err = read_string(r, v, path);
	if (err == 0 && **path != '/')
		err = reader_fail(r, "must be an absolute path, not '%s'", *path);
	return err;
}

static int read_timeout(struct reader *r, json_t *v, void *out)
{
	(void)out;
	if (!json_is_integer(v) || json_integer_value(v) <= 0 || json_integer_value(v) > INT32_MAX)
		return reader_fail(r, "must be a number of seconds greater than 0");
	return 0;
}

static int read_hook(struct reader *r, json_t *v, void *out)
{
	static const struct field fields[] = {
		{"path", read_path, offsetof(struct hook, path), true},
		{"args", read_strings, offsetof(struct hook, args), false},
		{"env", read_strings, offsetof(struct hook, env), false},
		{"timeout", read_timeout, 0, false},
	};
	return read_object(r, v, fields, ARRAY_SIZE(fields), out);
}

static int read_list(struct reader *r, json_t *v, void *out)
{
	struct hook *list;
	size_t n;
	(void)out;
	return read_array(r, v, sizeof *list, read_hook, (void **)&list, &n);
}

int spec_read_hooks(struct reader *r, json_t *v, void *out)
{
	static const struct field fields[] = {
		{"prestart", read_list, 0, false},
		{"createRuntime", read_list, 0, false},
		{"createContainer", read_list, 0, false},
		{"startContainer", read_list, 0, false},
		{"poststart", read_list, 0, false},
		{"poststop", read_list, 0, false},
	};
	return read_object(r, v, fields, ARRAY_SIZE(fields), out);
}
