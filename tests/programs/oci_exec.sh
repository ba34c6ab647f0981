#!/bin/sh
# exec: other processes in a running container, from the command line and as engines do it, with
# --process and --detach; kill -9 of their host processes.
command -v python3 >/dev/null || { echo "1..0 # SKIP no python3"; exit 0; }
command -v busybox >/dev/null || { echo "1..0 # SKIP no busybox"; exit 0; }
exec python3 - <<'E'
import sys; sys.dont_write_bytecode = True
sys.path.insert(0, 'tests/programs')
from ocibox import *

box = Box()
SLEEP = ['sleep', '1000']
main = box.started('c', SLEEP)

def ex(*args, **kw):
    return box.v('exec', *args, **kw)

def process(name='process.json', **kw):
    p = {'args': ['true'], 'cwd': '/', 'env': ['PATH=/bin'], 'user': {'uid': 0, 'gid': 0}, **kw}
    with open(box.dir + '/' + name, 'w') as f:
        json.dump(p, f)
    return box.dir + '/' + name

# As the shim and conmon: the pid of what is in the pid file.
def detached(p, *more, id='c', **kw):
    f = box.dir + '/pid.exec'
    r = box.v('exec', '--process', p, '--detach', '--pid-file', f, *more, id, detached=True, **kw)
    assert r.returncode == 0, r.stderr
    return int(box.read('pid.exec'))

with test('output_and_status') as t:
    r = ex('c', 'sh', '-c', 'echo out; echo err >&2; exit 5')
    t.equal((r.returncode, r.stdout, r.stderr), (5, 'out\n', 'err\n'))
with test('options_after_the_program_are_its_own') as t:
    t.equal(ex('c', 'echo', '-d', '--tty').stdout, '-d --tty\n')
with test('stdin') as t:
    t.equal(ex('c', 'cat', stdin=None, input='typed\n').stdout, 'typed\n')
with test('parent_and_session') as t:
    r = ex('c', 'sh', '-c', 'echo $PPID; read a b c d e s rest </proc/self/stat; echo $s $$')
    ppid, ids = r.stdout.splitlines()
    t.equal(ppid, '0')
    t.equal(len(set(ids.split())), 1, 'it leads its session')
with test('sees_the_container') as t:
    ex('c', 'sh', '-c', 'echo left >/root/file')
    t.equal(ex('c', 'cat', '/root/file').stdout, 'left\n')
    t.has(ex('c', 'ps').stdout, 'sleep 1000')
with test('user') as t:
    t.equal(ex('-u', '1000:7', 'c', 'sh', '-c', 'id -u; id -g; echo $HOME').stdout, '1000\n7\n/home/ann\n')
with test('groups') as t:
    t.equal(ex('-u', '1000:7', '-g', '8', '-g', '9', 'c', 'grep', 'Groups', '/proc/self/status').stdout.split(), ['Groups:', '8', '9'])
with test('env_and_cwd') as t:
    r = ex('--env', 'A=b c', '-e', 'X=', '--cwd', '/etc', 'c', 'sh', '-c', 'pwd; echo "$A"; env | grep X=')
    t.equal(r.stdout, '/etc\nb c\nX=\n')
with test('cap_and_no_new_privs') as t:
    s = ex('--cap', 'CAP_SYS_PTRACE', '--no-new-privs', 'c', 'cat', '/proc/self/status').stdout
    eff = [l for l in s.splitlines() if l.startswith('CapEff')][0].split()[1]
    t.equal(int(eff, 16) >> 19 & 1, 1)
    t.has(s, 'NoNewPrivs:\t1')
with test('preserve_fds') as t:
    r, w = os.pipe()
    os.dup2(r, 3)
    os.dup2(w, 4)
    p = ex('--preserve-fds', '2', 'c', 'sh', '-c', 'echo through >&4; head -n 1 <&3', pass_fds=(3, 4))
    t.equal(p.stdout, 'through\n', p.stderr)
    t.equal(ex('--preserve-fds', '3', 'c', 'true', pass_fds=(3, 4)).returncode, 2, '5 is not open')
    os.close(3)
    os.close(4)
