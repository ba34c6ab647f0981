#!/bin/sh
# create, start, state, kill, delete, list as an engine calls them, and kill -9 of every process of a
# container at every stage: exit statuses are the container's, and nothing is left.
command -v python3 >/dev/null || { echo "1..0 # SKIP no python3"; exit 0; }
command -v busybox >/dev/null || { echo "1..0 # SKIP no busybox"; exit 0; }
exec python3 - <<'E'
import sys; sys.dont_write_bytecode = True
sys.path.insert(0, 'tests/programs')
from ocibox import *

box = Box()
SLEEP = ['sleep', '1000']

with test('create') as t:
    out = open(box.dir + '/out', 'wb')
    r = box.create('a', ['sh', '-c', 'echo ran; exit 7'], stdout=out)
    t.equal(r.returncode, 0, r.stderr)
    pid = box.pid('a')
    t.equal(parent(pid), os.getpid(), 'the process in the pid file becomes ours')
    s = box.state('a')
    t.equal((s['status'], s['pid'], s['id'], s['bundle']), ('created', pid, 'a', box.dir))
    t.equal(s['annotations'], {'org.example.key': 'value'})
    t.true(os.stat(box.dir + '/out').st_size == 0, 'the program has not run')
    t.equal(box.v('list', '-q').stdout, 'a\n')
    t.equal([(c['id'], c['status']) for c in json.loads(box.v('list', '-f', 'json').stdout)], [('a', 'created')])
    with open('/proc/%d/cmdline' % pid) as f:
        t.true('echo ran' in f.read(), 'ps shows what it is for')
with test('start') as t:
    t.equal(box.v('start', 'a').returncode, 0)
    t.equal(wait(pid), ('exit', 7))
    with open(box.dir + '/out') as f:
        t.equal(f.read(), 'ran\n')
    t.equal((box.state('a')['status'], box.state('a')['pid']), ('stopped', 0))
with test('start_of_what_has_stopped') as t:
    r = box.v('start', 'a')
    t.equal(r.returncode, 1)
    t.has(r.stderr, 'cannot start a container that has stopped')
with test('kill_of_what_has_stopped') as t:
    for args in (['kill', 'a', '9'], ['kill', '--all', 'a', '9'], ['kill', 'a', 'KILL']):
        r = box.v(*args)
        t.equal(r.returncode, 1)
        t.has(r.stderr, 'container not running')
with test('delete') as t:
    t.equal(box.v('delete', 'a').returncode, 0)
    t.equal(box.left(), [])
    r = box.v('delete', 'a')
    t.equal(r.returncode, 1)
    t.has(r.stderr, 'does not exist')
    t.equal(box.v('delete', '--force', 'a').returncode, 0, 'force takes nothing for an error')
for cmd in (['state', 'a'], ['kill', 'a', 'TERM'], ['start', 'a']):
    with test('absent_' + cmd[0]) as t:
        r = box.v(*cmd)
        t.equal(r.returncode, 1)
        t.has(r.stderr, 'does not exist')

with test('running') as t:
    box.create('r', ['sh', '-c', 'trap "exit 5" USR1; echo up; while :; do sleep 0.05; done'], stdout=box.open('out'))
    pid = box.pid('r')
    t.equal(box.v('start', 'r').returncode, 0)
    box.wait_for('out', 'up\n')
    t.equal(box.state('r')['status'], 'running')
    r = box.v('start', 'r')
    t.equal((r.returncode, 'already running' in r.stderr), (1, True), r.stderr)
    r = box.v('delete', 'r')
    t.equal((r.returncode, 'not stopped: running' in r.stderr), (1, True), r.stderr)
    r = box.create('r', SLEEP)
    t.equal((r.returncode, 'already exists' in r.stderr), (1, True), r.stderr)
    t.equal(box.v('kill', 'r', '0').returncode, 0)
    t.equal(box.v('kill', 'r', 'nosuch').returncode, 1)
    t.equal(box.v('kill', 'r', '65').returncode, 1)
    t.equal(box.state('r')['status'], 'running', 'nothing of that has an effect')
    t.equal(box.v('kill', 'r', 'USR1').returncode, 0)
    zombie(pid)
    t.equal(box.state('r')['status'], 'stopped', 'a zombie has stopped')
    t.equal(box.v('kill', 'r', 'USR1').returncode, 1)
    t.equal(box.v('delete', 'r').returncode, 0, 'a zombie can be deleted')
    t.equal(wait(pid), ('exit', 5))
    t.equal(box.left(), [])

