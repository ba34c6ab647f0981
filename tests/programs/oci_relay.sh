#!/bin/sh
# A terminal where the caller has none on standard input: run and exec make one, and pass on what is typed and written.
command -v python3 >/dev/null || { echo "1..0 # SKIP no python3"; exit 0; }
command -v busybox >/dev/null || { echo "1..0 # SKIP no busybox"; exit 0; }
exec python3 - <<'E'
import sys; sys.dont_write_bytecode = True
sys.path.insert(0, 'tests/programs')
from ocibox import *

box = Box()
def tty(c):
    c['process']['terminal'] = True
def run(script, more=None, **kw):
    def change(c):
        tty(c)
        if more:
            more(c)
    box.config(['sh', '-c', script], change)
    return box.v('run', '--bundle', box.dir, 'r', **kw)
def size(rows, columns):
    def change(c):
        c['process']['consoleSize'] = {'height': rows, 'width': columns}
    return change

with test('run_has_a_terminal') as t:
    r = run('test -t 0 && test -t 1 && test -t 2 && tty && stty size', size(33, 77))
    t.equal((r.returncode, r.stdout), (0, '/dev/pts/0\n33 77\n'), r.stderr)
with test('it_is_the_controlling_one') as t:
    r = run('echo through >/dev/tty')
    t.equal((r.returncode, r.stdout), (0, 'through\n'), r.stderr)
with test('exit_status') as t:
    t.equal(run('exit 9').returncode, 9)
with test('standard_input_is_typed') as t:
    r = run('stty -echo; echo up; read a; echo "got $a"; read b || echo ended', stdin=None, input='a word\n')
    t.has(r.stdout, 'got a word\nended\n')
with test('a_line_without_an_end') as t:
    r = run('stty -echo; cat; echo over', stdin=None, input='first\nlast')
    t.has(r.stdout, 'first\nlastover\n')
with test('much_both_ways') as t:
    lines = ''.join('%060d\n' % i for i in range(5000))
    r = run('stty -echo; echo up; cat', stdin=None, input=lines)
    t.true(r.stdout.endswith(lines[-100000:]), r.stdout[-200:])
    r = run('yes 12345678 | head -n 100000')
    t.true(r.stdout == '12345678\n' * 100000, (len(r.stdout), r.stdout[-200:]))
with test('messages_stay_on_standard_error') as t:
    box.config(['/no/such'], tty)
    r = box.v('run', '--bundle', box.dir, 'r')
    t.equal((r.returncode, r.stdout), (127, ''))
    t.equal(r.stderr.count('no such file or directory'), 1, r.stderr)
with test('signals_are_handed_on') as t:
    p = box.popen('run', '--bundle', box.dir, 'r', config=['sh', '-c', 'trap "echo caught; exit 7" TERM; echo up; while :; do sleep 0.05; done'], change=tty,
                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    t.equal(p.stdout.readline(), b'up\r\n')
    p.terminate()
    t.equal((p.stdout.read(), p.wait()), (b'caught\r\n', 7))
with test('sigkill_ends_it') as t:
    p = box.popen('run', '--bundle', box.dir, 'r', config=['sh', '-c', 'echo up; sleep 1000'], change=tty, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    p.stdout.readline()
    p.kill()
    p.wait()
    t.true(until(lambda: box.state('r')['status'] != 'running'))
    t.equal(box.v('delete', '--force', 'r').returncode, 0)
    signal.alarm(60)
    t.equal(p.stdout.read(), b'', 'nobody has its output any more')
    signal.alarm(0)
    for pid, name in children(os.getpid(), zombies=True):
        os.waitpid(pid, 0)
with test('closed_output') as t:
    p = box.popen('run', '--bundle', box.dir, 'r', config=['sh', '-c', 'read x; yes | head -n 100000; exit 3'], change=tty, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    p.stdout.close()
    p.stdin.write(b'\n')
    p.stdin.close()
    t.equal(p.wait(60), 3)

box.config(['sleep', '1000'])
t0 = box.v('run', '-d', '--pid-file', box.dir + '/pid.c', '--bundle', box.dir, 'c', detached=True)
with test('exec_has_one') as t:
    r = box.v('exec', '-t', 'c', 'sh', '-c', 'test -t 0 && test -t 1 && tty; exit 5')
    t.equal((r.returncode, r.stdout), (5, '/dev/pts/0\n'), r.stderr)
    r = box.v('exec', '--tty', 'c', 'sh', '-c', 'stty -echo; read a; echo "got $a"', stdin=None, input='typed\n')
    t.has(r.stdout, 'got typed\n')
    r = box.v('exec', '-t', 'c', '/no/such')
    t.equal((r.returncode, r.stdout), (127, ''))
    t.has(r.stderr, 'no such file or directory')
box.v('delete', '--force', 'c')
wait(box.pid('c'))
with test('nothing_is_left') as t:
    t.true(none_left())
    t.equal(box.left(), [])
box.end()
E
