#!/bin/sh
# The caller's terminal inside: settings, window, signals of its keys, job control of a shell around us.
command -v python3 >/dev/null || { echo "1..0 # SKIP no python3"; exit 0; }
exec python3 - <<'PY'
import fcntl, os, pty, re, select, signal, struct, subprocess, sys, termios, time

vedette = os.environ['VEDETTE']
n = 0

def result(name, good, *why):
    global n
    n += 1
    print('%s %d - %s' % ('ok' if good else 'not ok', n, name), flush=True)
    if not good:
        for w in why:
            print('#', repr(w))

class Terminal:
    def __init__(self, argv):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ['PS1'] = 'outer> '
            os.environ['TERM'] = 'dumb'
            os.execvp(argv[0], argv)
        self.text = ''
        self.status = None

    def read(self, seconds):
        r, _, _ = select.select([self.fd], [], [], seconds)
        if not r:
            return False
        try:
            data = os.read(self.fd, 4096)
        except OSError:
            return False
        self.text += data.decode(errors='replace')
        return bool(data)

    def expect(self, what, seconds=20):
        end = time.time() + seconds
        while not re.search(what, self.text):
            if time.time() > end or (not self.read(0.5) and self.over()):
                while self.read(0.1):
                    pass
                break
        m = re.search(what, self.text)
        seen, self.text = self.text, self.text[m.end():] if m else self.text
        self.seen = seen
        return bool(m)

    def over(self):
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = status
        return self.status is not None

    def send(self, text):
        os.write(self.fd, text.encode())

    def close(self):
        try:
            os.kill(self.pid, signal.SIGKILL)
        except OSError:
            pass
        os.close(self.fd)
        if self.status is None:
            os.waitpid(self.pid, 0)

    def job(self, what, prompt):
        """True once the shell there says that of a job."""
        end = time.time() + 20
        while time.time() < end:
            self.send('jobs\n')
            if not self.expect(prompt):
                return False
            if re.search(what, self.seen):
                return True
            time.sleep(0.1)
        return False

def script(text):
    return Terminal([vedette, 'do', '--', '/bin/bash', '-c', text])

t = script('test -t 0 && test -t 1 && test -t 2 && echo yes; tty; stty size; echo end')
fcntl.ioctl(t.fd, termios.TIOCSWINSZ, struct.pack('HHHH', 33, 77, 0, 0))
result('is_a_terminal', t.expect('yes'), t.seen)
t.expect('end')
t.close()

t = script('for i in 0 1 2; do tty <&$i; done; tty </dev/tty; tty </dev/console; '
           'stat -Lc "%D %i %t:%T" /dev/fd/0 "$(tty)" /dev/console | sort -u | wc -l; ps -o tty= -p $$; echo end')
t.expect('end')
result('terminal_has_a_name', t.seen.split()[-8:] == ['/dev/pts/0'] * 4 + ['/dev/console', '1', 'pts/0', 'end'], t.seen)
t.close()
# All three come from different openings, with different rights: each use finds the one that allows it.
t = Terminal(['/bin/sh', '-c', 'tty=$(tty); exec "%s" do -- /bin/sh -c "tty; echo to-stdout; echo to-stderr >&2; echo to-tty >/dev/tty; '
              'read x </dev/tty; echo got-\\$x" <$tty >/dev/tty 2>>$tty' % vedette])
result('terminal_opened_three_times', t.expect('/dev/pts/0') and t.expect('to-stdout') and t.expect('to-stderr') and t.expect('to-tty'), t.seen)
t.send('typed\n')
result('terminal_is_read_by_name', t.expect('got-typed'), t.seen)
t.close()

t = script('read x; stty size; trap "stty size; exit" WINCH; echo ready; while :; do sleep 0.05; done')
fcntl.ioctl(t.fd, termios.TIOCSWINSZ, struct.pack('HHHH', 33, 77, 0, 0))
t.send('\n')
result('window_size', t.expect('33 77'), t.seen)
t.expect('ready')
fcntl.ioctl(t.fd, termios.TIOCSWINSZ, struct.pack('HHHH', 20, 40, 0, 0))
result('window_changes', t.expect('20 40'), t.seen)
t.close()

# The program says so itself: what bash has only forked takes the signal as bash would, and is not ended by it.
t = script('trap "echo caught; exit 3" INT; sh -c "echo ready; exec cat"; :')
t.expect('ready')
t.send('\x03')
result('ctrl_c', t.expect('caught'), t.seen)
t.close()
t = script('trap "echo caught; exit 3" QUIT; sh -c "echo ready; exec cat"; :')
t.expect('ready')
t.send('\x1c')
result('ctrl_backslash', t.expect('caught'), t.seen)
t.close()

t = script('read line; echo "<$line>"; cat; echo end')
t.send('hello\n')
result('line', t.expect('<hello>'), t.seen)
t.send('\x04')
result('ctrl_d', t.expect('end'), t.seen)
t.close()

# The settings are the host's, and put back at the end.
def lflag(fd):
    return termios.tcgetattr(fd)[3]
outer = Terminal(['/bin/bash', '--norc', '-i'])
outer.expect('outer> ')
outer.send('"%s" do -- stty -echo -icanon; stty -a | grep -o -- "-*icanon"\n' % vedette)
result('settings_are_put_back', outer.expect(r'\nicanon'), outer.seen)
outer.expect('outer> ')
outer.send('stty sane; "%s" do -- sh -c "stty raw -echo; echo raw-\\$((1+1)); while :; do :; done"; stty -a | grep -o -- "-*icanon"\n' % vedette)
outer.expect('raw-2')

