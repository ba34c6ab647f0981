#!/bin/sh
# vedette run --detach --log-dir: nothing that a container writes is lost; vedette logs shows it.
set -u
n=0
busybox=$(command -v busybox) || { echo "1..0 # SKIP no busybox"; exit 0; }
W=$(mktemp -d)
VEDETTE_ROOT=$W/state
export VEDETTE_ROOT
trap '"$VEDETTE" delete --force box >/dev/null 2>&1; rm -rf "$W"' EXIT
mkdir -p "$W/b/rootfs/bin" "$W/logs"
cp "$busybox" "$W/b/rootfs/bin/busybox"
for a in sh cat echo seq sleep printf head; do ln -s busybox "$W/b/rootfs/bin/$a"; done
check() { n=$((n + 1)); if [ "$2" -eq 0 ]; then echo "ok $n - $1"; else echo "not ok $n - $1"; fi; }
"$VEDETTE" spec --bundle "$W/b" </dev/null
sed -i 's/"terminal": true/"terminal": false/' "$W/b/config.json"
cp "$W/b/config.json" "$W/config.json"
# start SCRIPT [OPTION...]: in the background
start() {
	script=$1
	shift
	printf '%s\n' "$script" >"$W/b/rootfs/script"
	sed 's|\["sh"\]|["sh", "/script"]|' "$W/config.json" >"$W/b/config.json"
	timeout 60 "$VEDETTE" run --detach --log-dir="$W/logs" "$@" --bundle "$W/b" box </dev/null
}
follow() { timeout 100 "$VEDETTE" logs -f box >"$W/out" 2>"$W/err"; }
gone() { "$VEDETTE" delete --force box; rm -f "$W"/logs/*; }

start 'echo one; echo two >&2; printf "no newline"'; check starts $?
follow; check follow_ends_with_the_container $?
[ "$(cat "$W/out"; echo .)" = "one
no newline." ]; check stdout_goes_to_stdout $?
[ "$(cat "$W/err")" = two ]; check stderr_goes_to_stderr $?
grep -qE '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{9}Z stdout F one$' "$W/logs/box.log"; check the_format_is_the_cri_s $?
grep -qE ' stdout P no newline$' "$W/logs/box.log"; check what_has_no_newline_is_partial $?
"$VEDETTE" logs box >"$W/out2" 2>/dev/null; cmp -s "$W/out" "$W/out2"; check logs_of_an_ended_container $?
gone

# Much, without a reader, and with one; the files turn over meanwhile.
start 'seq 1 30000' --log-size=1M; follow
seq 1 30000 | cmp -s - "$W/out"; check all_comes_through $?
[ -e "$W/logs/box.log.1" ]; check files_turn_over $?
"$VEDETTE" logs box | tail -1 | grep -qx 30000; check old_files_are_read_too $?
gone
start 'seq 1 20000; seq 1 20000 >&2' --log-size=20M; follow
seq 1 20000 | cmp -s - "$W/out" && seq 1 20000 | cmp -s - "$W/err"; check both_streams $?
gone
start 'head -c 40000 /dev/zero | while read -r x; do :; done; i=0; while [ $i -lt 4000 ]; do printf 0123456789; i=$((i + 1)); done; echo'; follow
[ "$(wc -c <"$W/out")" = 40001 ] && [ "$(wc -l <"$W/out")" = 1 ]; check long_lines_are_cut_and_joined $?
grep -q ' stdout P 0' "$W/logs/box.log"; check long_lines_are_partial_records $?
gone

# A follower sees what is written while it waits.
mkfifo "$W/live"
start 'echo first; sleep 1; echo last'
"$VEDETTE" logs -f box >"$W/live" & pid=$!
{ read -r a; read -r b; } <"$W/live"
[ "$a $b" = "first last" ]; check followed_live $?
wait $pid
# What was written before the host process is killed is in the file.
gone
start 'echo before; sleep 100'
"$VEDETTE" logs -f box >"$W/live" & pid=$!
exec 3<"$W/live"; read -r a <&3
kill -9 "$("$VEDETTE" state box | sed -n 's/.*"pid": \([0-9]*\).*/\1/p')"
wait $pid; check follow_ends_when_all_are_killed $?
[ "$a" = before ] && grep -q before "$W/logs/box.log"; check nothing_is_lost_by_a_kill $?
exec 3<&-
"$VEDETTE" run --log-dir="$W/logs" --bundle "$W/b" box 2>/dev/null; [ $? = 2 ]; check log_dir_goes_with_detach $?
echo "1..$n"