for spelt in ('9', 'KILL', 'SIGKILL', 'sigkill'):
    with test('death_by_' + spelt) as t:
        pid = box.started('k', SLEEP)
        t.equal(box.v('kill', 'k', spelt).returncode, 0)
        t.equal(wait(pid), ('signal', 9))
        t.equal(box.v('delete', 'k').returncode, 0)
with test('death_by_its_own_signal') as t:
    pid = box.started('k', ['sh', '-c', 'sh -c "kill -SEGV \\$\\$"; exit $?'])
    t.equal(wait(pid), ('exit', 139))
    box.v('delete', 'k')
with test('kill_all') as t:
    pid = box.started('k', ['sh', '-c', 'trap : TERM; sleep 1000; exit $?'])
    time.sleep(0.3)
    t.equal(box.v('kill', '--all', 'k', 'TERM').returncode, 0)
    t.equal(wait(pid), ('exit', 143), 'the child died, the first process lives to tell')
    box.v('delete', 'k')
with test('signals_to_the_host_process_go_in') as t:
    pid = box.started('k', ['sh', '-c', 'trap "exit 6" TERM; echo up; while :; do sleep 0.05; done'], stdout=box.open('out'))
    box.wait_for('out', 'up\n')
    os.kill(pid, signal.SIGTERM)
    t.equal(wait(pid), ('exit', 6))
    box.v('delete', 'k')
with test('callers_signals_stay_out') as t:
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    box.create('k', ['grep', 'SigIgn', '/proc/self/status'], stdout=box.open('out'), restore_signals=False)
    pid = box.pid('k')
    box.v('start', 'k')
    wait(pid)
    t.equal(box.read('out'), 'SigIgn:\t0000000000000000\n')
    box.v('delete', 'k')
with test('delete_force_of_what_runs') as t:
    pid = box.started('k', SLEEP)
    t.equal(box.v('delete', '--force', 'k').returncode, 0)
    t.equal(wait(pid), ('signal', 9))
    t.equal(box.left(), [])
with test('delete_of_what_was_never_started') as t:
    box.create('k', SLEEP)
    pid = box.pid('k')
    t.equal(box.v('delete', 'k').returncode, 0)
    t.equal(wait(pid), ('signal', 9))
    t.equal(box.left(), [])
for sig, how in (('TERM', ('signal', 15)), ('9', ('signal', 9))):
    with test('kill_before_start_' + sig) as t:
        box.create('k', SLEEP)
        pid = box.pid('k')
        t.equal(box.v('kill', 'k', sig).returncode, 0)
        t.equal(wait(pid), how)
        t.equal(box.state('k')['status'], 'stopped')
        t.equal(box.v('start', 'k').returncode, 1)
        box.v('delete', 'k')
with test('harmless_before_start') as t:
    box.create('k', ['sh', '-c', 'exit 3'])
    pid = box.pid('k')
    for sig in ('CHLD', 'WINCH', 'CONT', 'URG'):
        box.v('kill', 'k', sig)
    t.equal(box.state('k')['status'], 'created')
    box.v('start', 'k')
    t.equal(wait(pid), ('exit', 3))
    box.v('delete', 'k')

for name, args, text in (
        ('missing', ['nosuch'], 'executable file not found in $PATH'),
        ('missing_path', ['/no/such'], 'no such file or directory'),
        ('directory', ['/etc'], 'permission denied'),
        ('not_executable', ['/etc/passwd'], 'permission denied')):
    with test('create_fails_' + name) as t:
        r = box.create('m', args)
        t.equal(r.returncode, 1)
        t.has(r.stderr, text)
        t.equal(box.left(), [])
