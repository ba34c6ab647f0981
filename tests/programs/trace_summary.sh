#!/bin/sh
# --trace=summary: every call is counted once, under the way it took.
: "${VEDETTE:?}"
n=0
check() { n=$((n + 1)); if [ "$2" -eq 0 ]; then echo "ok $n - $1"; else echo "not ok $n - $1"; fi; }
command -v perl >/dev/null || { echo "1..0 # SKIP no perl"; exit 0; }
T=$(mktemp -d) || exit 1
trap 'rm -rf "$T"' EXIT

# 110 is getppid, which a stub answers; 1000 of a process, 500 of its child, 300 after exec.
cat >"$T/asks.pl" <<'END'
syscall(110) for 1 .. 1000;
if (!fork) { syscall(110) for 1 .. 500; exit }
wait;
exec "perl", "-e", "syscall(110) for 1 .. 300; syscall(5000) for 1 .. 7";
END
"$VEDETTE" do --trace=summary -- perl "$T/asks.pl" 2>"$T/summary"
# calls errors stub patched trapped, of the row and as columns of fixed width
row() { awk -v name="$1" '$NF == name { print substr($0, 33, 9) + 0, substr($0, 43, 9) + 0, substr($0, 53, 9) + 0, substr($0, 63, 9) + 0, substr($0, 73, 9) + 0 }' "$T/summary"; }
set -- $(row getppid)
[ "$1" = 1800 ]; check every_call_is_counted_also_before_an_exec $?
[ "$(($3 + $4 + $5))" = "$1" ]; check each_under_one_way $?
if [ "${VEDETTE_PLATFORM:-trap}" = ptrace ]; then
	[ "$3.$4" = 0.0 ]; check a_tracer_sees_all $?
else
	[ "$3" -gt 1700 ]; check the_stub_answers_most $?
fi
set -- $(row total)
[ "$(($3 + $4 + $5))" = "$1" ]; check so_is_the_total $?
grep -qE '^ +7 syscall_1023_and_up$' "$T/summary"; check what_is_not_offered_is_counted $?
echo "1..$n"
