#!/bin/sh
# Signals to the command line reach the container; what its processes hold on the host; idle costs nothing.
command -v python3 >/dev/null || { echo "1..0 # SKIP no python3"; exit 0; }
exec python3 - <<'PY'
import os, signal, subprocess, sys, tempfile, time

vedette = os.environ['VEDETTE']
n = 0

def result(name, good, *why):
    global n
    n += 1
    print('%s %d - %s' % ('ok' if good else 'not ok', n, name), flush=True)
    if not good:
        for w in why:
            print('#', repr(w))

def start(script, *options, **kw):
    return subprocess.Popen([vedette, *options, 'do', '--', '/bin/bash', '-c', script], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kw)

def said(err):
    return [l for l in err.splitlines() if b'warning: sanitizer build' not in l and b'executable name failed' not in l]

def stat(pid):
    with open('/proc/%d/stat' % pid) as f:
        s = f.read()
    return s[s.index('(') + 1:s.rindex(')')], s[s.rindex(')') + 2:].split()

def children(pid):
    found = []
    for d in os.listdir('/proc'):
        if d.isdigit():
            try:
                name, f = stat(int(d))
            except OSError:
                continue
            if int(f[1]) == pid:
                found.append((int(d), name))
    return found

def wait_for(cond, seconds=20):
    end = time.time() + seconds
    while time.time() < end:
        if cond():
            return True
        time.sleep(0.02)
    return False

def state(pid):
    return stat(pid)[1][0]

for sig in ('HUP', 'INT', 'QUIT', 'USR1', 'USR2', 'TERM', 'ALRM', 'WINCH', 'CONT', 'RTMIN'):
    p = start('trap "echo got; exit 9" %s; echo ready; while :; do sleep 0.05; done' % sig)
    p.stdout.readline()
    p.send_signal(getattr(signal, 'SIG' + sig))
    out, err = p.communicate(timeout=60)
    result('%s_is_handed_on' % sig.lower(), out == b'got\n' and p.returncode == 9 and not said(err), out, err, p.returncode)

