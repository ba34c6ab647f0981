#!/bin/sh
# What other runtimes' users rely on in create, run, kill, ps and list: a configuration by another name,
# one without a process, whose output a pipe sees the end of, which namespaces the pid shows.
command -v python3 >/dev/null || { echo "1..0 # SKIP no python3"; exit 0; }
command -v busybox >/dev/null || { echo "1..0 # SKIP no busybox"; exit 0; }
exec python3 - <<'E'
import sys; sys.dont_write_bytecode = True
sys.path.insert(0, 'tests/programs')
from ocibox import *

box = Box()
SLEEP = ['sleep', '1000']
ROOT = os.geteuid() == 0
ns = lambda pid, name: os.readlink('/proc/%s/ns/%s' % (pid, name))

with test('config_by_another_name') as t:
    box.config(['echo', 'elsewhere'])
    os.mkdir(box.dir + '/sub')
    os.rename(box.dir + '/config.json', box.dir + '/sub/c.json')
    for name in ('sub/c.json', box.dir + '/sub/c.json'):
        r = box.v('run', '--bundle', box.dir, '--config', name, 'n')
        t.equal((r.returncode, r.stdout), (0, 'elsewhere\n'), r.stderr)
    r = box.v('run', '--bundle', box.dir, '--config', 'none', 'n')
    t.equal(r.returncode, 1)
    t.has(r.stderr, 'none: No such file or directory')

def no_process(c):
    del c['process']
with test('without_a_process') as t:
    r = box.create('p', SLEEP, change=no_process)
    t.equal(r.returncode, 0, r.stderr)
    t.equal(box.state('p')['status'], 'created')
    r = box.v('exec', 'p', 'echo', 'x')
    t.true(r.returncode != 0 and r.stderr.count('\n') == 1, r.stderr)
    r = box.v('start', 'p')
    t.equal(r.returncode, 1)
    t.has(r.stderr, 'the configuration has no process to start')
    t.true(until(lambda: box.state('p')['status'] == 'stopped'))
    t.equal(box.v('delete', 'p').returncode, 0)
    r = box.v('run', '--bundle', box.dir, 'p')
    t.equal(r.returncode, 1)
    t.has(r.stderr, 'process: is missing')
    t.equal(box.left(), [])

# Both on one pipe, which nobody but the program may hold when it closes them.
with test('end_of_output') as t:
    r, w = os.pipe()
    box.config(['sh', '-c', 'echo last; exec >/dev/null 2>&1; sleep 1000'])
    p = subprocess.Popen(VEDETTE + ['--root', box.root, 'run', '--detach', '--bundle', box.dir, 'e'], stdin=subprocess.DEVNULL, stdout=w, stderr=w)
    os.close(w)
    t.equal(p.wait(60), 0)
    signal.alarm(60)
    with os.fdopen(r, 'rb') as f:
        t.equal(f.read(), b'last\n')
    r, w = os.pipe()
    with open(box.dir + '/p', 'w') as f:
        json.dump({'args': ['sh', '-c', 'echo too; exec >/dev/null 2>&1; sleep 1000'], 'cwd': '/', 'env': ['PATH=/bin'], 'user': {'uid': 0, 'gid': 0}}, f)
    p = subprocess.Popen(VEDETTE + ['--root', box.root, 'exec', '--detach', '--process', box.dir + '/p', 'e'], stdin=subprocess.DEVNULL, stdout=w, stderr=w)
    os.close(w)
    t.equal(p.wait(60), 0)
    with os.fdopen(r, 'rb') as f:
        t.equal(f.read(), b'too\n')
    signal.alarm(0)
with test('process_from_a_pipe') as t:
    r, w = os.pipe()
    os.write(w, json.dumps({'args': ['echo', 'piped'], 'cwd': '/', 'env': ['PATH=/bin'], 'user': {'uid': 0, 'gid': 0}}).encode())
    os.close(w)
    x = box.v('exec', '--process', '/dev/fd/%d' % r, 'e', pass_fds=[r])
    t.equal((x.returncode, x.stdout), (0, 'piped\n'), x.stderr)
    os.close(r)
with test('list_has_columns') as t:
    head, row = box.v('list').stdout.splitlines()
    t.equal(head.split(), ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'])
    t.true('\t' not in head + row and row[head.index('BUNDLE'):].startswith(box.dir + ' '), row)
with test('nobody_left') as t:
    t.equal(box.v('kill', 'e', 'KILL').returncode, 0)
    t.true(until(lambda: box.state('e')['status'] == 'stopped'))
    t.equal(box.v('kill', '--all', 'e', '0').returncode, 0, 'all of nobody')
    t.equal(box.v('kill', '--all', 'e', '9').returncode, 1)
    t.equal((box.v('ps', '-f', 'json', 'e').stdout.strip(), box.v('ps', 'e').returncode), ('[]', 0))
    t.equal(box.v('delete', 'e').returncode, 0)

def readonly(c):
    c['root']['readonly'] = True
    c['process']['cwd'] = '/not/yet/there'
with test('working_directory_in_a_readonly_root') as t:
    box.config(['sh', '-c', 'pwd; touch x 2>/dev/null || echo read-only'], readonly)
    r = box.v('run', '--bundle', box.dir, 'w')
    t.equal((r.returncode, r.stdout), (0, '/not/yet/there\nread-only\n'), r.stderr)

# shares(NAMES, WANT): which of them the pid has in common with us.
def shares(t, change):
    r = box.create('s', SLEEP, change=change)
    t.equal(r.returncode, 0, r.stderr)
    same = [n for n in ('mnt', 'net', 'ipc', 'uts', 'cgroup') if ns(box.pid('s'), n) == ns('self', n)]
    t.equal(box.v('delete', '--force', 's').returncode, 0)
    return same
def only(*types):
    def change(c):
        c['linux'] = {'namespaces': [{'type': n} for n in types]}
        c.pop('hostname', None)
    return change
if ROOT:
    with test('namespaces_that_the_pid_shows') as t:
        t.equal(shares(t, only('pid', 'mount', 'network', 'ipc', 'uts', 'cgroup')), [])
        t.equal(shares(t, only('pid')), ['mnt', 'net', 'ipc', 'uts', 'cgroup'])
    with test('namespaces_by_path') as t:
        other = subprocess.Popen(['unshare', '--ipc', '--cgroup', 'sleep', '1000'])
        t.true(until(lambda: ns(other.pid, 'cgroup') != ns('self', 'cgroup')))
        def join(c):
            only('pid', 'mount')(c)
            c['linux']['namespaces'] += [{'type': n, 'path': '/proc/%d/ns/%s' % (other.pid, n)} for n in ('ipc', 'cgroup')]
        box.create('s', SLEEP, change=join)
        t.equal([ns(box.pid('s'), n) for n in ('ipc', 'cgroup')], [ns(other.pid, n) for n in ('ipc', 'cgroup')])
        t.equal(box.v('delete', '--force', 's').returncode, 0)
        other.kill()
        other.wait()
        def wrong(c):
            only('pid', 'mount')(c)
            c['linux']['namespaces'] += [{'type': 'ipc', 'path': '/proc/self/ns/uts'}]
        r = box.create('s', SLEEP, change=wrong)
        t.equal(r.returncode, 1)
        t.has(r.stderr, 'cannot join the ipc namespace /proc/self/ns/uts')
        t.equal(box.left(), [])
box.end()
E