for name, args, status, text in (('missing', ['nosuch'], 127, 'executable file not found in $PATH'), ('missing_path', ['/no/such'], 127, 'no such file or directory'),
                                 ('directory', ['/etc'], 126, 'permission denied'), ('format', ['/etc/garbage'], 126, 'exec format error')):
    with test('fails_' + name) as t:
        r = ex('c', *args)
        t.equal(r.returncode, status)
        t.has(r.stderr, text)
        r = box.v('exec', '--process', process(args=args), '--detach', '--pid-file', box.dir + '/pid.no', 'c', detached=True)
        t.equal(r.returncode, status)
        t.has(r.stderr, text)
        t.true(not os.path.exists(box.dir + '/pid.no'))
with test('fails_cwd') as t:
    r = ex('--cwd', '/no/such', 'c', 'true')
    t.equal(r.returncode, 127)
    t.has(r.stderr, 'working directory /no/such')
with test('death_by_signal') as t:
    t.equal(ex('c', 'sh', '-c', 'kill -TERM $$').returncode, 143)
with test('signals_go_in') as t:
    p = box.popen('exec', 'c', 'sh', '-c', 'trap "exit 9" TERM; echo up; while :; do sleep 0.05; done', stdout=subprocess.PIPE)
    p.stdout.readline()
    p.terminate()
    t.equal(p.wait(), 9)

with test('process_file') as t:
    p = process(args=['sh', '-c', 'pwd; id -u; echo $V; ulimit -n; umask'], cwd='/etc', env=['PATH=/bin', 'V=set'],
                user={'uid': 1000, 'gid': 7, 'additionalGids': [10], 'umask': 63}, rlimits=[{'type': 'RLIMIT_NOFILE', 'soft': 77, 'hard': 99}])
    t.equal(ex('--process', p, 'c').stdout, '/etc\n1000\nset\n77\n0077\n')
    with open(p, 'w') as f:
        f.write('{"args": ["x"')
    r = ex('--process', p, 'c')
    t.equal(r.returncode, 255)
    t.equal(len(r.stderr.splitlines()), 1)
with test('process_without_capabilities_has_the_containers') as t:
    own = ex('c', 'grep', 'CapEff', '/proc/self/status').stdout
    t.equal(ex('--process', process(args=['grep', 'CapEff', '/proc/self/status']), 'c').stdout, own)
    none = process(args=['grep', 'CapEff', '/proc/self/status'], capabilities={'bounding': []})
    t.equal(ex('--process', none, 'c').stdout.split()[1], '0' * 16)
with test('detached') as t:
    pid = detached(process(args=['sh', '-c', 'echo done; exit 12']), stdout=box.open('out'))
    t.equal(parent(pid), os.getpid())
    t.equal(wait(pid), ('exit', 12))
    t.equal(box.read('out'), 'done\n')
with test('detached_stdin_and_end_of_file') as t:
    r, w = os.pipe()
    pid = detached(process(args=['cat']), stdin=r, stdout=box.open('out'))
    os.close(r)
    os.write(w, b'piece\n')
    os.close(w)
    t.equal(wait(pid), ('exit', 0))
    t.equal(box.read('out'), 'piece\n')
with test('detached_death_by_signal') as t:
    pid = detached(process(args=['sh', '-c', 'kill -KILL $$']))
    t.equal(wait(pid), ('signal', 9))
with test('signal_to_its_host_process') as t:
    pid = detached(process(args=SLEEP))
    os.kill(pid, signal.SIGTERM)
    t.equal(wait(pid), ('signal', 15))

count_of = lambda what: sum(what in l for l in ex('c', 'ps').stdout.splitlines())
with test('sigkill_of_its_host_process') as t:
    pid = detached(process(args=['sleep', '4321']))
    t.equal(count_of('sleep 4321'), 1)
    os.kill(pid, signal.SIGKILL)
    t.equal(wait(pid), ('signal', 9))
    t.true(until(lambda: count_of('sleep 4321') == 0), 'the process has gone with it')
