#!/bin/sh
# Pods: several containers in one sandbox, as containerd's CRI plugin, CRI-O and podman ask for it;
# what they share, what they do not, and how each of them ends.
command -v python3 >/dev/null || { echo "1..0 # SKIP no python3"; exit 0; }
command -v busybox >/dev/null || { echo "1..0 # SKIP no busybox"; exit 0; }
exec python3 - <<'E'
import sys; sys.dont_write_bytecode = True
sys.path.insert(0, 'tests/programs')
from podbox import *

box = Pod()
pause = box.first()
sentry = named(pause, 'vedette-sentry')[0]
a = box.member('a')
b = box.member('b', names=CRIO)

with test('one_sentry_a_gofer_each') as t:
    t.equal(len(named(pause, 'vedette-sentry')), 1)
    for pid in (a, b):
        t.equal(named(pid, 'vedette-sentry'), [])
        t.equal(len(named(pid, 'vedette-gofer')), 1)
with test('state') as t:
    for id, pid in (('pause', pause), ('a', a), ('b', b)):
        s = box.state(id)
        t.equal((s['status'], s['pid'], s['id']), ('running', pid, id))
with test('own_root') as t:
    for id in ('pause', 'a', 'b'):
        t.equal(box.sh(id, 'cat /etc/whose').stdout, id + '\n')
    box.sh('a', 'echo mine >/etc/mine')
    t.equal(box.sh('a', 'cat /etc/mine').stdout, 'mine\n')
    t.true(box.sh('b', 'cat /etc/mine').returncode != 0)
    t.true(os.path.exists(box.rootfs('a') + '/etc/mine'))
with test('own_pid_1') as t:
    for id in ('pause', 'a', 'b'):
        t.equal(box.sh(id, "tr '\\0' ' ' </proc/1/cmdline").stdout.split(), SLEEP)
        t.equal(len(box.sh(id, 'echo /proc/[0-9]*').stdout.split()), 2, 'pid 1 and the shell')
    box.sh('b', 'kill -KILL -1')
    t.equal(box.state('a')['status'], 'running')
with test('own_mounts') as t:
    t.equal(box.v('exec', '--cap', 'CAP_SYS_ADMIN', 'a', 'sh', '-c', 'mount -t tmpfs none /root && echo x >/root/x').returncode, 0)
    t.equal(box.sh('a', 'cat /root/x').stdout, 'x\n')
    t.true(box.sh('b', 'ls /root').stdout == '')
    t.equal(box.sh('b', 'grep -c " /root " /proc/mounts').stdout, '0\n')
with test('shared_name') as t:
    t.equal([box.sh(i, 'hostname').stdout for i in ('pause', 'a', 'b')], ['podhost\n'] * 3)
with test('same_namespaces_but_pid_and_mounts') as t:
    look = 'for n in ipc net uts pid mnt; do readlink /proc/self/ns/$n; done'
    x, y = (box.sh(i, look).stdout.splitlines() for i in ('a', 'b'))
    t.equal(x[:3], y[:3])
    t.true(x[3] != y[3] and x[4] != y[4])
# perl has the calls; it comes from the host, read-only.
def perl(c):
    for d in ('/usr', '/lib', '/lib64'):
        c['mounts'].append({'destination': d, 'type': 'bind', 'source': d, 'options': ['rbind', 'ro']})
