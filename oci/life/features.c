/* SPDX-License-Identifier: Apache-2.0 */
/* vedette features: the OCI runtime specification's features document. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>

#include "oci/cli.h"
#include "oci/spec.h"

static json_t *capabilities(void)
{
	json_t *list = json_array();
	for (int cap = 0; cap < 64; cap++)
		if (spec_capability_name(cap))
			json_array_append_new(list,
					      json_sprintf("CAP_%s", spec_capability_name(cap)));
	return list;
}

int command_features(int argc, char **argv, struct error *e)
{
	static const struct argp parser = {
		.doc = "Print what config.json may ask of vedette, as the OCI runtime "
		       "specification has it."};
	if (argp_parse(&parser, argc, argv, 0, NULL, NULL) != 0)
		return EXIT_USAGE;
	json_t *j = json_pack(
		"{s:s, s:s, s:[s,s,s,s,s,s], s:{s:[s,s,s,s,s,s,s], s:o, "
		"s:{s:b, s:b, s:b, s:b, s:b}, s:{s:b}, s:{s:b}, s:{s:b}}}",
		"ociVersionMin", "1.0.0", "ociVersionMax", "1.2.0", "hooks", "prestart",
		"createRuntime", "createContainer", "startContainer", "poststart", "poststop", "linux", "namespaces",
		"cgroup", "ipc", "mount", "network", "pid", "user", "uts", "capabilities",
		capabilities(), "cgroup", "v1", 1, "v2", 1, "systemd", 1, "systemdUser", 1, "rdma",
		0, "seccomp", "enabled", 1, "apparmor", "enabled", 0, "selinux", "enabled", 0);
	int err = j ? json_dumpf(j, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER) : -1;
	json_decref(j);
	putchar('\n');
	if (err == 0 && fflush(stdout) == 0)
		return 0;
	error_set(e, -EIO, "cannot write to standard output");
	return EXIT_CONFIG;
}
