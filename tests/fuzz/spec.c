/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json: whatever it is, it is read or refused with a message.
 *
 *	clang -fsanitize=fuzzer,address ... -DFUZZER    libFuzzer
 *	program [runs [seed]]                           mutations of a good file
 */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oci/seccomp.h"
#include "oci/spec.h"
#include "platform/base/log.h"
#include "platform/base/types.h"
#include "sentry/task/seccomp/bpf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Both ways lead back, and nothing wraps. */
static void check_map(const struct id_map *m)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct id_range *r = &m->range[i];
		uint32_t last = r->count - 1, out;
		assert(r->count && r->inside + last >= r->inside &&
		       r->outside + last >= r->outside);
		assert(id_outside(m, r->inside + last, &out) && out == r->outside + last);
		assert(id_inside(m, out) == r->inside + last);
	}
}

/* What libseccomp makes of it is a program for the interpreter, or there is a message. */
static void check_seccomp(const struct spec_seccomp *s)
{
	struct abi_sock_filter *prog = NULL;
	struct error e = {.msg = ""};
	size_t len = 0;
	if (!s->present)
		return;
	int err = seccomp_compile(s, "fuzz", &prog, &len, &e);
	assert((err < 0) == (e.msg[0] != '\0'));
	if (err == 0) {
		const struct abi_seccomp_data data = {.nr = 62, .arch = AUDIT_ARCH_X86_64};
		assert(bpf_check(prog, len) == 0);
		bpf_run(prog, &data);
	}
	free(prog);
}

static void check_good(const struct spec *s)
{
	/* Without a process nothing can be started, but created. */
	assert(s->version && s->root.path && s->process.args && s->process.cwd[0] == '/');
	for (size_t i = 0; i < s->nmounts; i++) {
		const struct spec_mount *m = &s->mounts[i];
		assert(m->destination[0] == '/' && m->type && m->source && m->data);
	}
	for (size_t i = 0; i < s->process.nrlimits; i++)
		assert(s->process.rlimits[i].soft <= s->process.rlimits[i].hard);
	for (size_t i = 0; i < s->ndevices; i++) {
		const struct boot_device *d = &s->devices[i];
		assert(d->path[0] == '/' && d->major < 4096 && d->minor < 1 << 20 && d->mode >> 12);
	}
	for (char **p = s->sysctls; p && *p; p += 2)
		assert(p[1]);
	check_map(&s->uid_map);
	check_map(&s->gid_map);
	check_seccomp(&s->seccomp);
	assert(s->process.umask <= 0777);
	assert(!(s->process.caps[CAPS_EFFECTIVE] & ~s->process.caps[CAPS_PERMITTED]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int quiet = -1;
	struct error e = {.msg = ""};
	struct spec s;
	if (quiet < 0) {
		quiet = open("/dev/null", O_WRONLY);
		log_setup(quiet, LOG_WARNING, 0);
	}
	int err = spec_parse(&s, "fuzz", (const char *)data, size, &e);
	assert(err <= 0 && (err < 0) == (e.msg[0] != '\0'));
	for (const char *p = e.msg; *p; p++)
		assert((unsigned char)*p >= 0x20 || err == 0);
	if (err == 0)
		check_good(&s);
	spec_free(&s);
	return 0;
}

#ifndef FUZZER
static const char seed[] =
	"{\"ociVersion\":\"1.0.2\",\"process\":{\"terminal\":false,\"user\":{\"uid\":1,\"gid\":2,"
	"\"umask\":18,\"additionalGids\":[3,4]},\"args\":[\"sh\",\"-c\",\"x\"],\"env\":[\"A=b\"],"
	"\"cwd\":\"/\",\"capabilities\":{\"bounding\":[\"CAP_KILL\"],\"permitted\":[\"CAP_CHOWN\""
	"],\"effective\":[\"CAP_CHOWN\"]},\"rlimits\":[{\"type\":\"RLIMIT_AS\",\"soft\":1,\"hard"
	"\":18446744073709551615}],\"noNewPrivileges\":true,\"oomScoreAdj\":-5,\"scheduler\":{\"p"
	"olicy\":\"SCHED_RR\",\"priority\":7,\"nice\":0,\"flags\":[\"SCHED_FLAG_RESET_ON_FORK\"]}"
	",\"ioPriority\":{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":4},\"execCPUAffinity\":{\"in"
	"itial\":\"0\",\"final\":\"0-3,7\"},\"apparmorProfile\":\"p\",\"selinuxLabel\":\"a:b:c:d"
	"\"},\"root\":{\"path\":\"rootfs\",\"readonly\":true},\"hostname\":\"h\",\"mounts\":[{\"d"
	"estination\":\"/a\",\"type\":\"tmpfs\",\"source\":\"t\",\"options\":[\"ro\",\"size=1m\","
	"\"nosuid\",\"tmpcopyup\"]},{\"destination\":\"/b\",\"source\":\"c\",\"options\":[\"rbind"
	"\",\"rslave\",\"mode=1\"]},{\"destination\":\"/c\",\"type\":\"cgroup\",\"options\":[\"ro"
	"\"]}],\"linux\":{\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"user\"},{\"type\":\"uts"
	"\"},{\"type\":\"mount\"},{\"type\":\"ipc\",\"path\":\"/n\"},{\"type\":\"network\"}],\"ui"
	"dMappings\":[{\"containerID\":0,\"hostID\":100,\"size\":5},{\"containerID\":5,\"hostID\""
	":5,\"size\":7}],\"gidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":4294967295}],"
	"\"resources\":{\"pids\":{\"limit\":9},\"memory\":{\"limit\":1}},\"maskedPaths\":[\"/x\"]"
	",\"readonlyPaths\":[\"/y\"],\"rootfsPropagation\":\"rslave\",\"personality\":{\"domain\""
	":\"LINUX32\"},\"sysctl\":{\"kernel.shmmax\":\"1\",\"net/core/somaxconn\":\"2\"},\"mountL"
	"abel\":\"l\",\"devices\":[{\"path\":\"/dev/fuse\",\"type\":\"c\",\"major\":10,\"minor\":"
	"229,\"fileMode\":438,\"uid\":1,\"gid\":2},{\"path\":\"/p\",\"type\":\"p\"}],\"seccomp\":"
	"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38,\"architectures\":[\"SCMP_A"
	"RCH_X86_64\",\"SCMP_ARCH_X32\"],\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"],\"syscalls\":[{"
	"\"names\":[\"read\",\"kill\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":1,\"val"
	"ue\":5,\"valueTwo\":6,\"op\":\"SCMP_CMP_MASKED_EQ\"},{\"index\":0,\"value\":184467440737"
	"09551615,\"op\":\"SCMP_CMP_NE\"}]},{\"names\":[\"mkdir\",\"nosuch\"],\"action\":\"SCMP_A"
	"CT_TRACE\",\"errnoRet\":7}]}}}";

