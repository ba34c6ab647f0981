/* SPDX-License-Identifier: Apache-2.0 */
/* config.json: what is read, and the words for what is wrong. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "oci/spec.h"
#include "platform/base/log.h"
#include "platform/base/types.h"

static int warnings[2];

static int parse(struct spec *s, const char *text, struct error *e)
{
	*e = (struct error){.msg = ""};
	return spec_parse(s, "c.json", text, strlen(text), e);
}

static void good(struct spec *s, const char *text)
{
	struct error e;
	if (parse(s, text, &e) < 0)
		fail_msg("%s", e.msg);
}

static void bad(const char *text, const char *want)
{
	struct spec s;
	struct error e;
	assert_true(parse(&s, text, &e) < 0);
	assert_true(e.err < 0);
	if (!strstr(e.msg, want))
		fail_msg("\"%s\" is not in \"%s\"", want, e.msg);
	spec_free(&s);
}

/* What was warned about since the last call. */
static const char *warned(void)
{
	static char text[8192];
	ssize_t n;
	log_line(LOG_ERROR, "end");
	n = read(warnings[0], text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

#define PROCESS(more) "\"process\":{\"args\":[\"a\"],\"cwd\":\"/\"" more "}"
#define CONFIG(process_more, more)                                                                 \
	"{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"r\"}," PROCESS(process_more) more "}"

static void reads_the_least(void **state)
{
	struct spec s;
	(void)state;
	good(&s, CONFIG("", ""));
	assert_string_equal(s.version, "1.0.2");
	assert_string_equal(s.root.path, "r");
	assert_false(s.root.readonly);
	assert_string_equal(s.process.args[0], "a");
	assert_null(s.process.args[1]);
	assert_null(s.process.env[0]);
	assert_int_equal(s.process.umask, 022);
	assert_int_equal(s.process.uid, 0);
	assert_false(s.process.terminal);
	assert_null(s.hostname);
	assert_int_equal(s.nmounts, 0);
	for (int i = 0; i < CAPS_SETS; i++)
		assert_int_equal(s.process.caps[i], 0);
	spec_free(&s);
}

static void reads_process(void **state)
{
	struct spec s;
	(void)state;
	good(&s, CONFIG(",\"env\":[\"A=1\",\"B=\"],\"terminal\":true,\"noNewPrivileges\":true,"
			"\"oomScoreAdj\":-7,\"user\":{\"uid\":1,\"gid\":4294967294,"
			"\"umask\":511,\"additionalGids\":[3,2]}",
			""));
	assert_string_equal(s.process.env[1], "B=");
	assert_true(s.process.terminal && s.process.no_new_privs && s.process.has_oom_score);
	assert_int_equal(s.process.oom_score_adj, -7);
	assert_int_equal(s.process.gid, 4294967294u);
	assert_int_equal(s.process.umask, 0777);
	assert_int_equal(s.process.ngroups, 2);
	assert_int_equal(s.process.groups[0], 3);
	spec_free(&s);
}

static void reads_rlimits(void **state)
{
	struct spec s;
	(void)state;
	good(&s, CONFIG(",\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"soft\":1,\"hard\":2},"
			"{\"type\":\"RLIMIT_AS\",\"soft\":9223372036854775807,"
			"\"hard\":18446744073709551615}]",
			""));
	assert_int_equal(s.process.nrlimits, 2);
	assert_int_equal(s.process.rlimits[0].which, RLIMIT_NOFILE);
	assert_int_equal(s.process.rlimits[0].soft, 1);
	assert_int_equal(s.process.rlimits[1].which, RLIMIT_AS);
	assert_true(s.process.rlimits[1].hard == UINT64_MAX);
	spec_free(&s);
}

static void reads_capabilities(void **state)
{
	struct spec s;
	(void)state;
	good(&s,
	     CONFIG(",\"capabilities\":{\"bounding\":[\"CAP_CHOWN\",\"CAP_CHECKPOINT_RESTORE\"],"
		    "\"permitted\":[\"CAP_KILL\"],\"effective\":[\"CAP_KILL\"],"
		    "\"inheritable\":[],\"ambient\":[\"CAP_KILL\"]}",
		    ""));
	assert_int_equal(s.process.caps[CAPS_BOUNDING], 1ull | 1ull << 40);
	assert_int_equal(s.process.caps[CAPS_EFFECTIVE], 1ull << 5);
	assert_int_equal(s.process.caps[CAPS_PERMITTED], 1ull << 5);
	assert_int_equal(s.process.caps[CAPS_AMBIENT], 0);
	spec_free(&s);
	good(&s, CONFIG(",\"capabilities\":{\"bounding\":[\"CAP_FLY\",\"KILL\"]}", ""));
	assert_int_equal(s.process.caps[CAPS_BOUNDING], 0);
	spec_free(&s);
	assert_non_null(strstr(warned(), "unknown capability 'CAP_FLY'"));
}

#define MOUNT(m) CONFIG("", ",\"mounts\":[" m "]")

static void reads_mounts(void **state)
{
	struct spec s;
	(void)state;
	good(&s, MOUNT("{\"destination\":\"/a\",\"source\":\"b\",\"options\":[\"rbind\",\"ro\","
		       "\"nosuid\",\"rprivate\"]},"
		       "{\"destination\":\"/t\",\"type\":\"tmpfs\",\"options\":[\"noexec\","
		       "\"exec\",\"size=1m\",\"mode=700\",\"strictatime\"]}"));
	assert_int_equal(s.nmounts, 2);
	assert_true(s.mounts[0].bind && s.mounts[0].readonly);
	assert_string_equal(s.mounts[0].type, "bind");
	assert_int_equal(s.mounts[0].flags, BOOT_READONLY | BOOT_NOSUID | BOOT_RELATIME);
	assert_false(s.mounts[1].bind || s.mounts[1].readonly);
	assert_string_equal(s.mounts[1].source, "tmpfs");
	assert_string_equal(s.mounts[1].data, "size=1m,mode=700");
	assert_int_equal(s.mounts[1].flags, 0);
	spec_free(&s);
}

static void reads_linux(void **state)
{
	struct spec s;
	(void)state;
	good(&s, CONFIG("", ",\"hostname\":\"h\",\"domainname\":\"\",\"linux\":{"
			    "\"maskedPaths\":[\"/proc/kcore\"],\"readonlyPaths\":[],"
			    "\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"user\",\"path\":\"\"},"
			    "{\"type\":\"mount\"},{\"type\":\"uts\"}],"
			    "\"resources\":{\"pids\":{\"limit\":77},\"devices\":[{}]},"
			    "\"gidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":9}],"
			    "\"uidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":1},"
			    "{\"containerID\":1,\"hostID\":1,\"size\":999}]}"));
	assert_int_equal(s.uid_map.n, 2);
	assert_int_equal(s.uid_map.range[0].outside, 1000);
	assert_true(s.ns[NS_USER].listed && !s.ns[NS_USER].path && !s.ns[NS_TIME].listed);
	assert_string_equal(s.hostname, "h");
	assert_null(s.domainname);
	assert_string_equal(s.masked_paths[0], "/proc/kcore");
	assert_null(s.masked_paths[1]);
	assert_null(s.readonly_paths[0]);
	assert_int_equal(s.resources.pids.value, 77);
	spec_free(&s);
	assert_string_equal(warned(), "vedette: end\n");
}

