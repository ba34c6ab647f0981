#!/bin/sh
# pause, resume and ps of a container.
set -u
n=0
[ "$(id -u)" = 0 ] || { echo "ok 1 - all # SKIP not root: no cgroups"; echo 1..1; exit 0; }
"$VEDETTE" check | grep -q '^found *cgroup freezer' || { echo "ok 1 - all # SKIP no freezer"; echo 1..1; exit 0; }
dir=$(mktemp -d)
trap 'v delete --force p1; rm -rf --one-file-system "$dir"' EXIT
ok() { n=$((n + 1)); echo "ok $n - $1"; }
not_ok() { n=$((n + 1)); echo "not ok $n - $1"; shift; printf '%s\n' "$@" | sed 's/^/# /'; }
v() { timeout -k 5 60 "$VEDETTE" --root "$dir/state" "$@" </dev/null >"$dir/out" 2>"$dir/err"; }
check() { name=$1; shift; if "$@"; then ok "$name"; else not_ok "$name" "$(cat "$dir/out" "$dir/err")"; fi; }
status() { v state p1 && grep -q "\"status\": *\"$1\"" "$dir/out"; }
grows() { a=$(wc -c <"$dir/b/rootfs/count"); sleep 0.5; [ "$(wc -c <"$dir/b/rootfs/count")" -gt "$a" ]; }
stands() { a=$(wc -c <"$dir/b/rootfs/count"); sleep 0.5; [ "$(wc -c <"$dir/b/rootfs/count")" -eq "$a" ]; }
fails() { v "$@"; [ $? -eq 1 ] && [ -s "$dir/err" ]; }

mkdir -p "$dir/b/rootfs/bin" "$dir/b/rootfs/proc" "$dir/b/rootfs/dev"
cp /bin/busybox "$dir/b/rootfs/bin/" && ln -s busybox "$dir/b/rootfs/bin/sh"
"$VEDETTE" spec --bundle "$dir/b" || exit 1
sed -i -e 's/"terminal": *true/"terminal": false/' -e 's/"readonly": *true/"readonly": false/' \
	-e 's|"sh"|"/bin/sh", "-c", "while :; do echo x >>/count; busybox sleep 0.05; done"|' "$dir/b/config.json"
freezers() { find /sys/fs/cgroup -regextype egrep -type d -regex '.*/vedette-[0-9a-f]{16}' 2>/dev/null; }
before=$(freezers)
check create v create --bundle "$dir/b" p1
check not_before_it_runs fails pause p1
check start v start p1
until [ -s "$dir/b/rootfs/count" ]; do sleep 0.1; done
check runs grows
check ps_json v ps --format json p1
check ps_json_has_the_pid grep -q "[[,]$("$VEDETTE" --root "$dir/state" state p1 | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p')[],]" "$dir/out"
if command -v ps >/dev/null; then
	check ps_table v ps p1
	check ps_table_has_it grep -q 'vedette container p1' "$dir/out"
	check only_its_own sh -c '! grep -q "\[kthreadd\]" "$1"' sh "$dir/out"
fi
check not_resumed_before_paused fails resume p1
check pause v pause p1
check paused status paused
check stands_still stands
check not_twice fails pause p1
refused() { v exec p1 /bin/busybox true; [ $? -eq 255 ] && grep -q 'paused container' "$dir/err"; }
check exec_is_refused refused
check resume v resume p1
check running status running
check goes_on grows
check pause_again v pause p1
check kill_of_a_paused_one v kill p1 KILL
i=0; until status stopped || [ $((i += 1)) -gt 50 ]; do sleep 0.1; done
check is_its_end status stopped
check delete v delete p1
check second v create --bundle "$dir/b" p1
check second_start v start p1
check second_pause v pause p1
check delete_of_a_paused_one v delete --force p1
check nothing_left [ -z "$(ls -A "$dir/state")" ]
check no_freezer_left [ "$(freezers)" = "$before" ]
check nobody fails ps nobody
echo "1..$n"
