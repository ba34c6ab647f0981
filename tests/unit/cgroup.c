/* SPDX-License-Identifier: Apache-2.0 */
/* Cgroups of the host: where they are, what is written into them, and a real one where we may. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "oci/cgroup/cgroup.h"
#include "oci/cgroup/convert.h"
#include "oci/cgroup/find.h"
#include "platform/platform.h"

const struct platform_ops *platform = &null_platform;

static struct hierarchies h;

/* ---- finding ---- */

static void finds_v1_by_mounts(void **state)
{
	(void)state;
	hierarchies_parse(
		"31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
		"32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup "
		"rw,cpu,cpuacct\n"
		"35 31 0:32 / /my\\040groups/memory rw shared:9 - cgroup cgroup rw,memory\n"
		"35 31 0:32 / /elsewhere/memory rw - cgroup cgroup rw,memory\n"
		"40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
		"41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate\n",
		"5:memory:/a/b\n4:cpu,cpuacct:/\n1:name=systemd:/user.slice\n0::/x\n", &h);
	assert_int_equal(h.count, 4);
	assert_string_equal(hierarchy_of(&h, "cpu")->mount, "/sys/fs/cgroup/cpu,cpuacct");
	assert_string_equal(hierarchy_of(&h, "cpuacct")->own, "/");
	assert_string_equal(hierarchy_of(&h, "memory")->mount, "/my groups/memory");
	assert_string_equal(hierarchy_of(&h, "memory")->own, "/a/b");
	assert_string_equal(hierarchy_of(&h, "name=systemd")->own, "/user.slice");
	assert_null(hierarchy_of(&h, "cpuset"));
	assert_null(hierarchy_of(&h, "mem"));
	assert_string_equal(hierarchy_v2(&h)->own, "/x");
}

/* In a container without a cgroup namespace the mount's root is not "/". */
static void takes_the_mount_s_root_off(void **state)
{
	(void)state;
	hierarchies_parse("1 1 0:2 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
			  "1 1 0:2 /../.. /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids\n",
			  "4:memory:/docker/abc/sub\n3:pids:/\n", &h);
	assert_string_equal(hierarchy_of(&h, "memory")->own, "/sub");
	assert_string_equal(hierarchy_of(&h, "pids")->own, "/");
	hierarchies_parse("1 1 0:2 /docker/abc /m ro - cgroup cgroup rw,memory\n",
			  "4:memory:/docker/abc\n", &h);
	assert_string_equal(hierarchy_of(&h, "memory")->own, "/");
}

static void survives_nonsense(void **state)
{
	(void)state;
	hierarchies_parse("", "", &h);
	assert_int_equal(h.count, 0);
	hierarchies_parse(" - cgroup\n - - -\n1 2 3 - cgroup2 x y\n\n", "::::\n4\n:\n", &h);
	assert_int_equal(h.count, 0);
}

static void cleans_paths(void **state)
{
	static const struct {
		const char *from, *to;
	} rows[] = {
		{"/a/b", "/a/b"},      {"a//b/", "/a/b"},	 {"/", ""}, {"", ""},
		{"../../etc", "/etc"}, {"/a/../../b", "/b"},	 {".", ""}, {"/a/./b", "/a/b"},
		{"/a/..", ""},	       {"/..a/b..", "/..a/b.."},
	};
	char out[64];
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(path_clean(rows[i].from, out, sizeof out), 0);
		assert_string_equal(out, rows[i].to);
	}
	assert_int_equal(path_clean("/abcdef", out, 5), -ENAMETOOLONG);
}

/* ---- numbers ---- */

