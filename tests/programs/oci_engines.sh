#!/bin/sh
# config.json as engines write it (by hand, of the shape that docker, podman, containerd and
# buildah generate): accepted without an error, and with no warning that every user would see.
set -u
n=0
busybox=$(command -v busybox) || { echo "1..0 # SKIP no busybox"; exit 0; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/rootfs/bin" "$dir/rootfs/etc" "$dir/shm"
cp "$busybox" "$dir/rootfs/bin/busybox"
for a in sh cat echo grep id hostname; do ln -s busybox "$dir/rootfs/bin/$a"; done
for f in hostname hosts resolv.conf; do echo "$f" >"$dir/$f"; done
cd "$dir" || exit 1

ok() { n=$((n + 1)); echo "ok $n - $1"; }
not_ok() { n=$((n + 1)); echo "not ok $n - $1"; shift; printf '# %s\n' "$@"; }

caps='"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE"'
sets="\"capabilities\": {\"bounding\": [$caps], \"effective\": [$caps], \"permitted\": [$caps]}"
masked='"maskedPaths": ["/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap"],
 "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]'
allowed=$("$VEDETTE" syscalls --format=csv | sed -n '2,$s/^[0-9]*,\([a-z0-9_]*\),.*/"\1",/p' | grep -v -e '"mount"' -e '"clone3"' -e '"bpf"' | tr -d '\n')
seccomp="\"seccomp\": {\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 1,
 \"architectures\": [\"SCMP_ARCH_X86_64\", \"SCMP_ARCH_X86\", \"SCMP_ARCH_X32\"],
 \"syscalls\": [{\"names\": [${allowed%,}, \"socketcall\", \"mmap2\"], \"action\": \"SCMP_ACT_ALLOW\"},
  {\"names\": [\"personality\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 0, \"value\": 8, \"op\": \"SCMP_CMP_EQ\"}]},
  {\"names\": [\"clone\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 0, \"value\": 2114060288, \"valueTwo\": 0, \"op\": \"SCMP_CMP_MASKED_EQ\"}]},
  {\"names\": [\"clone3\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 38}]}"
devices='"devices": [{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 1, "minor": 5, "access": "rwm"}]'
etc='{"destination": "/etc/resolv.conf", "type": "bind", "source": "'$dir'/resolv.conf", "options": ["rbind", "rprivate"]},
 {"destination": "/etc/hostname", "type": "bind", "source": "'$dir'/hostname", "options": ["rbind", "rprivate"]},
 {"destination": "/etc/hosts", "type": "bind", "source": "'$dir'/hosts", "options": ["rbind", "rprivate"]}'
kernel='{"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]},
 {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
 {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
 {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": ["nosuid", "noexec", "nodev"]}'

# check NAME WANTED [WARNINGS]: it prints that, and says nothing but WARNINGS lines.
check() {
	got=$(timeout -k 5 60 "$VEDETTE" run --bundle "$dir" "box$$" 2>"$dir/err" </dev/null)
	status=$?
	if [ "$got" = "$2" ] && [ "$(grep -vc "sanitizer build" "$dir/err")" -eq "${3:-0}" ]; then ok "$1"; else
		not_ok "$1" "status $status: $got" "wanted: $2" "$(cat "$dir/err")"; fi
}

cat >config.json <<J
{"ociVersion": "1.0.2-dev",
 "process": {"user": {"uid": 0, "gid": 0, "additionalGids": [0, 10]}, "args": ["sh", "-c", "cat /etc/hosts; hostname; id -u"],
  "env": ["PATH=/bin", "HOSTNAME=c0ffee"], "cwd": "/", $sets, "oomScoreAdj": 0},
 "root": {"path": "$dir/rootfs"}, "hostname": "c0ffee",
 "mounts": [$kernel, {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
  {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["ro", "nosuid", "noexec", "nodev"]},
  {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=67108864"]},
  $etc],
 "linux": {"sysctl": {"net.ipv4.ip_unprivileged_port_start": "0", "net.ipv4.ping_group_range": "0 2147483647"},
  "resources": {$devices, "memory": {}, "cpu": {"shares": 0}, "pids": {"limit": 0}, "blockIO": {"weight": 0}},
  "namespaces": [{"type": "mount"}, {"type": "network"}, {"type": "uts"}, {"type": "pid"}, {"type": "ipc"}, {"type": "cgroup"}],
  $seccomp, $masked}}
J
check docker 'hosts
c0ffee
0'

cat >config.json <<J
{"ociVersion": "1.0.2-dev",
 "process": {"user": {"uid": 0, "gid": 0, "umask": 18, "additionalGids": [1, 2]}, "args": ["sh", "-c", "cat /etc/hosts; hostname; id -u"],
  "env": ["PATH=/bin", "TERM=xterm", "container=podman"], "cwd": "/", $sets,
  "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 20000, "soft": 20000}, {"type": "RLIMIT_NPROC", "hard": 32768, "soft": 32768}]},
 "root": {"path": "$dir/rootfs"}, "hostname": "deadbeef",
 "mounts": [$kernel, {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
  {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["rprivate", "nosuid", "noexec", "nodev", "relatime", "ro"]},
  {"destination": "/run/.containerenv", "type": "bind", "source": "$dir/hosts", "options": ["bind", "rprivate"]},
  {"destination": "/run/secrets", "type": "tmpfs", "source": "tmpfs", "options": ["rw", "rprivate", "nosuid", "nodev", "tmpcopyup"]},
  {"destination": "/dev/shm", "type": "bind", "source": "$dir/shm", "options": ["bind", "rprivate", "nosuid", "noexec", "nodev"]},
  $etc],
 "annotations": {"io.container.manager": "libpod", "org.opencontainers.image.stopSignal": "15", "run.oci.keep_original_groups": "1"},
 "linux": {"uidMappings": [{"containerID": 0, "hostID": 0, "size": 65536}], "gidMappings": [{"containerID": 0, "hostID": 0, "size": 65536}],
  "sysctl": {"net.ipv4.ping_group_range": "0 0"},
  "resources": {$devices, "pids": {"limit": 2048}},
  "namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}, {"type": "cgroup"}, {"type": "user"}],
  $seccomp, $masked}}
J
check podman 'hosts
deadbeef
0'

# A pod's member has paths of the infra container's namespaces: the name is taken over from there, and what is not joined is said.
sed -i 's|{"type": "ipc"}|{"type": "ipc", "path": "/proc/self/ns/ipc"}|; s|{"type": "uts"}|{"type": "uts", "path": "/proc/self/ns/uts"}|' config.json
check podman_pod 'hosts
deadbeef
0' 1

cat >config.json <<J
{"ociVersion": "1.2.0",
 "process": {"user": {"uid": 0, "gid": 0}, "args": ["sh", "-c", "cat /proc/self/uid_map | grep -c .; id -u"], "env": ["PATH=/bin"], "cwd": "/", $sets,
  "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}], "noNewPrivileges": true, "oomScoreAdj": 0},
 "root": {"path": "rootfs"},
 "mounts": [$kernel, {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
  {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
  {"destination": "/run", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]}],
 "linux": {"resources": {$devices, "cpu": {"shares": 1024}}, "cgroupsPath": "",
  "namespaces": [{"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}, {"type": "network"}], $masked}}
J
check containerd '1
0'

# Rootless podman has entered its namespace before: devices are binds of the host's.
cat >config.json <<J
{"ociVersion": "1.0.2-dev",
 "process": {"user": {"uid": 0, "gid": 0}, "args": ["sh", "-c", "echo gone >/dev/null; cat /dev/null; echo ok"], "env": ["PATH=/bin"], "cwd": "/", $sets},
 "root": {"path": "rootfs", "readonly": true},
 "mounts": [$kernel,
  {"destination": "/dev/null", "type": "bind", "source": "/dev/null", "options": ["rprivate", "nosuid", "noexec", "rbind"]},
  {"destination": "/dev/full", "type": "bind", "source": "/dev/full", "options": ["rprivate", "nosuid", "noexec", "rbind"]}],
 "linux": {"namespaces": [{"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}], $masked}}
J
check podman_rootless ok

echo "1..$n"