with test('start_fails') as t:
    t.equal(box.create('m', ['/etc/garbage']).returncode, 0)
    pid = box.pid('m')
    r = box.v('start', 'm')
    t.equal(r.returncode, 1)
    t.has(r.stderr, 'exec format error')
    t.equal(wait(pid), ('exit', 126))
    t.equal(box.v('delete', 'm').returncode, 0)
with test('log') as t:
    r = box.v('--log', box.dir + '/log', '--log-format', 'json', 'state', 'absent')
    t.has(r.stderr, 'does not exist')
    with open(box.dir + '/log') as f:
        l = [json.loads(x) for x in f]
    t.equal((len(l), l[0]['level'], 'does not exist' in l[0]['msg'], 'time' in l[0]), (1, 'error', True, True))
    os.unlink(box.dir + '/log')
    box.create('m', ['nosuch'], before=['--log', box.dir + '/log', '--log-format=json'])
    with open(box.dir + '/log') as f:
        t.true(any('not found' in json.loads(x)['msg'] for x in f))
with test('features') as t:
    f = json.loads(box.v('features').stdout)
    t.true('pid' in f['linux']['namespaces'] and 'CAP_KILL' in f['linux']['capabilities'] and 'poststop' in f['hooks'])
with test('version') as t:
    for o in ('--version', '-v'):
        lines = box.v(o).stdout.splitlines()
        t.equal([x.split(':')[0] for x in lines[1:]], ['commit', 'spec'])
        t.has(lines[0], ' version ')

for bad in ('a/b', '../a', '..', '.', '', 'a b', 'x' * 300, 'a\nb', '/'):
    with test('id_' + repr(bad[:8]).replace(' ', '_').replace('#', '')) as t:
        before = box.left()
        for cmd in (['create', '--bundle', box.dir], ['run', '--bundle', box.dir], ['state'], ['delete'], ['delete', '--force'], ['kill'], ['start']):
            r = box.v(*cmd, bad)
            t.equal(r.returncode, 1, cmd)
            t.has(r.stderr, 'is no container ID')
            t.equal(len(r.stderr.splitlines()), 1)
        t.equal(box.left(), before)
for name, text in (('truncated', '{"id": "d", "pid"'), ('empty', ''), ('array', '[]'), ('types', '{"bundle": 1, "pid": "x", "attached": 3}'),
                   ('binary', '\x00\x01\x02'), ('huge_pid', '{"bundle": "/", "attached": false, "pid": 99999999999999999999999}')):
    with test('state_' + name) as t:
        pid = box.started('d', SLEEP)
        with open(box.root + '/d/state.json', 'w') as f:
            f.write(text)
        for cmd in (['state', 'd'], ['start', 'd'], ['kill', 'd', '9'], ['delete', 'd']):
            r = box.v(*cmd)
            t.equal((r.returncode, 'is damaged' in r.stderr), (1, True), r.stderr)
        t.equal(box.v('list', '-q').returncode, 0)
        t.equal(box.v('delete', '--force', 'd').returncode, 0)
        t.equal(wait(pid), ('signal', 9), 'it was found all the same')
        t.equal(box.left(), [])
with test('state_without_anything') as t:
    os.mkdir(box.root + '/d')
    r = box.v('state', 'd')
    t.equal((r.returncode, 'not created to the end' in r.stderr), (1, True))
    t.equal(box.v('delete', '--force', 'd').returncode, 0)
    t.equal(box.left(), [])
with test('state_of_links') as t:
    os.symlink('/etc', box.root + '/d')
    t.equal(box.v('state', 'd').returncode, 1)
    box.v('delete', '--force', 'd')
    os.unlink(box.root + '/d')
    os.mkdir(box.root + '/d')
    os.symlink('/etc/passwd', box.root + '/d/state.json')
    t.equal(box.v('state', 'd').returncode, 1)
    os.unlink(box.root + '/d/state.json')
    os.mkfifo(box.root + '/d/state.json')
    t.equal(box.v('state', 'd').returncode, 1, 'does not hang')
    t.equal(box.v('delete', '--force', 'd').returncode, 0)
    t.equal(box.left(), [])