static void converts_as_runc_does(void **state)
{
	int64_t swap;
	struct error e;
	(void)state;
	assert_int_equal(convert_shares(0), 0);
	assert_int_equal(convert_shares(2), 1);
	assert_int_equal(convert_shares(1024), 39);
	assert_int_equal(convert_shares(262144), 10000);
	assert_int_equal(convert_shares(UINT64_MAX), 10000);
	assert_int_equal(convert_io_weight(10), 1);
	assert_int_equal(convert_io_weight(500), 4950);
	assert_int_equal(convert_io_weight(1000), 10000);
	assert_int_equal(convert_swap(200, 100, &swap, &e), 0);
	assert_int_equal(swap, 100);
	assert_int_equal(convert_swap(100, 100, &swap, &e), 0);
	assert_int_equal(swap, 0);
	assert_int_equal(convert_swap(-1, 100, &swap, &e), 0);
	assert_int_equal(swap, -1);
	assert_int_equal(convert_swap(0, -1, &swap, &e), 0);
	assert_int_equal(swap, -1);
	assert_int_equal(convert_swap(0, 100, &swap, &e), 0);
	assert_true(swap == INT64_MIN);
	assert_int_equal(convert_swap(100, 0, &swap, &e), -EINVAL);
	assert_int_equal(convert_swap(99, 100, &swap, &e), -EINVAL);
	assert_true(convert_pids(64) >= 128 + 32);
	assert_true(convert_pids(UINT64_MAX) == INT64_MAX);
}

/* ---- what is written ---- */

static struct reader r;

static void resources(const char *text, struct spec_resources *out)
{
	struct error e = {.msg = ""};
	memset(out, 0, sizeof *out);
	if (reader_parse(&r, "r.json", text, strlen(text), &e) < 0 ||
	    spec_read_resources(&r, r.root, out) < 0)
		fail_msg("%s", e.msg);
}

static void refuses(const char *text, const char *want)
{
	struct error e = {.msg = ""};
	struct spec_resources s = {0};
	assert_int_equal(reader_parse(&r, "r.json", text, strlen(text), &e), 0);
	assert_true(spec_read_resources(&r, r.root, &s) < 0);
	if (!strstr(e.msg, want))
		fail_msg("'%s' is not in '%s'", want, e.msg);
	reader_close(&r);
}

/* "file=value" lines. */
static const char *flat(const struct settings *s)
{
	static char out[4096];
	size_t n = 0;
	out[0] = '\0';
	for (size_t i = 0; i < s->count; i++)
		n += (size_t)snprintf(out + n, sizeof out - n, "%s=%s\n", s->list[i].file,
				      s->list[i].value);
	return out;
}

#define DOCKER                                                                                     \
	"{\"memory\":{\"limit\":536870912,\"reservation\":1048576,\"swap\":1073741824,"            \
	"\"kernel\":5,\"swappiness\":60},"                                                         \
	"\"cpu\":{\"shares\":1024,\"quota\":150000,\"period\":100000,\"cpus\":\"0-1\"},"           \
	"\"pids\":{\"limit\":64},\"blockIO\":{\"weight\":500,\"throttleReadBpsDevice\":"           \
	"[{\"major\":8,\"minor\":0,\"rate\":1048576}]},"                                           \
	"\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":4194304}]"

static void writes_v1(void **state)
{
	struct spec_resources s;
	struct settings w;
	struct error e;
	(void)state;
	resources(DOCKER ",\"devices\":[{\"allow\":false,\"access\":\"rwm\"},{\"allow\":true,"
			 "\"type\":\"c\",\"major\":10,\"minor\":229,\"access\":\"rw\"}]}",
		  &s);
	assert_int_equal(settings_v1(&s, &w, &e), 0);
	static const char want[] = "memory.limit_in_bytes=536870912\n"
				   "memory.memsw.limit_in_bytes=1073741824\n"
				   "memory.soft_limit_in_bytes=1048576\n"
				   "memory.swappiness=60\n"
				   "cpu.shares=1024\n"
				   "cpu.cfs_period_us=100000\n"
				   "cpu.cfs_quota_us=150000\n"
				   "cpuset.cpus=0-1\n"
				   "pids.max=192\n"
				   "blkio.bfq.weight=500\n"
				   "blkio.throttle.read_bps_device=8:0 1048576\n"
				   "hugetlb.2MB.limit_in_bytes=4194304\n"
				   "devices.deny=a\n"
				   "devices.allow=c 10:229 rw\n";
	const char *text = flat(&w);
	assert_int_equal(strncmp(text, want, sizeof want - 1), 0);
	assert_non_null(strstr(text, "devices.allow=c 1:9 rwm\n"));
	settings_free(&w);
	reader_close(&r);
	resources("{\"unified\":{\"memory.high\":\"1\"}}", &s);
	assert_int_equal(settings_v1(&s, &w, &e), -EINVAL);
	settings_free(&w);
	reader_close(&r);
}

