#!/bin/sh
# vedette check: what it says of hosts that lack something, as tried on hosts that do.
set -u
repo=$(cd "$(dirname "$0")/../.." && pwd)
old=$repo/build/oldhost
n=0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
chmod 755 "$dir" && cp "$VEDETTE" "$dir/vedette" && chmod 755 "$dir/vedette"
ok() { n=$((n + 1)); echo "ok $n - $1"; }
not_ok() { n=$((n + 1)); echo "not ok $n - $1"; shift; printf '%s\n' "$@" | sed 's/^/# /'; }

# check NAME STATUS CMD...: its output is kept, and has its form: cause, then lost (or needed) and fix.
check() {
	name=$1 want=$2
	shift 2
	timeout 60 "$@" check >"$dir/out" 2>&1 </dev/null
	got=$?
	bad=$(awk '
		/^missing/ { if (want) print "no " want " before: " $0; want = "lost"; next }
		want == "lost" { if ($1 != "lost:" && $1 != "needed:" || NF < 2) print "not lost: " $0; want = "fix"; next }
		want == "fix" { if ($1 != "fix:" || NF < 2) print "not fix: " $0; want = ""; next }
		/^found/ || NF == 0 || /^vedette (runs|cannot run) here/ { next }
		{ print "what is that: " $0 }' "$dir/out")
	if [ $got -ne "$want" ] || [ -n "$bad" ]; then
		not_ok "$name" "status $got, not $want" "$bad" "$(cat "$dir/out")"
	else
		ok "$name"
	fi
}
# finds NAME missing|found ROW...
finds() {
	name=$1 what=$2
	shift 2
	for row; do
		grep -q "^$what *$row " "$dir/out" || { not_ok "$name" "no '$what $row' in" "$(cat "$dir/out")"; return; }
	done
	ok "$name"
}

check here 0 "$dir/vedette"
finds what_all_have found /proc 'ptrace SYSEMU' 'seccomp filter' process_vm_readv
if [ "$(id -u)" = 0 ]; then
	check without_cgroups 0 unshare -m sh -c 'umount -R /sys/fs/cgroup; exec "$@"' sh "$dir/vedette"
	finds without_cgroups_says missing cgroups 'cgroup memory' 'cgroup cpu' 'cgroup pids' 'cgroup freezer'
	check without_proc 1 unshare -m sh -c 'mount -t tmpfs tmpfs /proc; exec "$@"' sh "$dir/vedette"
	finds without_proc_says missing /proc
	check ordinary_user 0 setpriv --reuid 1000 --regid 1000 --clear-groups --inh-caps=-all "$dir/vedette"
	finds ordinary_user_says missing CAP_SYS_RESOURCE 'subordinate ids'
	finds ordinary_user_has found 'user namespace'
	mkdir "$dir/root"
	check user_without_namespaces 0 unshare -m sh -c \
		'mount --rbind / "$1/root"; exec chroot "$1/root" setpriv --reuid 1000 --regid 1000 --clear-groups --inh-caps=-all "$2" check' \
		sh "$dir" "$dir/vedette"
	finds user_without_namespaces_says missing 'user namespace' 'pid namespace'
fi
if [ -x "$old" ]; then
	check linux_3_6 0 "$old" 3.6 -- "$dir/vedette"
	finds linux_3_6_says missing memfd_create openat2 close_range statx renameat2 pidfd_open
fi
if command -v setarch >/dev/null; then
	check linux_2_6 1 setarch --uname-2.6 "$dir/vedette"
	finds linux_2_6_says missing kernel
fi
echo "1..$n"