SHM = '$id = shmget(%s, 100, 01666) // die $!;'
NAME = 'use Socket; socket($s, AF_UNIX, SOCK_STREAM, 0); $a = pack("Sa*", AF_UNIX, "\\0in-the-pod");'
if os.path.exists('/usr/bin/perl'):
    with test('shared_memory_and_abstract_sockets') as t:
        wait_here = 'listen($s, 1); open F, ">/etc/ready"; close F; sleep 1000'
        p = box.member('p', ['/usr/bin/perl', '-e', SHM % 77 + 'shmwrite($id, "seen", 0, 4);' + NAME + 'bind($s, $a) or die $!;' + wait_here], change=perl)
        t.true(until(lambda: os.path.exists(box.rootfs('p') + '/etc/ready')))
        q = box.member('q', ['/usr/bin/perl', '-e', (SHM % 77) + 'shmread($id, $b, 0, 4); exit 1 if $b ne "seen";' + NAME + 'connect($s, $a) or exit 2; exit 9'], change=perl)
        t.equal(wait(q), ('exit', 9))
        q2 = box.member('q2', ['/usr/bin/perl', '-e', (SHM % 77) + 'shmread($id, $b, 0, 4); exit 1 if $b eq "seen";' + NAME + 'connect($s, $a) and exit 2; exit 9'],
                        change=perl, shared=())
        t.equal(wait(q2), ('exit', 9), 'memory and network of its own')
        for i in ('p', 'q', 'q2'):
            box.v('delete', '--force', i)
with test('terminals_are_own') as t:
    r = box.sh('a', 'exec 3<>/dev/ptmx; ls /dev/pts')
    t.equal(r.stdout.split(), ['0', 'ptmx'])
    t.equal(box.sh('b', 'ls /dev/pts').stdout.split(), ['ptmx'])
with test('processes_of_others_are_not_there') as t:
    deep = box.v('exec', '-d', 'a', 'sleep', '321', detached=True)
    t.equal(deep.returncode, 0)
    t.has(box.sh('a', 'ps').stdout, 'sleep 321')
    t.true('sleep 321' not in box.sh('b', 'ps').stdout)
    t.true('sleep 321' not in box.sh('pause', 'ps').stdout)
with test('exit_status_and_neighbours_live') as t:
    c = box.member('c', ['sh', '-c', 'exit 7'])
    t.equal(wait(c), ('exit', 7))
    t.equal(box.state('c')['status'], 'stopped')
    t.equal(box.v('delete', 'c').returncode, 0)
    d = box.member('d', ['sh', '-c', 'kill -TERM $$; sleep 1; exit 3'])
    t.equal(wait(d)[0], 'exit', 'pid 1 is not killed by itself')
    t.equal(box.v('delete', 'd').returncode, 0)
    t.equal(box.sh('a', 'echo alive').stdout, 'alive\n')
with test('kill_one') as t:
    c = box.member('c')
    t.equal(box.v('kill', 'c', 'KILL').returncode, 0)
    t.equal(wait(c), ('signal', 9))
    t.equal(box.v('delete', 'c').returncode, 0)
    t.equal(sorted(box.left()), ['a', 'b', 'pause'])
    t.equal(box.sh('b', 'echo alive').stdout, 'alive\n')
with test('root_is_free_afterwards') as t:
    c = box.member('c', ['sh', '-c', 'exec 5</bin/busybox; sleep 1000'])
    t.equal(box.v('delete', '--force', 'c').returncode, 0)
    wait(c)
    open_there = [os.readlink('/proc/%d/fd/%s' % (sentry, f)) for f in os.listdir('/proc/%d/fd' % sentry)]
    t.equal([f for f in open_there if 'rootfs.c' in f], [])
with test('created_is_not_started') as t:
    c = box.member('c', ['sh', '-c', 'echo ran >/etc/ran; exit 4'], run=False)
    t.equal(box.state('c')['status'], 'created')
    t.true(not os.path.exists(box.rootfs('c') + '/etc/ran'))
    box.started_ok('c')
    t.equal(wait(c), ('exit', 4))
    t.true(os.path.exists(box.rootfs('c') + '/etc/ran'))
    box.v('delete', 'c')
with test('killed_before_it_ran') as t:
    c = box.member('c', run=False)
    t.equal(box.v('kill', 'c', 'TERM').returncode, 0)
    t.equal(wait(c), ('signal', 15))
    box.v('delete', 'c')