static void null_counts_as_absent(void **state)
{
	struct spec s;
	(void)state;
	good(&s, CONFIG(",\"user\":null,\"rlimits\":null", ",\"linux\":null,\"mounts\":null"));
	spec_free(&s);
	bad("{\"ociVersion\":null}", "ociVersion: is missing");
}

static void says_where(void **state)
{
	(void)state;
	bad("", "c.json: line 1, column 0: ");
	bad("{\n \"a\": tru }", "c.json: line 2, column ");
	bad("[]", "c.json: must be an object, not an array");
	bad(CONFIG(",\"rlimits\":[{\"type\":\"RLIMIT_AS\",\"soft\":1}]", ""),
	    "c.json: process.rlimits[0].hard: is missing");
	bad(CONFIG(",\"user\":{\"additionalGids\":[1,2,\"x\"]}", ""),
	    "process.user.additionalGids[2]: must be a number, not a string");
	bad(MOUNT("{\"destination\":\"/a\"}"), "mounts[0]: type is missing");
	bad(MOUNT("{\"destination\":\"/a\",\"type\":\"tmpfs\",\"options\":[1]}"),
	    "mounts[0].options[0]: must be a string");
	bad(CONFIG("", ",\"linux\":{\"namespaces\":[{\"type\":\"x\"}]}"),
	    "linux.namespaces[0].type: unknown namespace 'x'");
}

