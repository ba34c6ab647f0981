#!/bin/sh
# kill -9 of the CLI, the sentry, the gofer or a stub at random moments: nothing is left over.
# VEDETTE_KILLS: how often in all (20); VEDETTE_SEED: which moments; VEDETTE_PREFIX: a command
# that executes vedette, such as `oldhost 3.6 --'.
command -v python3 >/dev/null || { echo "1..0 # SKIP no python3"; exit 0; }
exec python3 - <<'E'
import ctypes, os, random, signal, subprocess, sys, time

vedette = os.environ.get('VEDETTE_PREFIX', '').split() + [os.environ['VEDETTE']]
kills = int(os.environ.get('VEDETTE_KILLS', 20))
seed = int(os.environ.get('VEDETTE_SEED', random.randrange(1 << 30)))
random.seed(seed)
print('# seed', seed)
# Whatever a dead parent leaves behind becomes our child.
libc = ctypes.CDLL(None)
libc.prctl(36, 1, 0, 0, 0)
# Mounts and files of our own, where we may: what others on this machine do is not seen.
NEWNS, REC, PRIVATE = 0x20000, 1 << 14, 1 << 18
if libc.unshare(NEWNS) == 0:
    libc.mount(None, b'/', None, REC | PRIVATE, None)
    libc.mount(b'shm', b'/dev/shm', b'tmpfs', 0, b'mode=1777')

WORK = '(while :; do /bin/true; done) & (while :; do echo x | cat >/dev/null; done) & while :; do sleep 0.01; done'

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
            if int(f[1]) == pid and f[0] != 'Z':
                found.append((int(d), name))
    return found

# Those that run a guest have memory; the zygote and the spare one have next to none.
def guest_stubs(sentry):
    found = []
    for pid, _ in children(sentry):
        with open('/proc/%d/status' % pid) as f:
            if any(l.startswith('VmRSS') and int(l.split()[1]) > 500 for l in f):
                found.append(pid)
    return sorted(found)

def mounts():
    with open('/proc/self/mountinfo') as f:
        return len(f.readlines())

# Other sandboxes on an old host make files there too, and unlink them at once.
def files():
    return set(f for f in os.listdir('/dev/shm') if f.startswith('vedette.'))

def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass

def gone(seconds):
    end = time.time() + seconds
    while time.time() < end:
        reap()
        if not children(os.getpid()):
            return True
        time.sleep(0.01)
    return False

def target(cli, what):
    if what == 'cli':
        return cli
    kids = children(cli)
    sentry = [p for p, n in kids if n in ('vedette-sentry', 'vedette')]
    gofer = [p for p, n in kids if n == 'vedette-gofer']
    if what == 'gofer':
        return gofer[0] if gofer else None
    for s in sentry:
        stubs = children(s)
        if what == 'sentry' and stubs:
            return s
        if what == 'stub' and stubs:
            return random.choice(stubs)[0]
        if what == 'zygote' and stubs:
            return min(stubs)[0]
    return None

def one(what, early):
    reap()
    p = subprocess.Popen(vedette + ['do', '--', '/bin/sh', '-c', WORK], stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(random.uniform(0, 0.06) if early else random.uniform(0.06, 0.6))
    victim = target(p.pid, what)
    if victim:
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            victim = None
    # A dead stub is one process less for the guest: the rest goes on, until the CLI is killed.
    if what == 'stub' or not victim:
        time.sleep(random.uniform(0, 0.05))
        p.kill()
    ok = gone(20)
    left = [(n, stat(c)[1][0]) for c, n in children(os.getpid())]
    if not ok:
        for c, n in children(os.getpid()):
            os.kill(c, signal.SIGKILL)
        gone(5)
    p.returncode = 0
    return ok, left

before = mounts(), files()
n = 0
for what in ('cli', 'sentry', 'gofer', 'stub'):
    bad = []
    for i in range((kills + 3) // 4):
        ok, left = one(what, i % 2)
        if not ok:
            bad.append(left)
    n += 1
    print('%s %d - kill_%s' % ('ok' if not bad else 'not ok', n, what), flush=True)
    for b in bad:
        print('# left over:', b)
end = time.time() + 2
while (mounts(), files()) != before and time.time() < end:
    time.sleep(0.1)
after = mounts(), files()
n += 1
print('%s %d - no_mount_or_file_left' % ('ok' if before == after else 'not ok', n))
if before != after:
    print('# before', before, 'after', after)

def status(what, script='while :; do :; done'):
    p = subprocess.Popen(vedette + ['do', '--', '/bin/sh', '-c', script], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    end = time.time() + 20
    while not target(p.pid, 'stub') and time.time() < end:
        time.sleep(0.05)
    time.sleep(0.2 if 'python' not in script else 1.5)
    if what == 'stub':
        os.kill(guest_stubs(target(p.pid, 'sentry'))[0], signal.SIGKILL)
    else:
        os.kill(target(p.pid, what), signal.SIGKILL)
    err = p.stderr.read().decode()
    return p.wait(), err

SLEEP = 'exec sleep 1000'
THREADS = 'exec python3 -c "import threading as t, time; t.Thread(target=time.sleep, args=(1000,)).start(); time.sleep(1000)"'
for what, code, text, script in (('sentry', 125, 'the sentry was killed by signal 9', ''),
                                 ('gofer', 125, 'the gofer was killed by signal 9', ''),
                                 ('zygote', 125, 'the process that all programs start from was killed', ''),
                                 ('zygote', 125, 'the process that all programs start from was killed', SLEEP),
                                 ('stub', 137, '', ''), ('stub', 137, '', SLEEP), ('stub', 137, '', THREADS)):
    got, err = status(what, script or 'while :; do :; done')
    n += 1
    good = got == code and text in err and len([l for l in err.splitlines() if 'warning:' not in l]) <= 1
    print('%s %d - says_%s%s' % ('ok' if good else 'not ok', n, what, '_asleep' if script else ''))
    if not good:
        print('# status', got, repr(err))
print('1..%d' % n)
E
