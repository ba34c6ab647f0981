#!/bin/sh
# Terminals of containers and of exec'd processes, whose master an engine gets by --console-socket.
command -v python3 >/dev/null || { echo "1..0 # SKIP no python3"; exit 0; }
command -v busybox >/dev/null || { echo "1..0 # SKIP no busybox"; exit 0; }
exec python3 - <<'E'
import sys; sys.dont_write_bytecode = True
sys.path.insert(0, 'tests/programs')
from ocibox import *

box = Box()

def tty(c):
    c['process']['terminal'] = True
    c['process']['consoleSize'] = {'height': 33, 'width': 101}

with test('container') as t:
    con = Console(box)
    r = box.create('c', ['sh'], '--console-socket', con.path, change=tty)
    t.equal(r.returncode, 0, r.stderr)
    t.equal(con.accept(), b'/dev/ptmx')
    pid = box.pid('c')
    box.v('start', 'c')
    con.send('tty; stty size; test -t 0 && test -t 1 && test -t 2 && echo all-three\n')
    t.true(con.expect('/dev/pts/0\r\n'), con.seen)
    t.true(con.expect('33 101\r\n'), con.seen)
    t.true(con.expect('all-three\r\n'), con.seen)
with test('console_is_it') as t:
    con.send('echo by-name >/dev/console; echo by-tty >/dev/tty\n')
    t.true(con.expect('\nby-name\r\n') and con.expect('\nby-tty\r\n'), con.seen)
with test('resize') as t:
    con.send("""sh -c 'trap "stty size; exit" WINCH; echo tra""pped; while :; do sleep 0.05; done'\n""")
    t.true(con.expect('trapped\r\n'), con.seen)
    con.resize(40, 120)
    t.true(con.expect('40 120\r\n'), con.seen)
with test('interrupt') as t:
    con.send('sleep 1000\n')
    time.sleep(0.5)
    con.send('\x03')
    con.send('echo go""es-on\n')
    t.true(con.expect('goes-on\r\n'), con.seen)
with test('job_control') as t:
    con.send('sleep 1000\n')
    time.sleep(0.5)
    con.send('\x1a')
    con.send('jobs; kill -9 %1; wait; echo jo""bs-done\n')
    t.true(con.expect('Stopped') and con.expect('jobs-done\r\n'), con.seen)

with test('exec_detached') as t:
    x = Console(box) if not os.path.exists(con.path) else None
    os.rename(con.path, con.path + '.first')
    x = Console(box)
    with open(box.dir + '/p', 'w') as f:
        json.dump({'args': ['sh', '-c', 'tty; stty size; read a; echo got $a; exit 6'], 'cwd': '/', 'env': ['PATH=/bin'], 'terminal': True,
                   'consoleSize': {'height': 11, 'width': 22}, 'user': {'uid': 0, 'gid': 0}}, f)
    r = box.v('exec', '--pid-file', box.dir + '/pid.x', '--process', box.dir + '/p', '--detach', '--tty', '--console-socket', x.path, 'c', detached=True)
    t.equal(r.returncode, 0, r.stderr)
    x.accept()
    t.true(x.expect('/dev/pts/1\r\n') and x.expect('11 22\r\n'), x.seen)
    x.send('word\n')
    t.true(x.expect('got word\r\n'), x.seen)
    t.equal(wait(box.pid('x')), ('exit', 6))
    x.close()
with test('names_are_free_again') as t:
    r = box.v('exec', 'c', 'sh', '-c', 'ls /dev/pts')
    t.equal(r.stdout.split(), ['0', 'ptmx'])
with test('exec_interrupt') as t:
    x = Console(box)
    with open(box.dir + '/p', 'w') as f:
        json.dump({'args': ['sh', '-c', 'trap "echo caught; exit 8" INT; echo up; while :; do sleep 0.05; done'], 'cwd': '/', 'env': ['PATH=/bin'], 'terminal': True}, f)
    r = box.v('exec', '--pid-file', box.dir + '/pid.x', '--process', box.dir + '/p', '-d', '--console-socket', x.path, 'c', detached=True)
    t.equal(r.returncode, 0, r.stderr)
    x.accept()
    x.expect('up\r\n')
    x.send('\x03')
    t.true(x.expect('caught\r\n'), x.seen)
    t.equal(wait(box.pid('x')), ('exit', 8))
    x.close()
with test('exec_hangup') as t:
    x = Console(box)
    with open(box.dir + '/p', 'w') as f:
        json.dump({'args': ['sleep', '1000'], 'cwd': '/', 'env': ['PATH=/bin'], 'terminal': True}, f)
    box.v('exec', '--pid-file', box.dir + '/pid.x', '--process', box.dir + '/p', '-d', '--console-socket', x.path, 'c', detached=True)
    x.accept()
    x.close()
    t.equal(wait(box.pid('x')), ('signal', 1), 'the master has gone')
with test('many_terminals') as t:
    for i in range(30):
        x = Console(box)
        r = box.v('exec', '--pid-file', box.dir + '/pid.x', '-t', '-d', '--console-socket', x.path, 'c', 'tty', detached=True)
        x.accept()
        t.true(x.expect('/dev/pts/1\r\n'), x.seen)
        wait(box.pid('x'))
        x.close()
with test('end') as t:
    con.send('exit 5\nexit 5\n') # the first may find that a job was stopped
    t.equal(wait(pid), ('exit', 5), con.seen)
    os.rename(con.path + '.first', con.path)
    con.close()
    t.equal(box.v('delete', 'c').returncode, 0)

with test('hangup_ends_the_shell') as t:
    con = Console(box)
    box.create('c', ['sh'], '--console-socket', con.path, change=tty)
    con.accept()
    pid = box.pid('c')
    box.v('start', 'c')
    con.send('echo u""p\n')
    con.expect('up\r\n')
    con.close()
    t.true(wait(pid)[0] in ('exit', 'signal'))
    box.v('delete', 'c')
with test('refused') as t:
    r = box.create('c', ['sh'], change=tty)
    t.equal((r.returncode, '--console-socket' in r.stderr), (1, True), r.stderr)
    r = box.create('c', ['sh'], '--console-socket', box.dir + '/nosuch')
    t.equal((r.returncode, 'has a terminal' in r.stderr), (1, True), r.stderr)
    r = box.create('c', ['sh'], '--console-socket', box.dir + '/nosuch', change=tty)
    t.equal((r.returncode, 'No such file' in r.stderr), (1, True), r.stderr)
    r = box.create('c', ['sh'], '--console-socket', box.dir + '/' + 'x' * 120, change=tty)
    t.equal((r.returncode, 'too long' in r.stderr), (1, True), r.stderr)
    t.equal(box.left(), [])
with test('nothing_is_left') as t:
    t.true(none_left())
def readonly_dev(c):
    tty(c)
    for m in c['mounts']:
        if m['destination'] == '/dev':
            m['options'].append('ro')
with test('console_on_a_readonly_dev') as t:
    if os.path.exists(con.path):
        os.remove(con.path)
    con = Console(box)
    r = box.create('ro', ['sh', '-c', 'echo on it >/dev/console; touch /dev/x 2>/dev/null || echo read-only'], '--console-socket', con.path, change=readonly_dev)
    t.equal(r.returncode, 0, r.stderr)
    con.accept()
    box.v('start', 'ro')
    t.true(con.expect('on it\r\n') and con.expect('read-only\r\n'), con.seen)
box.end()
E
