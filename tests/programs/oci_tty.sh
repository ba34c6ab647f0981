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

def script(text):
    return Terminal([vedette, 'do', '--', '/bin/bash', '-c', text])

t = script('test -t 0 && test -t 1 && test -t 2 && echo yes; tty; stty size; echo end')
fcntl.ioctl(t.fd, termios.TIOCSWINSZ, struct.pack('HHHH', 33, 77, 0, 0))
result('is_a_terminal', t.expect('yes'), t.seen)
t.expect('end')
t.close()

t = script('sleep 0.3; stty size; trap "stty size; exit" WINCH; echo ready; while :; do sleep 0.05; done')
fcntl.ioctl(t.fd, termios.TIOCSWINSZ, struct.pack('HHHH', 33, 77, 0, 0))
result('window_size', t.expect('33 77'), t.seen)
t.expect('ready')
fcntl.ioctl(t.fd, termios.TIOCSWINSZ, struct.pack('HHHH', 20, 40, 0, 0))
result('window_changes', t.expect('20 40'), t.seen)
t.close()

t = script('trap "echo caught; exit 3" INT; echo ready; cat; :')
t.expect('ready')
time.sleep(1) # bash must be waiting for cat: a trap that is due before it starts it waits too
t.send('\x03')
result('ctrl_c', t.expect('caught'), t.seen)
t.close()
t = script('trap "echo caught; exit 3" QUIT; echo ready; cat; :')
t.expect('ready')
time.sleep(1) # bash must be waiting for cat: a trap that is due before it starts it waits too
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
outer.send('stty sane; "%s" do -- sh -c "stty raw -echo; echo raw; while :; do :; done"; stty -a | grep -o -- "-*icanon"\n' % vedette)
outer.expect(r'raw\s')
time.sleep(0.3)

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
outer.send('"%s" do -- sh -c "echo started; sleep 1; echo finished"\n' % vedette)
outer.expect(r'\nstarted')
time.sleep(0.3)
outer.send('\x1a')
result('ctrl_z_stops_the_job', outer.expect('Stopped'), outer.seen)
outer.expect('outer> ')
outer.send('jobs -l\n')
outer.expect('outer> ')
time.sleep(1.5)
outer.send('echo nothing-$((1+1))\n')
outer.expect('nothing-2')
quiet = 'finished' not in outer.seen
outer.send('fg\n')
result('fg_continues_it', outer.expect(r'\nfinished') and quiet, outer.seen)
outer.expect('outer> ')
outer.send('"%s" do -- sh -c "sleep 0.5; echo background-$((2+3))" &\n' % vedette)
result('background_job', outer.expect('background-5'), outer.seen)
outer.send('wait; echo status-$?\n')
result('background_job_ends', outer.expect('status-0'), outer.seen)

# A shell inside has jobs of its own.
outer.send('PS1="inner> " "%s" do -- /bin/bash --norc -i\n' % vedette)
result('shell_inside', outer.expect('inner> '), outer.seen)
result('no_job_control_complaint', 'no job control' not in outer.seen, outer.seen)
outer.send('sleep 50\n')
time.sleep(0.7)
outer.send('\x1a')
result('ctrl_z_inside', outer.expect('Stopped') and outer.expect('inner> '), outer.seen)
outer.send('jobs\n')
result('jobs_inside', outer.expect(r'Stopped\s+sleep 50'), outer.seen)
outer.expect('inner> ')
outer.send('fg\n')
time.sleep(0.5)
outer.send('\x03')
result('ctrl_c_ends_the_job_only', outer.expect('inner> '), outer.seen)
outer.send('cat | cat\n')
time.sleep(0.5)
outer.send('piped\n')
result('pipeline_reads_the_terminal', outer.expect('piped') and outer.expect('piped'), outer.seen)
outer.send('\x04')
outer.expect('inner> ')
outer.send('exit 4\n')
outer.expect('outer> ')
outer.send('echo status-$?\n')
result('shell_inside_ends', outer.expect('status-4'), outer.seen)
outer.close()
print('1..%d' % n)
PY