static void writes_v2(void **state)
{
	struct spec_resources s;
	struct settings w;
	struct error e;
	(void)state;
	resources(DOCKER ",\"unified\":{\"memory.high\":\"400000000\"}}", &s);
	assert_int_equal(settings_v2(&s, &w, &e), 0);
	assert_string_equal(flat(&w), "memory.max=536870912\n"
				      "memory.low=1048576\n"
				      "memory.swap.max=536870912\n"
				      "cpu.weight=39\n"
				      "cpu.max=150000 100000\n"
				      "cpuset.cpus=0-1\n"
				      "pids.max=192\n"
				      "io.weight=default 4950\n"
				      "io.max=8:0 rbps=1048576\n"
				      "hugetlb.2MB.max=4194304\n"
				      "memory.high=400000000\n");
	assert_string_equal(w.list[w.count - 1].controller, "memory");
	settings_free(&w);
	reader_close(&r);
}

static void minus_one_is_no_limit(void **state)
{
	struct spec_resources s;
	struct settings w;
	struct error e;
	struct limits l;
	(void)state;
	resources("{\"memory\":{\"limit\":-1},\"cpu\":{\"quota\":-1},\"pids\":{\"limit\":-1}}", &s);
	assert_int_equal(settings_v2(&s, &w, &e), 0);
	assert_string_equal(flat(&w), "memory.max=max\nmemory.swap.max=max\ncpu.max=max 100000\n"
				      "pids.max=max\n");
	settings_free(&w);
	assert_int_equal(settings_v1(&s, &w, &e), 0);
	assert_string_equal(flat(&w), "memory.limit_in_bytes=-1\nmemory.memsw.limit_in_bytes=-1\n"
				      "cpu.cfs_quota_us=-1\npids.max=max\n");
	settings_free(&w);
	limits_of(&s, &l);
	assert_int_equal(l.memory_max, 0);
	assert_int_equal(l.cpu_quota_us, 0);
	assert_int_equal(l.pids_max, 0);
	assert_false(l.swap_limited);
	reader_close(&r);
}

static void what_was_not_given_is_left_alone(void **state)
{
	struct spec_resources s;
	struct settings w;
	struct error e;
	(void)state;
	resources("{\"memory\":{\"limit\":0,\"swap\":0},\"cpu\":{\"quota\":0,\"shares\":0},"
		  "\"pids\":{\"limit\":0},\"devices\":null}",
		  &s);
	assert_int_equal(settings_v1(&s, &w, &e), 0);
	assert_int_equal(w.count, 0);
	settings_free(&w);
	assert_int_equal(settings_v2(&s, &w, &e), 0);
	assert_int_equal(w.count, 0);
	settings_free(&w);
	reader_close(&r);
}

static void the_guest_sees_the_same(void **state)
{
	struct spec_resources s;
	struct limits l;
	(void)state;
	resources(DOCKER ",\"unified\":{\"cpu.max\":\"50000 200000\",\"pids.max\":\"max\"}}", &s);
	limits_of(&s, &l);
	assert_int_equal(l.memory_max, 536870912);
	assert_true(l.swap_limited);
	assert_int_equal(l.swap_max, 536870912);
	assert_int_equal(l.cpu_quota_us, 50000);
	assert_int_equal(l.cpu_period_us, 200000);
	assert_int_equal(l.cpuset, 2);
	assert_int_equal(l.cpu_weight, 39);
	assert_int_equal(l.pids_max, 0);
	reader_close(&r);
}