def stat(pid):
    with open('/proc/%d/stat' % pid) as f:
        s = f.read()
    return s[s.index('(') + 1:s.rindex(')')], s[s.rindex(')') + 2:].split()

def find(parent, name):
    for d in os.listdir('/proc'):
        if d.isdigit():
            try:
                comm, f = stat(int(d))
            except OSError:
                continue
            if int(f[1]) == parent and comm.startswith(name):
                return int(d)
cli = find(outer.pid, 'vedette')
sentry = find(cli, 'vedette-sentry') if cli else None
if sentry:
    os.kill(sentry, signal.SIGKILL)
result('put_back_after_a_crash', sentry and outer.expect(r'\nicanon'), cli, sentry, outer.seen if sentry else '')
outer.send('\n')
outer.expect('outer> ')

# A shell around us sees one job.
outer.send('"%s" do -- sh -c "while :; do echo tick-\\$((1+1)); sleep 0.1; done"\n' % vedette)
outer.expect('tick-2')
outer.send('\x1a')
result('ctrl_z_stops_the_job', outer.expect('Stopped'), outer.seen)
outer.expect('outer> ')
outer.send('jobs -l\n')
outer.expect('outer> ')
time.sleep(1)
outer.send('echo nothing-$((1+1))\n')
outer.expect('nothing-2')
quiet = 'tick-2' not in outer.seen
outer.send('fg\n')
result('fg_continues_it', outer.expect('tick-2') and quiet, outer.seen)
outer.send('\x03')
outer.expect('outer> ')
outer.send('"%s" do -- sh -c "sleep 0.5; echo background-$((2+3))" &\n' % vedette)
result('background_job', outer.expect('background-5'), outer.seen)
outer.send('wait; echo status-$?\n')
result('background_job_ends', outer.expect('status-0'), outer.seen)

# In the background outside, nobody inside is in the foreground.
outer.send('"%s" do -- sh -c "read line; echo got-\\$line" &\n' % vedette)
result('background_job_reads', outer.expect('outer> '), outer.seen)
result('background_job_that_reads_is_stopped', outer.job('Stopped', 'outer> '), outer.seen)
outer.send('fg\n')
outer.expect('read line') # what it continues; from here on the shell outside reads nothing
outer.send('line-$((3+4))\n')
result('fg_lets_it_read', outer.expect(r'got-line-\$\(\(3\+4\)\)'), outer.seen)
outer.expect('outer> ')

# A shell inside has jobs of its own.
outer.send('PS1="inner> " "%s" do -- /bin/bash --norc -i\n' % vedette)
result('shell_inside', outer.expect('inner> '), outer.seen)
result('no_job_control_complaint', 'no job control' not in outer.seen, outer.seen)
outer.send('sh -c "trap \'echo back-\\$((1+1))\' CONT; echo up-\\$((1+1)); while :; do sleep 0.1; done"\n')
outer.expect('up-2')
outer.send('\x1a')
result('ctrl_z_inside', outer.expect('Stopped') and outer.expect('inner> '), outer.seen)
result('jobs_inside', outer.job(r'Stopped\s+sh', 'inner> '), outer.seen)
outer.send('fg\n')
outer.expect('back-2')
outer.send('\x03')
result('ctrl_c_ends_the_job_only', outer.expect('inner> '), outer.seen)
outer.send('cat &\n')
result('background_read_inside_stops', outer.job(r'Stopped\s+(\(tty input\)\s+)?cat', 'inner> '), outer.seen)
outer.send('fg\n')
outer.expect('\ncat')
outer.send('for-cat\n\x04')
result('fg_inside_reads', outer.expect('for-cat') and outer.expect('for-cat') and outer.expect('inner> '), outer.seen)
outer.send('echo free-$((4+5)) & wait\n')
result('background_write_inside', outer.expect('free-9'), outer.seen)
outer.send('stty tostop; echo held-$((5+6)) &\n')
outer.expect('inner> ')
result('tostop_inside_stops', outer.job(r'Stopped\s+(\(tty output\)\s+)?echo held', 'inner> '), outer.seen)
outer.send('stty -tostop; fg\n')
result('tostop_inside_goes_on', outer.expect('held-11'), outer.seen)
outer.send('sh -c "stty -echo; echo st-done" &\n')
result('background_settings_stop', outer.job(r'Stopped\s+(\(tty output\)\s+)?sh', 'inner> '), outer.seen)
outer.send('kill %%; wait; echo cleaned\n')
outer.expect('cleaned')
outer.expect('inner> ')
outer.send('sh -c "echo in-\\$((1+1)); exec cat" | cat\n')
outer.expect('in-2')
outer.send('piped\n')
result('pipeline_reads_the_terminal', outer.expect('piped') and outer.expect('piped'), outer.seen)
outer.send('\x04')
outer.expect('inner> ')
outer.send('exit 4\n')
outer.expect('outer> ')
outer.send('echo status-$?\n')
result('shell_inside_ends', outer.expect('status-4'), outer.seen)
outer.close()

# Nobody outside would continue it: no shell, and so no stop.
outer = Terminal(['/usr/bin/python3', '-c', '''
import os, sys, time
r, w = os.pipe()
if os.fork() == 0:
    os.setpgid(0, 0)
    child = os.getpid()
    if os.fork():
        os._exit(0)
    while os.getppid() == child:
        time.sleep(0.01)
    os.system('"%s" do -- sh -c "read x; echo status-\\$?"; echo over')
    os._exit(0)
os.wait()
while True:
    time.sleep(1)
''' % vedette])
result('orphaned_background_read_ends', outer.expect('status-1') and outer.expect('over'), outer.seen)
outer.close()
print('1..%d' % n)
PY
