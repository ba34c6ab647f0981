#!/bin/sh
# The simulated old host: our filter takes away exactly what shared/tools/oldhost.c does, and
# vedette runs under it.
set -u
n=0
check() { n=$((n + 1)); if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi; }
w=$(mktemp -d) && trap 'rm -rf "$w"' EXIT
for v in 3.6 3.10 4.4 4.19 5.10 6.1; do
	build/oldhost "$v" -l | awk '$3 != "never" { print $2 }' | sort >"$w/ours"
	if [ -f ../shared/data/syscalls-since.tsv ]; then
		awk -v v="$v" 'function code(s, p) { split(s, p, "."); return p[1] * 1048576 + p[2] * 1024 + p[3] }
			!/^#/ && $3 != "never" && code($3) > code(v) { print $2 }' ../shared/data/syscalls-since.tsv | sort >"$w/theirs"
		cmp -s "$w/ours" "$w/theirs"; check $? "host $v lacks the calls the data says"
	fi
	build/oldhost "$v" -- "$VEDETTE" do -- sh -c 'echo $((6 * 7))' >"$w/out" 2>"$w/err"
	grep -qx 42 "$w/out"; check $? "a shell runs inside on host $v"
	sed 's/^/# /' "$w/err" >&2
done
if [ -f ../shared/tools/oldhost.c ] && gcc -O2 -static -o "$w/oldhost" ../shared/tools/oldhost.c 2>/dev/null; then
	"$w/oldhost" 3.6 -- "$VEDETTE" do -- bash -c 'echo $((6 * 7)); ls / >/dev/null' >"$w/out" 2>"$w/err"
	grep -qx 42 "$w/out"; check $? "bash runs inside where flags newer than 3.6 are refused too"
	sed 's/^/# /' "$w/err" >&2
fi
echo "1..$n"
