#!/bin/sh
# PostgreSQL inside, with its memory in a SysV segment: a cluster is made, filled, shared by clients, stopped.
set -u
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)
[ "$(id -u)" = 0 ] && [ -x "$bin/pgbench" ] && getent passwd postgres >/dev/null ||
	{ echo "1..0 # SKIP not root, or no PostgreSQL"; exit 0; }
script=$(mktemp)
trap 'rm -f "$script"' EXIT
chmod 755 "$script"
cat >"$script" <<'S'
bin=$1
dir=$(mktemp -d)
mkdir "$dir/sock" && chown -R postgres "$dir"
n=0
user() { setpriv --reuid postgres --regid postgres --clear-groups env HOME="$dir" "$@"; }
# check NAME PATTERN CMD...: the command succeeds and prints what fits.
check() {
	name=$1 want=$2
	shift 2
	n=$((n + 1))
	if out=$(user "$@" 2>&1) && echo "$out" | grep -q -- "$want"; then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"
		echo "$out" | tail -n 20 | sed 's/^/# /'
	fi
}
check initdb Success "$bin/initdb" -D "$dir/data" -A trust
cat >>"$dir/data/postgresql.conf" <<C
listen_addresses=''
unix_socket_directories='$dir/sock'
shared_memory_type=sysv
dynamic_shared_memory_type=sysv
C
check start 'server started' "$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w -t 60 start
n=$((n + 1))
awk 'NR == 2 && $7 > 1 { found = 1 } END { exit !found }' /proc/sysvipc/shm && echo "ok $n - segment" ||
	echo "not ok $n - segment"
check query 200010000 "$bin/psql" -h "$dir/sock" -d postgres -tc 'select sum(i) from generate_series(1,20000) i'
check bench_init 'done in' "$bin/pgbench" -h "$dir/sock" -i postgres
check bench 'processed: 80/80' "$bin/pgbench" -h "$dir/sock" -c 4 -j 2 -t 20 postgres
check parallel 100000 "$bin/psql" -h "$dir/sock" -d postgres -tc \
	"set parallel_setup_cost=0; set parallel_tuple_cost=0; set min_parallel_table_scan_size=0; select count(*) from pgbench_accounts"
check stop 'server stopped' "$bin/pg_ctl" -D "$dir/data" -m fast -w stop
n=$((n + 1))
[ "$(wc -l </proc/sysvipc/shm)" = 1 ] && echo "ok $n - segment_is_gone" || echo "not ok $n - segment_is_gone"
echo "1..$n"
S
timeout -k 5 300 "$VEDETTE" do -- bash "$script" "$bin"