for name, args, text in (('missing', ['nosuch'], 'executable file not found'), ('directory', ['/etc'], 'permission denied')):
    with test('fails_' + name) as t:
        r = box.create('n', args, change=box.joining('n', 'pause'))
        t.true(r.returncode != 0)
        t.has(r.stderr, text)
        t.equal(sorted(box.left()), ['a', 'b', 'pause'])
with test('fails_mount') as t:
    def bad(c):
        c['mounts'].append({'destination': '/etc/whose/below', 'type': 'tmpfs', 'source': 'tmpfs'})
    r = box.create('n', SLEEP, change=box.joining('n', 'pause', change=bad))
    t.true(r.returncode != 0)
    t.has(r.stderr, 'mount of tmpfs on /etc/whose/below')
with test('no_such_sandbox_is_one_of_its_own') as t:
    c = box.created('own', SLEEP, change=box.joining('own', 'pause', names=None))
    t.equal(len(named(c, 'vedette-sentry')), 1)
    t.equal(box.v('delete', '--force', 'own').returncode, 0)
    wait(c)
with test('pause_one') as t:
    box.v('exec', '-d', 'a', 'sh', '-c', 'while :; do echo >>/etc/beat; sleep 0.02; done', detached=True)
    size = lambda: os.path.getsize(box.rootfs('a') + '/etc/beat')
    t.true(until(lambda: os.path.exists(box.rootfs('a') + '/etc/beat')))
    t.equal(box.v('pause', 'a').returncode, 0)
    t.equal(box.state('a')['status'], 'paused')
    was = [size()]
    def still():
        time.sleep(0.1)
        was.append(size())
        return was[-1] == was[-2]
    t.true(until(still))
    t.equal(box.sh('b', 'echo alive').stdout, 'alive\n')
    t.equal(box.v('resume', 'a').returncode, 0)
    t.true(until(lambda: size() > was[-1]))
with test('limit_on_tasks_is_its_own') as t:
    def few(c):
        c['linux'].setdefault('resources', {})['pids'] = {'limit': 4}
    c = box.member('c', ['sh', '-c', 'for i in 1 2 3 4 5 6; do sleep 100 & done; cat'], change=few)
    t.equal(box.sh('b', 'for i in 1 2 3 4 5 6; do true & done; wait; echo fine').stdout, 'fine\n')
    box.v('delete', '--force', 'c')
    wait(c)
with test('limits_are_seen') as t:
    def small(c):
        c['linux'].setdefault('resources', {}).update({'memory': {'limit': 64 << 20}, 'cpu': {'quota': 50000, 'period': 100000}})
    c = box.member('c', change=small)
    look = 'head -n 1 /proc/meminfo; grep -c ^processor /proc/cpuinfo; cat /sys/fs/cgroup/memory.max'
    t.equal(box.sh('c', look).stdout.split(), ['MemTotal:', '65536', 'kB', '1', str(64 << 20)])
    t.true(box.sh('a', look).stdout != box.sh('c', look).stdout)
    r = box.v('update', '--memory', '96M', 'c')
    t.equal(r.returncode, 0, r.stderr)
    t.equal(box.sh('c', look).stdout.split()[1], str(96 << 10))
    box.v('delete', '--force', 'c')
    wait(c)
with test('one_that_wants_its_own_sandbox') as t:
    c = box.member('c', change=lambda c: c['annotations'].update({'dev.vedette.sandbox': 'own'}))
    t.equal(len(named(c, 'vedette-sentry')), 1)
    box.v('delete', '--force', 'c')
    wait(c)
