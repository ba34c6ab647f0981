/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json of an OCI bundle, read, checked, and given in the sandbox's terms.
 *
 * What is there has been checked in itself (types, ranges, names); whether
 * files exist is for the one who opens them.  Fields that cannot be honoured are
 * an error where a container would be less confined or would lose data without
 * them, else a warning.
 */
#pragma once

#include "oci/spec_resources.h"
#include "sentry/boot/boot.h"

struct spec_mount {
	const char *destination, *type, *source;
	const char *data;	/* options for the file system, "" if none */
	char **options;		/* as they came */
	uint32_t flags;		/* BOOT_READONLY, ... of sentry/boot/boot.h */
	bool bind, readonly;
	bool submounts;		/* bind: what is mounted below the source comes along */
	bool copy_up;
	unsigned propagation;	/* bind: MS_PRIVATE, MS_SLAVE, ... of mount(2), 0: the root's */
};

enum { CAPS_BOUNDING, CAPS_EFFECTIVE, CAPS_PERMITTED, CAPS_INHERITABLE, CAPS_AMBIENT, CAPS_SETS };

struct spec_process {
	char **args, **env;	/* no args: there is no process to start */
	const char *cwd;
	bool terminal, no_new_privs;
	uint32_t console_rows, console_columns;	/* 0: not told */
	uint32_t uid, gid, umask;
	uint32_t *groups;
	size_t ngroups;
	uint64_t caps[CAPS_SETS];
	struct boot_rlimit *rlimits;
	size_t nrlimits;
	bool has_oom_score, has_scheduler;
	int64_t oom_score_adj;
	struct boot_sched scheduler;
	const char *apparmor, *selinux;	/* profile and label, NULL or "": none */
	uint64_t exec_cpus;	/* execCPUAffinity.final: a bit each, 0: all */
};

struct spec_seccomp_arg {
	uint32_t index;
	uint64_t value, value_two;
	int op;			/* enum scmp_compare of libseccomp */
};
struct spec_seccomp_rule {
	char **names;
	uint32_t action;	/* SCMP_ACT_* */
	struct spec_seccomp_arg *args;
	size_t nargs;
};
struct spec_seccomp {
	bool present;
	bool log, x32;		/* SECCOMP_FILTER_FLAG_LOG; SCMP_ARCH_X32 is listed */
	uint32_t action;	/* by default */
	struct spec_seccomp_rule *rules;
	size_t nrules;
};

enum spec_ns_type {
	NS_PID, NS_NETWORK, NS_MOUNT, NS_IPC, NS_UTS, NS_USER, NS_CGROUP, NS_TIME, NS_TYPES,
};
extern const char *const spec_ns_names[NS_TYPES];	/* as config.json has them */
struct spec_ns;
/* N if its path is /proc/N/ns/TYPE, else 0. */
int spec_ns_pid(const struct spec_ns *ns, enum spec_ns_type type);
struct spec_ns {
	bool listed;		/* not listed: the container was to share the runtime's */
	const char *path;	/* of another's to join, or NULL: a new one */
};


struct spec_root {
	const char *path;
	bool readonly;
};

struct spec {
	struct reader reader;	/* owns everything below */
	const char *version, *hostname, *domainname;
	const char *overlay;	/* annotation dev.vedette.overlay, or NULL */
	bool keep_groups;	/* annotation run.oci.keep_original_groups: the caller's are the program's */
	const char *sandbox;	/* annotations: the container of the pod whose sandbox it shares, or NULL */
	struct spec_process process;
	struct spec_root root;
	struct spec_mount *mounts;
	size_t nmounts;
	char **sysctls;		/* name, value, name, ..., NULL */
	struct boot_device *devices;
	size_t ndevices;
	unsigned propagation;	/* linux.rootfsPropagation, as that of a mount */
	char **masked_paths, **readonly_paths;
	struct spec_ns ns[NS_TYPES];
	struct id_map uid_map, gid_map;
	const char *mount_label;
	struct spec_seccomp seccomp;
	uint32_t personality;	/* PER_* of personality(2) */
	struct spec_resources resources;
	const char *cgroups_path; /* NULL: not given */
};

/* 0 or -errno with *e filled; spec_free() in either case.  file must outlive *out. */
int spec_load(struct spec *out, const char *file, struct error *e);
/*
 * Only out->process: of that member of a configuration, or of a file with nothing but a
 * process (member NULL), as `exec --process' gets it.
 */
int spec_load_process(struct spec *out, const char *file, const char *member, struct error *e);
int spec_parse(struct spec *out, const char *file, const char *text, size_t size, struct error *e);
void spec_free(struct spec *s);

/*
 * labels.c: profiles of AppArmor and SELinux confine processes of the host, which programs
 * inside are not.  What engines put there by default is a warning where the host has that
 * module, and anything else is refused.  -errno with *e filled.
 */
int spec_check_labels(const struct spec_process *p, const char *mount_label, const char *file,
		      struct error *e);
/* spec_check.c: contradictions between parts, after all of it has been read. */
int spec_check(struct spec *s);

/* The parts, each in its own file; out is what the name says. */
int spec_read_process(struct reader *r, json_t *v, void *out);	/* struct spec_process * */
const char *spec_capability_name(int cap);	/* without CAP_; NULL: there is none */
uint64_t spec_capability(const char *name);	/* "CAP_...": its bit, 0: unknown */
int spec_read_scheduler(struct reader *r, json_t *v, void *out);	/* struct spec_process * */
int spec_read_io_priority(struct reader *r, json_t *v, void *out);	/* struct spec_process * */
int spec_read_exec_cpus(struct reader *r, json_t *v, void *out);	/* struct spec_process * */
int spec_read_mount(struct reader *r, json_t *v, void *out);	/* struct spec_mount * */
int spec_read_devices(struct reader *r, json_t *v, void *out);	/* struct spec * */
int spec_read_seccomp(struct reader *r, json_t *v, void *out);	/* struct spec_seccomp * */
int spec_read_namespaces(struct reader *r, json_t *v, void *out);	/* struct spec_ns[NS_TYPES] */
int spec_read_mappings(struct reader *r, json_t *v, void *out);	/* struct id_map * */
int spec_read_hooks(struct reader *r, json_t *v, void *out);	/* NULL: checked only */
int spec_read_linux(struct reader *r, json_t *v, void *out);	/* struct spec * */