static uint64_t random_state = 0x9e3779b97f4a7c15ull;

static uint32_t pick(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32) % n;
}

/* Mutations that keep the syntax more often than not: values for values. */
static void mutate(char *p, size_t *size, size_t room)
{
	static const char *const values[] = {
		"null",
		"true",
		"-1",
		"0",
		"1e999",
		"0.5",
		"18446744073709551616",
		"{}",
		"[]",
		"\"\"",
		"\"/\"",
		"[[[[1]]]]",
		"{\"a\":1}",
		"\"\\u0001\"",
		"\"bind\"",
		"99999999999999999999",
		"4294967295",
		"\"SCMP_CMP_EQ\"",
		"\"SCMP_ACT_ALLOW\"",
		"\"c\"",
	};
	for (uint32_t i = 1 + pick(3); i > 0 && *size > 1; i--) {
		uint32_t at = pick((uint32_t)*size);
		const char *v = values[pick(ARRAY_SIZE(values))];
		char *colon = memchr(p + at, ':', *size - at);
		size_t n = strlen(v), skip = colon ? strcspn(colon + 1, ",}]") : 0;
		if (pick(3) && colon && *size + n < room) {
			char *from = colon + 1 + skip;
			memmove(colon + 1 + n, from, (size_t)(p + *size - from) + 1);
			memcpy(colon + 1, v, n);
			*size = *size + n - skip;
		} else if (pick(2)) {
			p[at] = (char)(32 + pick(96));
		} else {
			p[at] ^= (char)(1u << pick(8));
		}
	}
	if (pick(50) == 0)
		*size = pick((uint32_t)*size);
}

int main(int argc, char **argv)
{
	static char input[4 * sizeof seed];
	long runs = argc > 1 ? atol(argv[1]) : 20000;
	if (argc > 2)
		random_state = (random_state * strtoull(argv[2], NULL, 0)) | 1;
	struct error e = {.msg = ""};
	struct spec good;
	/* A seed that is refused would try nothing. */
	int err = spec_parse(&good, "seed", seed, sizeof seed - 1, &e);
	spec_free(&good);
	if (err < 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	for (long i = 0; i < runs; i++) {
		size_t size = sizeof seed - 1;
		memset(input, 0, sizeof input);
		memcpy(input, seed, sizeof seed);
		mutate(input, &size, sizeof input - 64);
		LLVMFuzzerTestOneInput((const uint8_t *)input, size);
	}
	printf("spec: %ld files\n", runs);
	return 0;
}
#endif
