#!/bin/sh
# pause, resume and ps of a container: by the freezer of its cgroup, and without one.
set -u
# Without: the sentry stops the processes, and they cannot tell but by the clock.
command -v python3 >/dev/null && python3 - "$(dirname "$0")" <<'PY'
import sys
sys.path.insert(0, sys.argv[1])
from ocibox import *
import fcntl, struct, termios

# A child that only computes, a thread that sleeps on standard input, an alarm, a long sleep.
GUEST = r"""
import os, signal, sys, threading, time
told = []
for sig in (signal.SIGCHLD, signal.SIGALRM):
    signal.signal(sig, lambda n, f: told.append(n))
child = os.fork()
if child == 0:
    while True: pass
r, w = os.pipe()
threading.Thread(target=lambda: os.write(w, b'in ' + os.read(0, 9) + b' '), daemon=True).start()
threading.Thread(target=lambda: (time.sleep(1.2), os.write(w, b'slept ')), daemon=True).start()
begin = last = time.monotonic()
gap = 0
signal.setitimer(signal.ITIMER_REAL, 0.6)
print('ready', flush=True)
while gap < 0.8 and last < begin + 30:
    os.write(1, b'.')
    time.sleep(0.001)
    now = time.monotonic()
    gap, last = max(gap, now - last), now
time.sleep(0.01)
stat = open('/proc/%d/stat' % child).read().split()
print('\ngap', gap >= 0.8, 'alarm', told.count(signal.SIGALRM), 'other', len(told) - told.count(signal.SIGALRM),
      'wait', os.waitpid(child, os.WNOHANG | os.WUNTRACED | os.WCONTINUED), 'state', stat[2], flush=True)
got = b''
while got.count(b' ') < 3: got += os.read(r, 99)
os.kill(child, 9)
print(sorted(got.split()), os.waitpid(child, 0)[1], flush=True)
sys.exit(7)
"""

def host(c):
    c['root'] = {'path': '/', 'readonly': True}

def left_in(fd):
    return struct.unpack('i', fcntl.ioctl(fd, termios.FIONREAD, b'....'))[0]

box = Box()
none = ('--cgroup-manager', 'disabled')
args = [shutil.which('python3'), '-c', GUEST]
with test('stopped_by_the_sentry') as t:
    r, w = os.pipe()
    i, o = os.pipe()
    box.config(args, host)
    subprocess.run(VEDETTE + ['--root', box.root, *none, 'create', '--bundle', box.dir, '--pid-file', box.dir + '/pid.s1', 's1'],
                   stdin=i, stdout=w)
    os.close(w)
    t.equal(box.v(*none, 'start', 's1').returncode, 0)
    seen = b''
    while b'ready' not in seen:
        seen += os.read(r, 4096)
    p = box.v(*none, 'pause', 's1')
    t.equal((p.returncode, p.stderr), (0, ''))
    os.set_blocking(r, False)
    try:
        while os.read(r, 65536): pass
    except BlockingIOError:
        pass
    os.write(o, b'word')
    time.sleep(1)
    t.equal(left_in(r), 0, 'it writes')
    t.equal(left_in(i), 4, 'it reads')
    t.equal(box.state('s1')['status'], 'paused')
    t.has(box.v('list').stdout, 'paused')
    e = box.v(*none, 'exec', 's1', '/bin/true')
    t.equal(e.returncode, 255)
    t.has(e.stderr, 'cannot exec in a paused container')
    t.equal(box.v(*none, 'pause', 's1').returncode, 1)
    t.equal(box.v('ps', '--format', 'json', 's1').stdout, '[%d]\n' % box.pid('s1'))
    t.equal(box.v(*none, 'resume', 's1').returncode, 0)
    t.equal(box.v(*none, 'resume', 's1').returncode, 1)
    os.set_blocking(r, True)
    with os.fdopen(r) as f:
        said = f.read().strip('.').split('\n')
    t.equal(said[-3:-1], ['gap True alarm 1 other 0 wait (0, 0) state R', "[b'in', b'slept', b'word'] 9"])
    t.equal(wait(box.pid('s1')), ('exit', 7))
    box.v('delete', 's1')
with test('kill_ends_what_stands') as t:
    for how in (('kill', 's2', 'KILL'), ('kill', '--all', 's2', 'KILL'), ('delete', '--force', 's2')):
        pid = box.started('s2', [shutil.which('busybox'), 'sh', '-c', 'while :; do :; done & while :; do sleep 0.01; done'],
                          change=host, before=none)
        t.equal(box.v('pause', 's2').returncode, 0)
        t.equal(box.v(*how).returncode, 0)
        t.equal(wait(pid), ('signal', 9))
        box.v('delete', '--force', 's2')
with test('a_terminated_one_ends_when_it_goes_on') as t:
    pid = box.started('s3', [shutil.which('busybox'), 'sh', '-c', 'trap "exit 5" TERM; echo ready; while :; do sleep 0.01; done'],
                      change=host, before=none, stdout=box.open('out'))
    t.true(box.wait_for('out', 'ready'))
    box.v('pause', 's3')
    t.equal(box.v('kill', 's3', 'TERM').returncode, 0)
    time.sleep(0.2)
    t.equal(box.state('s3')['status'], 'paused')
    box.v('resume', 's3')
    t.equal(wait(pid), ('exit', 5))
    box.v('delete', 's3')
with test('exec_waits_until_it_goes_on') as t:
    pid = box.started('s4', [shutil.which('busybox'), 'sleep', '1000'], change=host, before=none)
    box.v('pause', 's4')
    p = box.popen('exec', '--ignore-paused', 's4', '/bin/echo', 'hello', stdout=subprocess.PIPE)
    time.sleep(0.3)
    t.equal(left_in(p.stdout.fileno()), 0)
    box.v('resume', 's4')
    t.equal((p.communicate(timeout=60)[0], p.returncode), (b'hello\n', 0))
    box.v('delete', '--force', 's4')
    wait(pid)
with test('nothing_left_without_a_freezer') as t:
    t.equal(box.left(), [])
    t.true(none_left())
box.end()
PY
# With one.
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
