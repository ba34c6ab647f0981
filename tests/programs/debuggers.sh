#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# gdb and strace as Debian has them, on small programs inside.
missing=
for p in gdb strace cc; do command -v $p >/dev/null || missing="$missing $p"; done
[ -z "$missing" ] || { echo "1..0 # SKIP not installed:$missing"; exit 0; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
n=0
result() { # STATUS NAME FILE
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; return; fi
	echo "not ok $n - $2"
	sed 's/^/# /' "$3" >&2
}
# expect NAME FILE PATTERN...: every pattern (extended) is on a line, in that order.
expect() {
	name=$1 file=$2
	shift 2
	at=1 good=0
	for p; do
		line=$(tail -n +$at "$file" | grep -n -m1 -E -- "$p" | cut -d: -f1)
		[ -n "$line" ] || { echo "# no line matches: $p" >&2; good=1; break; }
		at=$((at + line))
	done
	result $good "$name" "$file"
}
inside() { timeout 60 "$VEDETTE" do -- "$@" </dev/null >"$dir/out" 2>&1; }

cat >"$dir/sum.c" <<'C'
#include <stdio.h>
#include <stdlib.h>
int total;
static int add(int a, int b)
{
	return a + b;
}
int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 4;
	for (int i = 0; i < n; i++)
		total = add(total, i);
	printf("total %d\n", total);
	return 3;
}
C
cat >"$dir/loop.c" <<'C'
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
volatile int go;
static void *worker(void *arg)
{
	while (!go)
		usleep(1000);
	return arg;
}
int main(void)
{
	pthread_t t[2];
	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, worker, NULL);
	for (int i = 0; i < 20000 && !go; i++)
		usleep(1000);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	puts("ended");
	return !go;
}
C
cat >"$dir/crash.c" <<'C'
int main(void)
{
	volatile int *p = 0;
	return *p;
}
C
# Each waits in its exit event for the other: Linux itself never gets rid of such a pair.
cat >"$dir/pair.c" <<'C'
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <unistd.h>
static void tracer(int from)
{
	int other;
	if (read(from, &other, sizeof other) == sizeof other &&
	    ptrace(PTRACE_SEIZE, other, 0, PTRACE_O_TRACEEXIT) == 0)
		for (;;)
			pause();
	_exit(1);
}
int main(void)
{
	int fd[2][2], pid[2];
	for (int i = 0; i < 2; i++) {
		if (pipe(fd[i]) < 0)
			return 1;
		pid[i] = fork();
		if (pid[i] == 0)
			tracer(fd[i][0]);
	}
	for (int i = 0; i < 2; i++)
		if (write(fd[i][1], &pid[!i], sizeof pid[0]) < 0)
			return 1;
	usleep(200000);
	kill(pid[0], SIGKILL);
	kill(pid[1], SIGKILL);
	usleep(200000);
	puts("main ends");
	return 0;
}
C
for c in sum loop crash pair; do
	cc -g -O0 -pthread -o "$dir/$c" "$dir/$c.c" || { echo "Bail out! no compiler"; exit 1; }
done

inside strace -f /bin/ls /
expect strace_of_ls "$dir/out" '^execve\("/bin/ls"' '^openat\(' '^getdents64\(' '^exit_group\(0\)' '\+\+\+ exited with 0'

inside strace -f -e trace=process sh -c '/bin/true; (exit 5) | cat; exit 7'
expect strace_follows_children "$dir/out" 'Process [0-9]+ attached' 'exited with 0' 'exited with 5' 'exited with 7'

inside strace -f --seccomp-bpf -e trace=execve,exit_group sh -c '/bin/true; exit 7'
expect strace_with_a_filter "$dir/out" 'execve\("/bin/true"' 'exit_group\(0\)' 'exit_group\(7\)' 'exited with 7'
[ "$(grep -c openat "$dir/out")" = 0 ]
result $? strace_with_a_filter_sees_no_other_call "$dir/out"

