/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host offers, found by trying it in a child: versions and
 * configuration files say what may be, a try says what is.
 */
#pragma once

struct finding {
	char detail[96];	/* what was found, "" if there is nothing to say */
	char fix[160];		/* better advice than the general one, or "" */
};

/* 0: it is there; or -errno. */
typedef int (*probe_fn)(struct finding *f);

int probe_kernel(struct finding *f);
int probe_proc(struct finding *f);
int probe_urandom(struct finding *f);
int probe_trace(struct finding *f);
int probe_copy(struct finding *f);
int probe_filter(struct finding *f);
int probe_stub_filter(struct finding *f);
int probe_exitkill(struct finding *f);
int probe_yama(struct finding *f);
int probe_userns(struct finding *f);
int probe_pidns(struct finding *f);
int probe_mountns(struct finding *f);
int probe_netns(struct finding *f);
int probe_ipcns(struct finding *f);
int probe_utsns(struct finding *f);
int probe_memfd(struct finding *f);
int probe_tmpfs(struct finding *f);
int probe_openat2(struct finding *f);
int probe_close_range(struct finding *f);
int probe_kcmp(struct finding *f);
int probe_cgroup(struct finding *f);
int probe_cg_memory(struct finding *f);
int probe_cg_swap(struct finding *f);
int probe_systemd(struct finding *f);
int probe_cg_cpu(struct finding *f);
int probe_cg_cpuset(struct finding *f);
int probe_cg_pids(struct finding *f);
int probe_cg_io(struct finding *f);
int probe_cg_freezer(struct finding *f);
int probe_statx(struct finding *f);
int probe_renameat2(struct finding *f);
int probe_pidfd(struct finding *f);
int probe_resource(struct finding *f);
int probe_subids(struct finding *f);
int probe_tun(struct finding *f);
int probe_files(struct finding *f);