for sig, code in (('TERM', 143), ('INT', 130), ('USR1', 138)):
    p = subprocess.Popen([vedette, 'do', '--', '/bin/sh', '-c', 'echo ready; exec sleep 60'], stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    p.stdout.readline()
    p.send_signal(getattr(signal, 'SIG' + sig))
    out, err = p.communicate(timeout=60)
    result('%s_ends_with_%d' % (sig.lower(), code), p.returncode == code and not said(err), p.returncode, err)

# Ignored by whoever started us: not for the container.
p = start('trap "echo got" HUP; echo ready; sleep 0.5; echo end', preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
p.stdout.readline()
p.send_signal(signal.SIGHUP)
out, err = p.communicate(timeout=60)
result('ignored_hup_stays_out', out == b'end\n', out, err)

# Job control: what stops the first process stops the command line, and SIGCONT continues both.
p = subprocess.Popen([vedette, 'do', '--', '/bin/bash', '-c', 'echo ready; for i in 1 2 3 4 5 6; do sleep 0.1; done; echo end'],
                     stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, preexec_fn=os.setpgrp)
p.stdout.readline()
p.send_signal(signal.SIGTSTP)
stopped = wait_for(lambda: state(p.pid) == 'T')
time.sleep(1)
still = state(p.pid) == 'T'
p.send_signal(signal.SIGCONT)
out, _ = p.communicate(timeout=60)
result('tstp_stops_the_command_line', stopped and still, stopped, still)
result('cont_continues_both', out == b'end\n' and p.returncode == 0, out, p.returncode)

p = start('echo ready; kill -STOP $$; echo went on')
p.stdout.readline()
stopped = wait_for(lambda: state(p.pid) == 'T')
p.send_signal(signal.SIGCONT)
out, _ = p.communicate(timeout=60)
result('stop_from_inside_too', stopped and out == b'went on\n', stopped, out)

# What each process holds on the host, with a descriptor of ours open that nobody asked for.
secret = tempfile.NamedTemporaryFile()
os.set_inheritable(secret.fileno(), True)
trace = tempfile.NamedTemporaryFile()
p = subprocess.Popen([vedette, '--log', '/dev/null', 'do', '--trace=' + trace.name, '--', '/bin/sh', '-c', 'echo ready; sleep 60 & sleep 60'],
                     stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, close_fds=False)
p.stdout.readline()
time.sleep(0.3)

def fds(pid):
    d = '/proc/%d/fd' % pid
    out = {}
    for f in os.listdir(d):
        try:
            out[int(f)] = os.readlink(os.path.join(d, f))
        except OSError:
            pass
    return out

kids = dict((name, pid) for pid, name in children(p.pid))
sentry, gofer = kids['vedette-sentry'], kids['vedette-gofer']
held = fds(sentry)
# /r0: what the gofer has opened below the root.
# signalfd: the ptrace platform hears of stubs that are killed.
# eventfds: the trap platform's workers are woken by them.
known = ('/dev/urandom', '/dev/null', '/proc/meminfo', 'anon_inode:[signalfd]', 'anon_inode:[eventfd]', trace.name)
extra = {f: t for f, t in held.items() if f > 2 and t not in known and
         not t.startswith(('socket:', '/memfd:', '/r0/'))}
result('sentry_descriptors', not extra, extra)
held = fds(gofer)
bad = {f: t for f, t in held.items() if not t.startswith('socket:') and not t.startswith(('/r', '/m', '/fd')) and
       t not in ('/', '/dev/shm', '/proc/self/fd') and not t.startswith('/proc/')}
result('gofer_descriptors', not bad, held)
stubs = children(sentry)
held = {pid: fds(pid) for pid, name in stubs}
# 3 is the control socket; under trap what wakes the sentry lies behind it, for writing only (platform/stub_filter.c).
def stub_may_hold(fd, t):
    return t.startswith('socket:') if fd == 3 else t == 'anon_inode:[eventfd]'
result('stub_descriptors', len(stubs) >= 3 and all(stub_may_hold(f, t) for h in held.values() for f, t in h.items()), held)

def status(pid, key):
    with open('/proc/%d/status' % pid) as f:
        for line in f:
            if line.startswith(key + ':'):
                return line.split(':')[1].strip()

everybody = [sentry] + [pid for pid, _ in stubs]
caps = {pid: [status(pid, k) for k in ('CapEff', 'CapPrm', 'CapInh', 'NoNewPrivs', 'Seccomp')] for pid in everybody}
zero = '0' * 16
result('no_capabilities', all(c[:4] == [zero, zero, zero, '1'] for c in caps.values()), caps)
result('sentry_has_a_filter', caps[sentry][4] == '2' or os.environ.get('VEDETTE', '').find('asan') >= 0, caps[sentry])
roots = {pid: os.listdir('/proc/%d/root/' % pid) for pid in everybody}
result('empty_roots', all(r == [] for r in roots.values()) or os.geteuid() != 0, roots)
spaces = ('user', 'pid', 'mnt', 'net', 'ipc', 'uts')
shared = [s for s in spaces if os.stat('/proc/%d/ns/%s' % (sentry, s)).st_ino == os.stat('/proc/self/ns/' + s).st_ino]
result('own_namespaces', not shared, shared)
if os.geteuid() == 0:
    result('sentry_is_nobody', status(sentry, 'Uid').split()[0] == '65534' and status(sentry, 'Groups') in ('', None), status(sentry, 'Uid'), status(sentry, 'Groups'))

# Idle: nobody wakes up.
def cost():
    total = 0
    for pid in [p.pid, gofer] + everybody:
        for t in os.listdir('/proc/%d/task' % pid):
            with open('/proc/%d/task/%s/status' % (pid, t)) as f:
                total += sum(int(l.split()[1]) for l in f if l.startswith('voluntary_ctxt'))
    return total
# A second after the last new site trap's leader forgets the decoder, once (platform/base/image.h).
time.sleep(1.5)
before = cost()
time.sleep(2)
after = cost()
result('idle_wakes_nobody', after == before, before, after)
p.terminate()
p.wait()

# Timers on CPU clocks that stand still are no exception.
p = subprocess.Popen([vedette, 'do', '--', 'python3', '-c', '''
import ctypes, resource, signal, threading, time
signal.setitimer(signal.ITIMER_PROF, 1000, 1000)
signal.setitimer(signal.ITIMER_VIRTUAL, 0.5)
resource.setrlimit(resource.RLIMIT_CPU, (100, 200))
libc = ctypes.CDLL(None)
timer = ctypes.c_void_p()
own, ts = 3, (ctypes.c_long * 4)(0, 0, 0, 300000000)
assert libc.timer_create(own, None, ctypes.byref(timer)) == 0
assert libc.timer_settime(timer, 0, ts, None) == 0
threading.Thread(target=time.sleep, args=(60,)).start()
print("ready", flush=True)
time.sleep(60)
'''], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
p.stdout.readline()
kids = dict((name, pid) for pid, name in children(p.pid))
sentry, gofer = kids['vedette-sentry'], kids['vedette-gofer']
everybody = [sentry] + [pid for pid, _ in children(sentry)]
time.sleep(2)
before = cost()
time.sleep(2)
after = cost()
result('cpu_timers_of_who_sleeps_wake_nobody', after == before, before, after)
p.kill()
p.wait()
print('1..%d' % n)
PY