with test('sigkill_of_the_command') as t:
    for i in range(10):
        p = box.popen('exec', '--process', process(args=['sleep', '4321']), '--detach', '--pid-file', box.dir + '/pid.x', 'c', stdin=subprocess.DEVNULL)
        time.sleep(random.uniform(0, 0.02))
        p.kill()
        p.wait()
        for c, n in children(os.getpid()):
            if c != main:
                os.kill(c, signal.SIGKILL)
        until(lambda: [c for c, n in children(os.getpid())] == [main])
    t.true(until(lambda: count_of('sleep 4321') == 0))
with test('many_at_once') as t:
    ps = [box.popen('exec', 'c', 'sh', '-c', 'echo x | cat; exit %d' % i, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) for i in range(20)]
    t.equal([(p.stdout.read(), p.wait()) for p in ps], [(b'x\n', i) for i in range(20)])
with test('large_arguments') as t:
    big = ['x' * 100000] * 10
    t.equal(ex('--process', process(args=['sh', '-c', 'echo $#'] + big), 'c').stdout, '9\n')
with test('before_start') as t:
    box.created('early', SLEEP)
    t.equal(box.v('exec', 'early', 'echo', 'here').stdout, 'here\n')
    t.equal(box.state('early')['status'], 'created')
    box.v('delete', 'early')
with test('end_of_the_container_ends_them') as t:
    pid = box.started('d', SLEEP)
    x = detached(process(args=SLEEP), id='d')
    y = detached(process(args=SLEEP), id='d')
    box.v('kill', 'd', '9')
    t.equal([wait(p) for p in (pid, x, y)], [('signal', 9)] * 3)
    r = box.v('exec', 'd', 'true')
    t.equal(r.returncode, 255)
    t.has(r.stderr, 'cannot exec in a stopped container')
    box.v('delete', 'd')
    t.equal(box.v('exec', 'd', 'true').returncode, 255)
for who in ('host', 'vedette-sentry', 'vedette-gofer'):
    with test('sigkill_of_%s_ends_them' % who.replace('vedette-', '')) as t:
        pid = box.started('d', SLEEP)
        x = detached(process(args=SLEEP), id='d')
        os.kill(pid if who == 'host' else [p for p, n in children(pid) if n == who][0], signal.SIGKILL)
        t.equal([wait(p) for p in (pid, x)], [('signal', 9)] * 2)
        t.equal(box.v('delete', 'd').returncode, 0)
        t.true(until(lambda: [c for c, n in children(os.getpid())] == [main]))
with test('a_background_child_does_not_keep_it') as t:
    r = ex('c', 'sh', '-c', 'sleep 987 >/dev/null 2>&1 </dev/null & echo started')
    t.equal((r.returncode, r.stdout), (0, 'started\n'))
    t.equal(count_of('sleep 987'), 1)
with test('cgroup') as t:
    for path, status in (('/', 0), ('memory,pids:/', 0), ('sub', 255), ('pids:/a/b', 255)):
        r = box.v('exec', '--cgroup', path, 'c', 'true')
        t.equal(r.returncode, status, path + r.stderr)
    t.has(r.stderr, "no cgroup '/a/b'")
box.v('delete', '--force', 'c')
wait(main)
with test('spec_rootless') as t:
    os.remove(box.dir + '/config.json')
    t.equal(box.v('spec', '--rootless', '--bundle', box.dir).returncode, 0)
    c = json.loads(box.read('config.json'))
    t.equal(c['linux']['uidMappings'], [{'containerID': 0, 'hostID': os.geteuid(), 'size': 1}])
    t.equal(c['linux']['gidMappings'], [{'containerID': 0, 'hostID': os.getegid(), 'size': 1}])
    kinds = [n['type'] for n in c['linux']['namespaces']]
    t.true('user' in kinds and 'network' not in kinds, kinds)
    t.true('gid=' not in box.read('config.json'))
    box.default = c
    c['process']['terminal'] = False
    pid = box.started('r', ['sh', '-c', 'exit $(id -u)'])
    t.equal(wait(pid), ('exit', 0))
    box.v('delete', 'r')
with test('nothing_is_left') as t:
    t.true(none_left())
    t.equal(box.left(), [])
box.end()
E