with test('shared_pids') as t:
    s = box.member('s', ['sleep', '88'], of='a', names=None, shared=('pid',))
    t.equal(named(s, 'vedette-sentry'), [])
    t.has(box.sh('a', 'ps').stdout, 'sleep 88')
    t.has(box.sh('s', 'ps').stdout, 'sleep 321')
    t.equal(box.sh('s', 'cat /etc/whose').stdout, 's\n')
    t.equal(box.sh('s', 'readlink /proc/self/ns/pid').stdout, box.sh('a', 'readlink /proc/self/ns/pid').stdout)
    t.true(box.sh('s', 'readlink /proc/self/ns/net').stdout != box.sh('a', 'readlink /proc/self/ns/net').stdout)
    t.equal(box.v('kill', 's', 'TERM').returncode, 0)
    t.equal(wait(s), ('signal', 15), 'it is not pid 1')
    t.true('sleep 88' not in box.sh('a', 'ps').stdout)
    box.v('delete', 's')
with test('shared_pids_end_with_their_first') as t:
    x = box.member('x')
    s = box.member('s', of='x', names=None, shared=('pid',))
    box.v('kill', 'x', 'KILL')
    t.equal((wait(x), wait(s)), (('signal', 9),) * 2)
    box.v('delete', 'x')
    box.v('delete', 's')
with test('host_process_killed') as t:
    c = box.member('c')
    os.kill(c, 9)
    t.equal(wait(c), ('signal', 9))
    t.true(until(lambda: not [f for f in os.listdir('/proc/%d/fd' % sentry)
                              if 'rootfs.c' in os.readlink('/proc/%d/fd/%s' % (sentry, f))]))
    t.equal(box.v('delete', '--force', 'c').returncode, 0)
    t.equal(box.sh('b', 'echo alive').stdout, 'alive\n')
with test('gofer_killed') as t:
    c = box.member('c')
    os.kill(named(c, 'vedette-gofer')[0], 9)
    t.equal(wait(c), ('signal', 9))
    box.v('delete', 'c')
    t.equal(box.sh('b', 'echo alive').stdout, 'alive\n')
with test('first_may_end_before_the_others') as t:
    trap = 'trap "exit %d" TERM; touch /etc/ready; while :; do sleep 0.05; done'
    f = box.first('f', ['sh', '-c', trap % 5])
    g = box.member('g', ['sh', '-c', trap % 6], of='f')
    for i in ('f', 'g'):
        t.true(until(lambda: os.path.exists(box.rootfs(i) + '/etc/ready')))
    box.v('kill', 'f', 'TERM')
    box.v('kill', 'g', 'TERM')
    t.equal((wait(f), wait(g)), (('exit', 5), ('exit', 6)))
    for i in ('f', 'g'):
        r = box.v('delete', i)
        t.equal((r.returncode, r.stderr), (0, ''))
with test('sandbox_of_one_that_ended') as t:
    f = box.first('f', ['true'])
    wait(f)
    with open(box.dir + '/pid.f', 'w') as p:
        p.write('%d' % f)
    r = box.create('n', SLEEP, change=box.joining('n', 'f'))
    t.true(r.returncode != 0)
    t.has(r.stderr, 'has ended')
    box.v('delete', 'f')
with test('delete_of_the_first_ends_all') as t:
    t.equal(box.v('delete', '--force', 'pause').returncode, 0)
    t.equal((wait(pause), wait(a), wait(b)), (('signal', 9),) * 3)
    t.equal(box.v('delete', 'a').returncode, 0)
    t.equal(box.v('delete', 'b').returncode, 0)
    t.equal(box.left(), [])
    t.true(none_left(), str(children(os.getpid())))
with test('sentry_killed') as t:
    pause = box.first()
    a = box.member('a')
    os.kill(named(pause, 'vedette-sentry')[0], 9)
    t.equal((wait(pause), wait(a)), (('signal', 9),) * 2)
    for i in ('a', 'pause'):
        t.equal(box.v('delete', i).returncode, 0)
with test('first_host_process_killed') as t:
    pause = box.first()
    a = box.member('a')
    os.kill(pause, 9)
    t.equal((wait(pause), wait(a)), (('signal', 9),) * 2)
    for i in ('a', 'pause'):
        t.equal(box.v('delete', '--force', i).returncode, 0)
    t.equal(box.left(), [])
    t.true(none_left(), str(children(os.getpid())))
box.end()
E
