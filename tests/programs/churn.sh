#!/bin/sh
# Programs by the thousand, one after the other: the sentry neither grows nor slows down; and a
# stub killed from outside ends its guest process alone, as SIGKILL.
# CHURN: how many programs (1000).
command -v python3 >/dev/null || { echo "1..0 # SKIP no python3"; exit 0; }
exec python3 - <<'E'
import os, signal, subprocess, sys, time

vedette, n = os.environ['VEDETTE'], int(os.environ.get('CHURN', 1000))
guest = os.getcwd() + '/build/guest/churn'
done = failed = 0

def report(good, name, why=''):
    global done, failed
    done += 1
    failed += not good
    print('%s %d - %s' % ('ok' if good else 'not ok', done, name), flush=True)
    if not good:
        print('# ' + why, file=sys.stderr)

def stat(pid):
    with open('/proc/%d/stat' % pid) as f:
        s = f.read()
    return s[s.index('(') + 1:s.rindex(')')], s[s.rindex(')') + 2:].split()

def descendants(pid):
    parents = {}
    for d in filter(str.isdigit, os.listdir('/proc')):
        try:
            name, f = stat(int(d))
        except OSError:
            continue
        parents.setdefault(int(f[1]), []).append((int(d), name))
    todo, found = [pid], []
    while todo:
        for child in parents.get(todo.pop(), []):
            found.append(child)
            todo.append(child[0])
    return found

def named(pid, part):
    return [p for p, name in descendants(pid) if part in name]

def rss_kb(pid):
    try:
        with open('/proc/%d/status' % pid) as f:
            return next((int(l.split()[1]) for l in f if l.startswith('VmRSS')), 0) # 0: a zombie
    except OSError:
        return 0

def cpu(pid):
    return sum(int(x) for x in stat(pid)[1][11:13])

def fds(pid):
    try:
        return len(os.listdir('/proc/%d/fd' % pid))
    except PermissionError: # an ordinary user's sentry is not dumpable
        return 0

# Memory, the sentry's own CPU time, its descriptors and its stubs, after each tenth.
box = subprocess.Popen([vedette, 'do', '--', guest, 'loop', str(n)], stdout=subprocess.PIPE, text=True)
rows, sentry = [], None
for line in box.stdout:
    sentry = sentry or max(named(box.pid, 'vedette'), key=rss_kb)
    if line.strip().isdigit():
        rows.append((int(line), rss_kb(sentry), cpu(sentry), fds(sentry), len(descendants(sentry))))
report(box.wait() == 0 and len(rows) == 10, 'all programs run and end', 'status %d, %d lines' % (box.returncode, len(rows)))
if len(rows) == 10:
    print('# n, RSS in KiB, CPU ticks, descriptors, stubs: ' + '  '.join('%d %d %d %d %d' % r for r in rows))
    grown = rows[9][1] - rows[1][1]
    report(grown < 1024, 'the sentry does not grow', '%d KiB more' % grown)
    # Some processes may be on their way out, and one stub is kept ahead; a leak would be a hundred.
    report(all(r[i] - rows[1][i] <= 20 for r in rows for i in (3, 4)), 'it keeps no descriptors and no stubs',
           repr(rows))
    early, late = rows[4][2] - rows[0][2], rows[9][2] - rows[5][2]
    report(late <= early * 1.5 + 20, 'it does not slow down', '%d ticks, later %d' % (early, late))

# One of two processes loses its stub while its thread sleeps.
script = 'sleep 100 & p=$!; echo up; wait $p; echo $?; echo still here; /bin/echo and execs'
box = subprocess.Popen([vedette, 'do', '--', '/bin/sh', '-c', script], stdout=subprocess.PIPE, text=True)
box.stdout.readline()
time.sleep(0.3)
# Those that run a guest have memory, the shell's first; the others are spares.
victim = max(p for p in named(box.pid, 'stub') if rss_kb(p) > 500)
os.kill(victim, signal.SIGKILL)
try:
    out, _ = box.communicate(timeout=10)
except subprocess.TimeoutExpired:
    box.kill()
    out = 'hangs'
report(out == '137\nstill here\nand execs\n', 'a killed stub is a killed process, and only that', repr(out))
print('1..%d' % done)
sys.exit(failed > 0)
E