inside strace -e trace=none -e signal=all sh -c 'kill -USR1 $$'
expect strace_shows_signals "$dir/out" 'SIGUSR1 \{si_signo=SIGUSR1, si_code=SI_USER' 'killed by SIGUSR1'

inside strace -e inject=getuid:retval=4711 -e trace=getuid id -ru
expect strace_changes_results "$dir/out" 'getuid\(\) += 4711 \(INJECTED\)' '^4711$'

inside strace -f -c "$dir/sum"
expect strace_counts "$dir/out" 'total 6' 'execve' 'total$'

inside sh -c "$dir/loop & p=\$!; strace -f -o $dir/strace.out -p \$p & s=\$!; sleep 1; kill -INT \$s; wait \$s; kill -0 \$p && echo alive; kill \$p"
expect strace_attaches_and_lets_go "$dir/out" 'attached with 3 threads' 'detached' alive

inside gdb -batch -ex 'break main' -ex run -ex bt -ex 'info registers rip' -ex c "$dir/sum"
expect gdb_break_run_continue "$dir/out" 'Breakpoint 1, main \(argc=1' '#0 +main' '^rip ' 'total 6' 'exited with code 03'

inside gdb -batch -ex 'break add if a == 3' -ex run -ex 'print a' -ex finish -ex 'print total' \
	-ex 'set var $rax = 100' -ex c "$dir/sum"
expect gdb_conditions_and_variables "$dir/out" '^\$1 = 3' 'Value returned is \$2 = 6' '^\$3 = 3' 'total 100'

inside gdb -batch -ex 'break main' -ex run -ex next -ex next -ex step -ex 'info frame' -ex stepi \
	-ex 'print add(40, 2)' -ex 'set can-use-hw-watchpoints 0' -ex 'watch total' -ex c -ex c "$dir/sum"
expect gdb_steps_calls_and_watches "$dir/out" 'add \(a=0, b=0\)' 'frame at' '^\$1 = 42' \
	'[wW]atchpoint 2: total' 'Old value = 0' 'New value = 1'

inside gdb -batch -ex run -ex 'print $_siginfo._sifields._sigfault.si_addr' -ex bt "$dir/crash"
expect gdb_shows_a_crash "$dir/out" 'Program received signal SIGSEGV' '= \(void \*\) 0x0' '#0 .*main'

inside gdb -batch -ex 'catch syscall write' -ex run -ex 'print $rax' -ex c -ex 'print $rax' -ex delete -ex c "$dir/sum"
expect gdb_catches_calls "$dir/out" 'call to syscall write' '^\$1 = -38' 'returned from syscall write' '^\$2 = 8'

inside gdb -batch -ex 'set follow-fork-mode child' -ex 'catch exec' -ex run -ex 'info inferiors' -ex kill \
	--args sh -c '/bin/true; /bin/false'
expect gdb_follows_forks_and_execs "$dir/out" 'exec'

inside sh -c "$dir/loop & p=\$!; sleep 0.5; gdb -batch -p \$p -ex 'info threads' -ex 'thread apply all bt' \
	-ex 'set var go = 1' -ex detach; wait \$p; echo status \$?"
expect gdb_attaches_to_threads "$dir/out" 'Thread .*LWP' 'worker' 'detached' 'status 0'

inside gdb -batch -ex 'info registers rip' -ex 'handle SIGUSR1 nostop pass' -ex 'break worker' -ex run \
	-ex 'info threads' -ex delete -ex 'set var go = 1' -ex c "$dir/loop"
expect gdb_runs_threads "$dir/out" 'hit Breakpoint 1, worker' 'Thread .*"loop"' 'exited normally'

inside "$dir/pair"
[ $? = 0 ] && grep -q 'main ends' "$dir/out"
result $? a_pair_that_traces_each_other_ends_with_the_sandbox "$dir/out"

echo "1..$n"
