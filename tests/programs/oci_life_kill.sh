#!/bin/sh
# kill -9 of a command, the container's host process, sentry, gofer or a stub at random moments of
# create/start/exec/kill/delete: `delete --force' takes away what is left, and then nothing is.
# VEDETTE_KILLS: how often (40); VEDETTE_SEED: which moments.
command -v python3 >/dev/null || { echo "1..0 # SKIP no python3"; exit 0; }
exec python3 - <<'E'
import ctypes, json, os, random, shutil, signal, subprocess, tempfile, time

vedette = os.environ['VEDETTE']
kills = int(os.environ.get('VEDETTE_KILLS', 40))
seed = int(os.environ.get('VEDETTE_SEED', random.randrange(1 << 30)))
random.seed(seed)
print('# seed', seed)
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # what a dead parent leaves behind becomes our child
top = tempfile.mkdtemp()
bundle, state = top + '/bundle', top + '/state'
group = '/vedette-kill-%d' % os.getpid()
SCRIPT = '(while :; do /bin/true; done) & while :; do sleep 0.01; done'

def make_bundle():
    root = bundle + '/rootfs'
    for d in ('bin', 'dev', 'proc', 'sys', 'tmp'):
        os.makedirs(root + '/' + d)
    shutil.copy('/bin/busybox', root + '/bin/busybox')
    for name in ('sh', 'sleep', 'true'):
        os.symlink('busybox', root + '/bin/' + name)
    subprocess.run([vedette, 'spec', '--bundle', bundle], check=True)
    with open(bundle + '/config.json') as f:
        spec = json.load(f)
    spec['process'].update(terminal=False, args=['/bin/sh', '-c', SCRIPT])
    if os.geteuid() == 0:
        spec['linux']['cgroupsPath'] = group + '/c'
    with open(bundle + '/config.json', 'w') as f:
        json.dump(spec, f)

def stat(pid):
    with open('/proc/%d/stat' % pid) as f:
        s = f.read()
    fields = s[s.rindex(')') + 2:].split()
    return s[s.index('(') + 1:s.rindex(')')], int(fields[1]), fields[0]

def tree():
    """{pid: (name, parent)} of all below us that live."""
    all_ = {}
    for d in os.listdir('/proc'):
        if d.isdigit():
            try:
                name, parent, how = stat(int(d))
            except (OSError, ValueError):
                continue
            if how != 'Z':
                all_[int(d)] = (name, parent)
    found, queue = {}, [os.getpid()]
    while queue:
        p = queue.pop()
        for pid, (name, parent) in all_.items():
            if parent == p and pid not in found:
                found[pid] = (name, parent)
                queue.append(pid)
    return found

def victim(kind, cli):
    if kind == 'cli':
        return cli
    t = tree()
    sentries = [p for p, (n, _) in t.items() if n == 'vedette-sentry']
    pick = {'host': [p for p, (n, _) in t.items() if n.startswith('vedette:')],
            'sentry': sentries,
            'gofer': [p for p, (n, _) in t.items() if n == 'vedette-gofer'],
            'stub': [p for p, (_, parent) in t.items() if parent in sentries]}[kind]
    return random.choice(pick) if pick else None

def command(step, ident):
    words = {'create': ['create', '--bundle', bundle, ident], 'start': ['start', ident],
             'exec': ['exec', ident, '/bin/true'], 'kill': ['kill', ident, 'KILL'],
             'delete': ['delete', '--force', ident]}[step]
    return subprocess.Popen([vedette, '--root', state] + words, stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

def finish(p):
    try:
        p.wait(timeout=60)
        return True
    except subprocess.TimeoutExpired:
        p.kill()
        p.wait()
        return False

def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass

def groups():
    found = []
    for base, dirs, _ in os.walk('/sys/fs/cgroup'):
        found += [base + '/' + d for d in dirs if group[1:] == d]
        if base.count('/') > 5:
            dirs.clear()
    return [g for g in found if os.path.isdir(g + '/c')]

def leftovers():
    end = time.time() + 20
    while True:
        reap()
        left = ['%d %s' % (p, n) for p, (n, _) in tree().items()]
        left += ['state ' + n for n in (os.listdir(state) if os.path.isdir(state) else [])]
        left += ['cgroup ' + g for g in groups()]
        with open('/proc/self/mountinfo') as f:
            left += ['mount ' + l for l in f if top in l]
        if not left or time.time() > end:
            return left
        time.sleep(0.02)

STEPS = ['create', 'start', 'exec', 'kill', 'delete']

def cycle(ident, kind, at):
    """What is left after a kill of `kind` during step `at`, or why it did not end."""
    for step in STEPS:
        p = command(step, ident)
        if step == at:
            time.sleep(random.uniform(0, 0.05))
            pid = victim(kind, p.pid)
            try:
                if pid:
                    os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if not finish(p):
            return ['%s does not end' % step]
    p = command('delete', ident)
    if not finish(p) or p.returncode != 0:
        return ['delete --force: status %s' % p.returncode]
    return leftovers()

make_bundle()
n = 0
for kind in ('cli', 'host', 'sentry', 'gofer', 'stub'):
    bad = []
    for i in range((kills + 4) // 5):
        at = STEPS[i % len(STEPS)] if kind == 'cli' else random.choice(STEPS)
        left = cycle('k%s%d' % (kind, i), kind, at)
        if left:
            bad.append((at, left))
            for pid in tree():
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
    n += 1
    print('%s %d - kill_%s' % ('ok' if not bad else 'not ok', n, kind), flush=True)
    for at, left in bad:
        print('# at %s: %s' % (at, left))
subprocess.run(['sh', '-c', 'find /sys/fs/cgroup -depth -type d -path "*%s*" -exec rmdir {} + 2>/dev/null' % group])
shutil.rmtree(top, ignore_errors=True)
print('1..%d' % n)