static void refuses_what_is_wrong(void **state)
{
	(void)state;
	refuses("{\"memory\":{\"limit\":-2}}", "memory.limit: must be -1");
	refuses("{\"memory\":{\"swappiness\":101}}", "from 0 to 100");
	refuses("{\"cpu\":{\"idle\":2}}", "idle must be 0 or 1");
	refuses("{\"blockIO\":{\"weight\":9}}", "from 10 to 1000");
	refuses("{\"hugepageLimits\":[{\"pageSize\":\"../x\",\"limit\":1}]}", "is no page size");
	refuses("{\"unified\":{\"../memory.max\":\"1\"}}", "is no file of cgroup v2");
	refuses("{\"unified\":{\"..x\":\"1\"}}", "is no file of cgroup v2");
	refuses("{\"unified\":{\"memory.max\":1}}", "must be a string");
	refuses("{\"devices\":[{\"allow\":true,\"type\":\"x\"}]}", "type 'x'");
	refuses("{\"devices\":[{\"allow\":true,\"access\":\"rx\"}]}", "access 'rx'");
}

static void is_kept_as_json(void **state)
{
	struct cgroup_dir dirs[] = {{(char *)"/c/memory/x", (char *)"memory", NULL, false},
				    {(char *)"/c/u/x", (char *)"", NULL, true}};
	struct scope scope = {.unit = "a.scope", .slice = "b.slice", .user = true};
	const struct cgroup c = {.dirs = dirs, .count = 2, .scope = &scope};
	struct cgroup back;
	(void)state;
	words_add(&scope.env, "XDG_RUNTIME_DIR=/r");
	json_t *j = cgroup_to_json(&c);
	assert_int_equal(cgroup_from_json(j, &back), 0);
	json_decref(j);
	assert_int_equal(back.count, 2);
	assert_string_equal(cgroup_path(&back, "memory"), "/c/memory/x");
	assert_null(cgroup_path(&back, "pids"));
	assert_string_equal(back.scope->unit, "a.scope");
	assert_string_equal(back.scope->slice, "b.slice");
	assert_true(back.scope->user);
	assert_int_equal(back.scope->env.count, 1);
	assert_string_equal(back.scope->env.list[0], "XDG_RUNTIME_DIR=/r");
	cgroup_free(&back);
	words_free(&scope.env);
	j = json_pack("{s:[{s:s}]}", "dirs", "path", "relative");
	assert_int_equal(cgroup_from_json(j, &back), -EINVAL);
	json_decref(j);
	cgroup_free(&back);
}

/* ---- a real one ---- */

/* A test that fails leaves no process and no group. */
static struct cgroup *at_work;

static int clean_up(void **state)
{
	struct error e;
	(void)state;
	if (at_work) {
		cgroup_freeze(at_work, false, 0, &e);
		cgroup_leave(at_work);
		cgroup_kill(at_work, 0);
		cgroup_remove(at_work, &e);
		cgroup_free(at_work);
	}
	at_work = NULL;
	return 0;
}

static bool may_make(struct cgroup *c)
{
	char name[64];
	struct error e;
	struct spec_resources s;
	snprintf(name, sizeof name, "vedette-unit-%d", (int)getpid());
	resources("{\"memory\":{\"limit\":67108864},\"pids\":{\"limit\":10}}", &s);
	int err = cgroup_plan(c, NULL, name, false, &e);
	at_work = c;
	if (err == 0)
		err = c->count ? cgroup_create(c, &s, &e) : -ENOENT;
	reader_close(&r);
	return err == 0;
}