/* Left out, these would give the container more than it should have. */
static void refuses_what_would_be_unsafe(void **state)
{
	(void)state;
	bad(CONFIG("", ",\"hooks\":{\"startContainer\":[{\"path\":\"x\"}]}"), "hooks.startContainer");
	bad(CONFIG("", ",\"hooks\":{\"poststop\":[{\"path\":\"x\"}]}"), "absolute");
	bad(CONFIG("", ",\"linux\":{\"namespaces\":[{\"type\":\"pid\",\"path\":\"/n\"}]}"),
	    "joining the pid namespace /n is not supported");
	bad(CONFIG("", ",\"linux\":{\"namespaces\":[{\"type\":\"user\",\"path\":\"/n\"}]}"),
	    "list its uidMappings");
	bad(CONFIG("", ",\"linux\":{\"namespaces\":[{\"type\":\"ipc\",\"path\":\"n\"}]}"),
	    "path: must be an absolute path");
	bad(CONFIG("", ",\"linux\":{\"timeOffsets\":{\"boottime\":{}}}"), "is not supported yet");
	bad(MOUNT("{\"destination\":\"/a\",\"type\":\"tmpfs\",\"options\":[\"idmap\"]}"),
	    "'idmap' is not supported");
	bad(MOUNT("{\"destination\":\"/a\",\"type\":\"proc\",\"options\":[\"subset=all\"]}"),
	    "unknown option 'subset=all'");
	bad(MOUNT("{\"destination\":\"/a\",\"type\":\"overlay\"}"), "unknown type 'overlay'");
	bad(MOUNT("{\"destination\":\"/a\",\"type\":\"bind\"}"), "needs a source");
}

#define USER_NS(maps)                                                                              \
	CONFIG("", ",\"linux\":{\"namespaces\":[{\"type\":\"user\"}]," maps "}")
#define MAP(i, o, n) "{\"containerID\":" #i ",\"hostID\":" #o ",\"size\":" #n "}"

static void finds_contradictions(void **state)
{
	(void)state;
	bad(CONFIG("", ",\"linux\":{\"gidMappings\":[" MAP(0, 1, 1) "]}"),
	    "linux.gidMappings needs a new user namespace");
	bad(USER_NS("\"uidMappings\":[" MAP(0, 1, 1) "]"), "needs linux.uidMappings and");
	bad(USER_NS("\"uidMappings\":[" MAP(0, 1, 0) "]"), "uidMappings[0]: size must not be 0");
	bad(USER_NS("\"uidMappings\":[" MAP(0, 4294967295, 1) "]"), "reaches beyond");
	bad(USER_NS("\"uidMappings\":[" MAP(4294967290, 0, 6) "]"), "reaches beyond");
	bad(USER_NS("\"uidMappings\":[" MAP(0, 10, 5) "," MAP(4, 100, 5) "]"), "element 1 maps ids");
	bad(USER_NS("\"uidMappings\":[" MAP(0, 10, 5) "," MAP(5, 14, 5) "]"), "element 1 maps ids");
	bad(CONFIG("", ",\"linux\":{\"sysctl\":{\"vm.swappiness\":\"1\"}}"),
	    "'vm.swappiness' is not of a namespace");
	bad(CONFIG("", ",\"linux\":{\"sysctl\":{\"net/core/somaxconn\":\"1\"}}"),
	    "'net/core/somaxconn' needs a network namespace");
	bad(CONFIG("", ",\"linux\":{\"sysctl\":{\"kernel.shmmax\":\"1\"}}"), "needs a ipc namespace");
	bad(CONFIG("", ",\"linux\":{\"sysctl\":{\"kernel.shmmax\":1}}"),
	    "the value of 'kernel.shmmax' must be a string");
	bad(CONFIG("", ",\"hostname\":\"h\",\"linux\":{\"namespaces\":[{\"type\":\"uts\"}],"
		       "\"sysctl\":{\"kernel.hostname\":\"i\"}}"),
	    "contradicts hostname");
	bad(CONFIG("", ",\"hostname\":\"h\""), "hostname needs a new uts namespace");
	bad(CONFIG("", ",\"linux\":{\"maskedPaths\":[\"/a\"]}"), "needs a new mount namespace");
}

#define DEVICE(d) CONFIG("", ",\"linux\":{\"devices\":[" d "]}")

static void reads_devices(void **state)
{
	struct spec s;
	(void)state;
	good(&s, DEVICE("{\"path\":\"/dev/fuse\",\"type\":\"c\",\"major\":10,\"minor\":229,"
			"\"fileMode\":8624,\"uid\":1,\"gid\":2},"
			"{\"path\":\"/run/p\",\"type\":\"p\"}"));
	assert_int_equal(s.ndevices, 2);
	assert_int_equal(s.devices[0].mode, 0020660);
	assert_int_equal(s.devices[0].minor, 229);
	assert_int_equal(s.devices[0].gid, 2);
	assert_int_equal(s.devices[1].mode, 0010666);
	spec_free(&s);
	bad(DEVICE("{\"path\":\"/dev/x\",\"type\":\"c\",\"major\":1}"), "needs major and minor");
	bad(DEVICE("{\"path\":\"/dev/x\",\"type\":\"z\"}"), "unknown type 'z'");
	bad(DEVICE("{\"path\":\"/dev/..\",\"type\":\"p\"}"), "does not name a file");
	bad(DEVICE("{\"path\":\"dev/x\",\"type\":\"p\"}"), "must be an absolute path");
	bad(DEVICE("{\"path\":\"/dev/x\",\"type\":\"c\",\"major\":4096,\"minor\":0}"),
	    "major: must be from 0 to 4095");
	bad(DEVICE("{\"path\":\"/a\",\"type\":\"p\"},{\"path\":\"/a\",\"type\":\"p\"}"),
	    "elements 0 and 1 are both /a");
}

