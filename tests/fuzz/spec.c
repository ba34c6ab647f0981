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

#include "oci/spec.h"
#include "platform/base/log.h"
#include "platform/base/types.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_good(const struct spec *s)
{
	assert(s->version && s->root.path && s->process.args[0] && s->process.cwd[0] == '/');
	for (size_t i = 0; i < s->nmounts; i++) {
		const struct spec_mount *m = &s->mounts[i];
		assert(m->destination[0] == '/' && m->type && m->source && m->data);
	}
	for (size_t i = 0; i < s->process.nrlimits; i++)
		assert(s->process.rlimits[i].soft <= s->process.rlimits[i].hard);
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
	"\"cwd\":\"/\",\"capabilities\":{\"bounding\":[\"CAP_KILL\"],\"permitted\":[\"CAP_CHOWN\"],"
	"\"effective\":[\"CAP_CHOWN\"]},\"rlimits\":[{\"type\":\"RLIMIT_AS\",\"soft\":1,\"hard\":"
	"18446744073709551615}],\"noNewPrivileges\":true,\"oomScoreAdj\":-5},\"root\":{\"path\":"
	"\"rootfs\",\"readonly\":true},\"hostname\":\"h\",\"mounts\":[{\"destination\":\"/a\","
	"\"type\":\"tmpfs\",\"source\":\"t\",\"options\":[\"ro\",\"size=1m\",\"nosuid\"]},"
	"{\"destination\":\"/"
	"b\",\"source\":\"c\",\"options\":[\"rbind\"]}],\"linux\":{\"namespaces\":"
	"[{\"type\":\"pid\"},{\"type\":\"user\"}],\"uidMappings\":[{\"containerID\":0,\"hostID\":0,"
	"\"size\":5}],\"resources\":{\"pids\":{\"limit\":9},\"memory\":{\"limit\":1}},"
	"\"maskedPaths\":"
	"[\"/x\"],\"readonlyPaths\":[\"/y\"],\"devices\":[{\"path\":\"/dev/"
	"fuse\",\"type\":\"c\"}]}}";

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
		random_state ^= strtoull(argv[2], NULL, 0) * 0x9e3779b97f4a7c15ull;
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