static pid_t sleeper(const struct cgroup *c)
{
	int ready[2];
	char byte;
	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct error e;
		if (cgroup_join(c, &e) < 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void limits_kills_and_goes(void **state)
{
	static struct cgroup c;
	struct error e;
	struct limits l = {0};
	struct usage_files u;
	pid_t *pids;
	size_t n;
	int status;
	(void)state;
	if (!may_make(&c))
		skip();
	pid_t pid = sleeper(&c);
	assert_int_equal(cgroup_pids(&c, &pids, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(pids[0], pid);
	free(pids);
	limits_lower(&c, &l);
	assert_int_equal(l.memory_max, 67108864);
	usage_open(&c, &u);
	assert_true(u.fd[USAGE_MEMORY] >= 0);
	assert_true(u.fd[USAGE_MEMORY_EVENTS] >= 0);
	usage_close(&u);
	assert_int_equal(cgroup_oom_kills(&c), 0);
	json_t *stats = NULL;
	assert_int_equal(cgroup_stats(&c, &stats), 0);
	/* TSan gives the child a thread of its own. */
	assert_in_range(
		json_integer_value(json_object_get(json_object_get(stats, "pids"), "current")), 1, 2);
	json_decref(stats);
	struct spec_resources s;
	resources("{\"memory\":{\"limit\":134217728}}", &s);
	assert_int_equal(cgroup_update(&c, &s, &e), 0);
	reader_close(&r);
	l.memory_max = 0;
	limits_lower(&c, &l);
	assert_int_equal(l.memory_max, 134217728);
	assert_int_equal(cgroup_kill(&c, 0), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_int_equal(cgroup_remove(&c, &e), 0);
	assert_int_not_equal(access(cgroup_path(&c, "memory"), F_OK), 0);
	assert_int_equal(cgroup_remove(&c, &e), 0);
}

static char state_of(pid_t pid)
{
	char path[64], text[256] = "";
	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	FILE *f = fopen(path, "r");
	while (f && fgets(text, sizeof text, f) && strncmp(text, "State:", 6) != 0)
		;
	if (f)
		fclose(f);
	return text[7];
}

static void freezes_and_goes_even_so(void **state)
{
	static struct cgroup c;
	struct error e;
	int status;
	(void)state;
	if (!may_make(&c))
		skip();
	pid_t pid = sleeper(&c);
	if (cgroup_freeze(&c, true, 0, &e) < 0)
		fail_msg("%s", e.msg);
	char frozen = state_of(pid);
	assert_true(frozen == 'D' || frozen == 'S');
	assert_int_equal(cgroup_freeze(&c, false, 0, &e), 0);
	assert_int_equal(cgroup_freeze(&c, true, 0, &e), 0);
	kill(pid, SIGKILL);
	/* Removing lets it die. */
	signal(SIGCHLD, SIG_IGN);
	assert_int_equal(cgroup_remove(&c, &e), 0);
	signal(SIGCHLD, SIG_DFL);
	waitpid(pid, &status, 0);
}

static void leaves_what_it_entered(void **state)
{
	static struct cgroup c;
	struct error e;
	(void)state;
	if (!may_make(&c))
		skip();
	assert_int_equal(cgroup_join(&c, &e), 0);
	cgroup_leave(&c);
	assert_int_equal(cgroup_remove(&c, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_v1_by_mounts),
		cmocka_unit_test(takes_the_mount_s_root_off),
		cmocka_unit_test(survives_nonsense),
		cmocka_unit_test(cleans_paths),
		cmocka_unit_test(converts_as_runc_does),
		cmocka_unit_test(writes_v1),
		cmocka_unit_test(writes_v2),
		cmocka_unit_test(minus_one_is_no_limit),
		cmocka_unit_test(what_was_not_given_is_left_alone),
		cmocka_unit_test(the_guest_sees_the_same),
		cmocka_unit_test(refuses_what_is_wrong),
		cmocka_unit_test(is_kept_as_json),
		cmocka_unit_test_teardown(limits_kills_and_goes, clean_up),
		cmocka_unit_test_teardown(freezes_and_goes_even_so, clean_up),
		cmocka_unit_test_teardown(leaves_what_it_entered, clean_up),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