static void warns_of_the_rest(void **state)
{
	struct spec s;
	(void)state;
	good(&s, CONFIG(",\"shoes\":1",
			",\"linux\":{\"resources\":{\"network\":{\"classID\":1}}}"));
	const char *said = warned();
	assert_non_null(strstr(said, "warning: c.json: process.shoes: unknown field, ignored\n"));
	assert_non_null(strstr(said, "linux.resources.network: is not enforced"));
	spec_free(&s);
}

static void reads_seccomp(void **state)
{
	struct spec s;
	(void)state;
	good(&s, CONFIG("", ",\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ERRNO\","
			    "\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"],\"syscalls\":[{\"names\":"
			    "[\"read\",\"write\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{"
			    "\"index\":2,\"value\":18446744073709551615,\"op\":\"SCMP_CMP_NE\""
			    "}]}]}}"));
	assert_true(s.seccomp.present && s.seccomp.log && !s.seccomp.x32);
	assert_int_equal(s.seccomp.action, 0x00050001);
	assert_int_equal(s.seccomp.nrules, 1);
	assert_string_equal(s.seccomp.rules[0].names[1], "write");
	assert_int_equal(s.seccomp.rules[0].action, 0x7fff0000);
	assert_int_equal(s.seccomp.rules[0].args[0].index, 2);
	assert_true(s.seccomp.rules[0].args[0].value == UINT64_MAX);
	spec_free(&s);
}

static void reads_scheduling(void **state)
{
	struct spec s;
	(void)state;
	good(&s, CONFIG(",\"scheduler\":{\"policy\":\"SCHED_RR\",\"priority\":7,\"flags\":["
			"\"SCHED_FLAG_RESET_ON_FORK\"]},\"ioPriority\":{\"class\":"
			"\"IOPRIO_CLASS_BE\",\"priority\":4},\"execCPUAffinity\":{\"final\":"
			"\"0-2,5\"}",
			",\"linux\":{\"personality\":{\"domain\":\"LINUX32\"}}"));
	assert_true(s.process.has_scheduler && s.process.scheduler.reset_on_fork);
	assert_int_equal(s.process.scheduler.policy, 2);
	assert_int_equal(s.process.scheduler.rt_priority, 7);
	assert_int_equal(s.process.exec_cpus, 0x27);
	assert_int_equal(s.personality, 8);
	spec_free(&s);
	bad(CONFIG(",\"scheduler\":{\"policy\":\"SCHED_DEADLINE\"}", ""), "'SCHED_DEADLINE'");
	bad(CONFIG(",\"scheduler\":{\"policy\":\"SCHED_OTHER\",\"priority\":1}", ""),
	    "priority is for SCHED_FIFO");
	bad(CONFIG(",\"scheduler\":{\"policy\":\"SCHED_OTHER\",\"nice\":20}", ""),
	    "nice: must be from -20 to 19");
	bad(CONFIG(",\"execCPUAffinity\":{\"final\":\"3-1\"}", ""), "no list of CPUs");
	bad(CONFIG(",\"ioPriority\":{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":8}", ""),
	    "priority: must be from 0 to 7");
	warned();
}

/* Text of the document does not steer the terminal that shows it. */
static void shows_no_control_characters(void **state)
{
	struct spec s;
	struct error e;
	(void)state;
	bad(MOUNT("{\"destination\":\"/a\",\"type\":\"\\u001b[2J\"}"), "unknown type '?[2J'");
	good(&s, CONFIG(",\"\\u001b[2J\":1", ""));
	spec_free(&s);
	assert_null(strchr(warned(), 0x1b));
	assert_true(parse(&s, "{\"a\\u0000b\":1}", &e) < 0);
	spec_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_least),
		cmocka_unit_test(reads_process),
		cmocka_unit_test(reads_rlimits),
		cmocka_unit_test(reads_capabilities),
		cmocka_unit_test(reads_mounts),
		cmocka_unit_test(reads_linux),
		cmocka_unit_test(null_counts_as_absent),
		cmocka_unit_test(says_where),
		cmocka_unit_test(refuses_what_would_be_unsafe),
		cmocka_unit_test(finds_contradictions),
		cmocka_unit_test(warns_of_the_rest),
		cmocka_unit_test(reads_devices),
		cmocka_unit_test(reads_seccomp),
		cmocka_unit_test(reads_scheduling),
		cmocka_unit_test(shows_no_control_characters),
	};
	if (pipe(warnings) < 0)
		return 1;
	log_setup(warnings[1], LOG_WARNING, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
