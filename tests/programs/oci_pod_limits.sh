#!/bin/sh
# A pod's containers and the host's cgroups: each one's processes are in its own, so that CPU time and
# memory are counted there and limits kept there, whoever else is in the sandbox.
command -v python3 >/dev/null || { echo "1..0 # SKIP no python3"; exit 0; }
command -v busybox >/dev/null || { echo "1..0 # SKIP no busybox"; exit 0; }
[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP not root"; exit 0; }
exec python3 - <<'E'
import sys; sys.dont_write_bytecode = True
sys.path.insert(0, 'tests/programs')
from podbox import *

MB = 1 << 20
V1 = {}
V2 = None
with open('/proc/self/mountinfo') as f:
    for l in f:
        w = l.split()
        kind, options = w[w.index('-') + 1], w[-1].split(',')
        if kind == 'cgroup':
            V1.update((c, w[4]) for c in options)
        elif kind == 'cgroup2':
            V2 = w[4]
PURE = not [c for c in V1 if not c.startswith('name=')]
if 'memory' not in V1 and not (PURE and V2 and 'memory' in open(V2 + '/cgroup.controllers').read()):
    print('1..0 # SKIP no memory controller')
    sys.exit()

# Where the group of a process is.
def group(pid, controller):
    with open('/proc/%d/cgroup' % pid) as f:
        for l in f:
            n, names, path = l.rstrip('\n').split(':', 2)
            if (n == '0') if PURE else controller in names.split(','):
                return (V2 if PURE else V1[controller]) + path

class Group:
    def __init__(self, pid):
        self.pid = pid
        self.dirs = {c: group(pid, c) for c in ('memory', 'cpu', 'cpuacct', 'cpuset', 'pids')}

    def text(self, controller, v1, v2):
        try:
            with open('%s/%s' % (self.dirs[controller], v2 if PURE else v1)) as f:
                return f.read()
        except FileNotFoundError:
            return ''

    def cpu(self):
        if PURE:
            return int(self.text('cpu', '', 'cpu.stat').split()[1]) / 1e6
        return int(self.text('cpuacct', 'cpuacct.usage', '')) / 1e9

    def memory(self):
        return int(self.text('memory', 'memory.usage_in_bytes', 'memory.current'))

    def peak(self):
        text = self.text('memory', 'memory.max_usage_in_bytes', 'memory.peak')
        return int(text) if text else None

    def kills(self):
        words = self.text('memory', 'memory.oom_control', 'memory.events').split()
        return int(words[words.index('oom_kill') + 1])

    def throttled(self):
        words = self.text('cpu', 'cpu.stat', 'cpu.stat').split()
        return int(words[words.index('nr_throttled') + 1])

    def pids(self, controller='memory'):
        return [int(p) for p in self.text(controller, 'cgroup.procs', 'cgroup.procs').split()]

    # Processes that hold guest memory: the sentry's children.
    def stubs(self):
        return [p for p in self.pids() if named_stub(p)]

def named_stub(pid):
    try:
        return stat(pid)[0] == 'vedette-stub'
    except OSError:
        return False

def resources(**kw):
    return lambda c: c['linux'].setdefault('resources', {}).update(kw)

# A shell that holds 2^n times 8 bytes.
HOLD = 'a=xxxxxxxx; i=0; while [ $i -lt %d ]; do a=$a$a; i=$((i+1)); done; '
GROW = 'a=xxxxxxxx; while :; do a=$a$a; done'
BURN = 'while :; do :; done'

box = Pod()
pause = box.first()
P = Group(pause)
sentry = named(pause, 'vedette-sentry')[0]
a = box.member('a')
b = box.member('b')
A, B = Group(a), Group(b)

def gone(id, pid):
    box.v('delete', '--force', id)
    return wait(pid)

with test('groups_are_own') as t:
    for c in ('memory', 'cpu', 'pids'):
        t.equal(len({P.dirs[c], A.dirs[c], B.dirs[c]}), 3, c)
with test('stubs_are_in_their_containers_groups') as t:
    box.v('exec', '-d', 'a', 'sh', '-c', 'while :; do sleep 1; done', detached=True)
    # A zygote, one ahead or not, pid 1, the shell, its child.
    t.true(until(lambda: len(A.stubs()) >= 4), str(A.stubs()))
    for c in ('memory', 'cpu', 'cpuacct', 'cpuset', 'pids'):
        own = set(A.pids(c))
        t.true(set(A.stubs()) <= own, c)
        t.true(not own & (set(P.pids(c)) | set(B.pids(c))), c)
        t.true(sentry in P.pids(c), c)
    t.true(len(B.stubs()) < len(A.stubs()), 'no more than a zygote, one ahead, pid 1')
with test('cpu_time_is_its_own') as t:
    c = box.member('c', ['sh', '-c', BURN])
    C = Group(c)
    was = P.cpu(), B.cpu(), C.cpu()
    t.true(until(lambda: C.cpu() - was[2] > 0.5))
    used = C.cpu()
    t.true(P.cpu() - was[0] < 0.25, 'the sandbox used %.3f' % (P.cpu() - was[0]))
    t.true(B.cpu() - was[1] < 0.25, 'the neighbour used %.3f' % (B.cpu() - was[1]))
    r = box.v('events', '--stats', 'c')
    t.equal(r.returncode, 0, r.stderr)
    t.true(json.loads(r.stdout)['data']['cpu']['usage']['total'] >= used * 1e9)
    t.equal(gone('c', c), ('signal', 9))
with test('memory_is_its_own') as t:
    was = P.memory(), B.memory()
    c = box.member('c', ['sh', '-c', HOLD % 23 + 'echo >/etc/ready; sleep 1000; :'])
    C = Group(c)
    t.true(until(lambda: os.path.exists(box.rootfs('c') + '/etc/ready')))
    t.true(C.memory() >= 64 * MB, str(C.memory()))
    t.true(P.memory() - was[0] < 32 * MB, str((was[0], P.memory())))
    t.true(B.memory() - was[1] < 32 * MB, str((was[1], B.memory())))
    r = box.v('events', '--stats', 'c')
    t.true(json.loads(r.stdout)['data']['memory']['usage']['usage'] >= 64 * MB)
    gone('c', c)
with test('memory_that_the_sentry_fills_is_its_own') as t:
    was = P.peak()
    c = box.member('c', ['dd', 'if=/dev/zero', 'of=/dev/null', 'bs=96M', 'count=1'], run=False)
    C = Group(c)
    box.started_ok('c')
    t.equal(wait(c), ('exit', 0))
    if C.peak() is not None: # v2: since 5.19
        t.true(C.peak() >= 96 * MB, str(C.peak()))
        t.true(P.peak() - was < 48 * MB, str((was, P.peak())))
    t.equal(box.v('delete', 'c').returncode, 0)
with test('oom_ends_one') as t:
    was = P.kills(), A.kills(), B.kills()
    c = box.member('c', ['sh', '-c', GROW], change=resources(memory={'limit': 32 * MB}))
    t.equal(wait(c), ('signal', 9))
    t.equal(box.state('c')['status'], 'stopped')
    t.true(box.state('c').get('oomKills', 0) >= 1, str(box.state('c')))
    t.equal((P.kills(), A.kills(), B.kills()), was)
    for i in ('a', 'b', 'pause'):
        t.equal(box.sh(i, 'echo alive').stdout, 'alive\n', i)
    t.equal(box.v('delete', 'c').returncode, 0)
with test('oom_of_a_child_is_seen_by_its_parent') as t:
    script = "sh -c '%s'; echo $? >/etc/status; cat /sys/fs/cgroup/memory.events >/etc/events; sleep 1000" % GROW
    c = box.member('c', ['sh', '-c', script], change=resources(memory={'limit': 48 * MB}))
    t.true(until(lambda: os.path.exists(box.rootfs('c') + '/etc/events') and open(box.rootfs('c') + '/etc/events').read()))
    t.equal(open(box.rootfs('c') + '/etc/status').read(), '137\n')
    words = open(box.rootfs('c') + '/etc/events').read().split()
    t.equal(words[words.index('oom_kill') + 1], '1')
    t.equal(box.state('c')['status'], 'running')
    t.equal(box.sh('b', 'grep oom_kill /sys/fs/cgroup/memory.events').stdout.split()[:2], ['oom_kill', '0'])
    gone('c', c)
with test('oom_of_an_exec') as t:
    c = box.member('c', change=resources(memory={'limit': 32 * MB}))
    r = box.sh('c', GROW)
    t.equal(r.returncode, 137)
    t.equal(box.state('c')['status'], 'running')
    gone('c', c)
with test('update_memory') as t:
    script = 'while [ ! -e /etc/go ]; do sleep 0.05; done; ' + GROW
    c = box.member('c', ['sh', '-c', script])
    C = Group(c)
    r = box.v('update', '--memory', '32M', 'c')
    t.equal(r.returncode, 0, r.stderr)
    t.equal(int(C.text('memory', 'memory.limit_in_bytes', 'memory.max')), 32 * MB)
    open(box.rootfs('c') + '/etc/go', 'w').close()
    t.equal(wait(c), ('signal', 9))
    t.true(box.state('c').get('oomKills', 0) >= 1)
    t.equal(box.sh('b', 'echo alive').stdout, 'alive\n')
    box.v('delete', 'c')
with test('use_is_seen_inside') as t:
    c = box.member('c', ['sh', '-c', HOLD % 21 + 'echo >/etc/held; sleep 1000; :'], change=resources(memory={'limit': 64 * MB}))
    C = Group(c)
    t.true(until(lambda: os.path.exists(box.rootfs('c') + '/etc/held')))
    seen = int(box.sh('c', 'cat /sys/fs/cgroup/memory.current').stdout)
    t.true(16 * MB < seen < 64 * MB, str((seen, C.memory())))
    free = int(box.sh('c', 'grep MemFree: /proc/meminfo').stdout.split()[1]) << 10
    t.true(free < 48 * MB, str(free))
    gone('c', c)
with test('quota') as t:
    c = box.member('c', ['sh', '-c', BURN], change=resources(cpu={'quota': 10000, 'period': 100000}))
    C = Group(c)
    was = P.throttled()
    t.true(until(lambda: C.throttled() > 2))
    t.equal(P.throttled(), was)
    t.equal(box.sh('c', 'echo alive').stdout, 'alive\n')
    gone('c', c)
if os.cpu_count() > 1 and len(os.sched_getaffinity(0)) > 1:
    with test('cpuset') as t:
        last = max(os.sched_getaffinity(0))
        c = box.member('c', ['sh', '-c', 'i=0; while [ $i -lt 50 ]; do echo $i | cat >/dev/null; i=$((i+1)); done; echo >/etc/done; ' + BURN],
                       change=resources(cpu={'cpus': '%d' % last}))
        C = Group(c)
        t.true(until(lambda: os.path.exists(box.rootfs('c') + '/etc/done')))
        t.true(len(C.stubs()) > 0)
        for p in C.stubs():
            t.equal(os.sched_getaffinity(p), {last})
        gone('c', c)
with test('nothing_is_left_of_a_member') as t:
    c = box.member('c', ['sh', '-c', 'i=0; while [ $i -lt 20 ]; do sleep 100 & i=$((i+1)); done; echo >/etc/forked; while :; do true; done'])
    C = Group(c)
    t.true(until(lambda: os.path.exists(box.rootfs('c') + '/etc/forked')))
    t.true(len(C.stubs()) > 20)
    box.v('kill', 'c', 'KILL')
    t.equal(wait(c), ('signal', 9))
    t.equal([p for p in C.pids() if named_stub(p)], [], 'its stubs end before its host process')
    t.equal(C.pids(), [])
    t.equal(box.v('delete', 'c').returncode, 0)
    t.equal([d for d in C.dirs.values() if os.path.exists(d)], [])
with test('what_its_programs_start_from_is_killed') as t:
    c = box.member('c')
    C = Group(c)
    for p in C.stubs():
        os.kill(p, 9)
    t.equal(wait(c), ('signal', 9))
    t.equal(box.sh('b', 'echo alive').stdout, 'alive\n')
    t.equal(box.v('delete', 'c').returncode, 0)
with test('host_process_killed') as t:
    c = box.member('c', ['sh', '-c', 'while :; do sleep 0.01; done'])
    C = Group(c)
    os.kill(c, 9)
    wait(c)
    t.true(until(lambda: not C.pids()), str(C.pids()))
    t.equal(box.v('delete', '--force', 'c').returncode, 0)
    t.equal([d for d in C.dirs.values() if os.path.exists(d)], [])
with test('pause_of_the_first_stops_those_who_compute') as t:
    c = box.member('c', ['sh', '-c', BURN])
    C = Group(c)
    r = box.v('pause', 'pause')
    t.equal(r.returncode, 0, r.stderr)
    was = [C.cpu()]
    def still():
        time.sleep(0.1)
        was.append(C.cpu())
        return was[-1] == was[-2]
    t.true(until(still))
    t.equal(box.v('resume', 'pause').returncode, 0)
    t.true(until(lambda: C.cpu() - was[-1] > 0.05))
    t.equal(box.sh('c', 'echo alive').stdout, 'alive\n')
    gone('c', c)
with test('deleted_while_the_first_is_paused') as t:
    f = box.first('f')
    g = box.member('g', ['sh', '-c', BURN], of='f')
    G = Group(g)
    t.equal(box.v('pause', 'f').returncode, 0)
    t.equal(box.v('delete', '--force', 'f').returncode, 0)
    t.equal((wait(f), wait(g)), (('signal', 9),) * 2)
    t.equal(box.v('delete', 'g').returncode, 0)
    t.equal([d for d in G.dirs.values() if os.path.exists(d)], [])
with test('sentry_killed') as t:
    os.kill(sentry, 9)
    t.equal((wait(pause), wait(a), wait(b)), (('signal', 9),) * 3)
    for i in ('a', 'b', 'pause'):
        t.equal(box.v('delete', i).returncode, 0)
    t.equal([d for g in (P, A, B) for d in g.dirs.values() if os.path.exists(d)], [])
    t.true(none_left(), str(children(os.getpid())))
box.end()
E