with test('run') as t:
    p = box.popen('run', '--bundle', box.dir, 'f', config=['sh', '-c', 'echo up; read x; exit 4'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    p.stdout.readline()
    s = box.state('f')
    t.equal((s['status'], s['pid']), ('running', p.pid))
    p.stdin.close()
    t.equal(p.wait(), 4)
    t.equal(box.left(), [])
with test('run_keep') as t:
    p = box.popen('run', '--keep', '--bundle', box.dir, 'f', config=['true'], stdin=subprocess.DEVNULL)
    t.equal(p.wait(), 0)
    t.equal(box.state('f')['status'], 'stopped')
    t.equal(box.v('delete', 'f').returncode, 0)
with test('run_detach') as t:
    box.config(['sh', '-c', 'exit 9'])
    t.equal(box.v('run', '-d', '--pid-file', box.dir + '/pid.f', '--bundle', box.dir, 'f', detached=True).returncode, 0)
    t.equal(wait(box.pid('f')), ('exit', 9))
    t.equal(box.v('delete', 'f').returncode, 0)
    box.config(['nosuch'])
    t.equal(box.v('run', '-d', '--bundle', box.dir, 'f', detached=True).returncode, 127)
    t.equal(box.left(), [])
with test('run_that_was_killed_is_in_nobodys_way') as t:
    p = box.popen('run', '--bundle', box.dir, 'f', config=['sh', '-c', 'echo up; sleep 1000'], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    p.stdout.readline()
    p.kill()
    p.wait()
    r = box.popen('run', '--bundle', box.dir, 'f', config=['true'], stdin=subprocess.DEVNULL)
    t.equal(r.wait(), 0)
    t.equal(box.left(), [])

def victims(pid):
    return {'host': pid, **{n.replace('vedette-', ''): p for p, n in children(pid) if n.startswith('vedette-')}}

for stage in ('created', 'running'):
    for who in ('host', 'sentry', 'gofer'):
        with test('sigkill_%s_%s' % (who, stage)) as t:
            (box.created if stage == 'created' else box.started)('x', SLEEP)
            pid = box.pid('x')
            v = victims(pid)
            t.equal(sorted(v), ['gofer', 'host', 'sentry'])
            os.kill(v[who], signal.SIGKILL)
            t.equal(wait(pid), ('signal', 9))
            t.equal(box.state('x')['status'], 'stopped')
            t.has(box.v('kill', 'x', '9').stderr, 'container not running')
            t.equal(box.v('delete', 'x').returncode, 0)
            t.true(none_left(), 'no process is left')
            t.equal(box.left(), [])
with test('sigstop_of_the_host_process') as t:
    pid = box.started('x', SLEEP)
    os.kill(pid, signal.SIGSTOP)
    p = box.popen('delete', '--force', 'x')
    # It waits for an answer with a limit; we do not wait that long.
    os.kill(pid, signal.SIGKILL)
    t.equal(p.wait(), 0)
    t.equal(wait(pid), ('signal', 9))
    t.true(none_left())
    t.equal(box.left(), [])
with test('sigkill_of_create') as t:
    for i in range(12):
        p = box.popen('create', '--bundle', box.dir, '--pid-file', box.dir + '/pid.x', 'x', config=SLEEP, stdin=subprocess.DEVNULL)
        time.sleep(random.uniform(0, 0.03))
        p.kill()
        p.wait()
        t.equal(box.v('delete', '--force', 'x').returncode, 0)
        if not none_left():
            t.true(False, 'processes are left')
        t.equal(box.left(), [])
with test('two_creates_at_once') as t:
    ps = [box.popen('create', '--bundle', box.dir, 'x', config=SLEEP, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for i in range(4)]
    t.equal(sorted(p.wait() for p in ps), [0, 1, 1, 1])
    t.equal(box.v('delete', '--force', 'x').returncode, 0)
    t.true(none_left())
box.end()
E
