#!/bin/sh
# Limits: everything inside reads the same of them, the host's cgroup enforces them, `update' changes
# them while it runs, and no cgroup is left whatever was killed when.
command -v python3 >/dev/null || { echo "1..0 # SKIP no python3"; exit 0; }
command -v busybox >/dev/null || { echo "1..0 # SKIP no busybox"; exit 0; }
exec python3 - <<'E'
import sys; sys.dont_write_bytecode = True
sys.path.insert(0, 'tests/programs')
from ocibox import *

# Where the host's memory controller is, and whether we may make groups in it: the rest of mountinfo's rules
# is the unit test's.
def groups(name):
    found = []
    with open('/proc/self/mountinfo') as f:
        for line in f:
            words = line.split()
            if words[words.index('-') + 1] in ('cgroup', 'cgroup2'):
                for d, dirs, files in os.walk(words[4]):
                    found += [os.path.join(d, x) for x in dirs if x == name or (name.endswith('*') and x.startswith(name[:-1]))]
    return found

def may():
    try:
        for line in open('/proc/self/mountinfo'):
            words = line.split()
            if words[words.index('-') + 1] in ('cgroup', 'cgroup2') and ('memory' in line.split(' - ')[1] or words[words.index('-') + 1] == 'cgroup2'):
                d = words[4] + '/vedette-may-%d' % os.getpid()
                os.mkdir(d)
                ok = os.path.exists(d + '/memory.limit_in_bytes') or os.path.exists(d + '/memory.max')
                os.rmdir(d)
                if ok:
                    return True
    except OSError:
        pass
    return False

ENFORCED = may()

def do(args, *limits, **kw):
    kw.setdefault('timeout', 120)
    return subprocess.run(VEDETTE + ['do'] + list(limits) + ['--'] + args, capture_output=True, text=True, stdin=subprocess.DEVNULL, **kw)

def sh(script, *limits, **kw):
    return do(['sh', '-c', script], *limits, **kw)

# What is still there, for a person to see.
def who():
    found = []
    for pid, name in children(os.getpid()):
        with open('/proc/%d/status' % pid) as f:
            found.append((pid, name, [l.split()[1] for l in f if l.startswith(('State', 'Threads', 'SigPnd', 'ShdPnd'))], children(pid)))
    return found

LIMITS = ['--memory=512m', '--cpus=1.5', '--pids-limit=64']
CPUS = min(2, os.cpu_count())
KB = 512 * 1024

# ---- who reads what ----

TABLE = [
    ('nproc', 'nproc', str(CPUS)),
    ('getconf', 'getconf _NPROCESSORS_ONLN', str(CPUS)),
    ('free', "free -k | awk '/^Mem/ {print $2}'", str(KB)),
    ('free_swap', "free -k | awk '/^Swap/ {print $2}'", '0'),
    ('meminfo', "awk '/^MemTotal/ {print $2}' /proc/meminfo", str(KB)),
    ('vmstat', "vmstat -s -S k | awk '/total memory/ {print $1}'", str((512 << 20) // 1000)),
    ('top', "top -b -n 1 | awk '/^MiB Mem/ {print $4}'", '512.0'),
    ('uptime', "uptime | grep -c 'load average: 0'", '1'),
    ('uptime_fresh', "awk '{print $1 < 60}' /proc/uptime", '1'),
    ('iostat', "iostat | sed -n '1s/.*(\\([0-9]*\\) CPU).*/\\1/p'", str(CPUS)),
    ('iostat_idle', "iostat -c | awk '/^ *[0-9]/ {print ($1 + $3 + $6 > 99)}'", '1'),
    ('sysinfo', "vmstat -s -S k | awk '/total swap/ {print $1}'", '0'),
    ('cpuinfo', 'grep -c ^processor /proc/cpuinfo', str(CPUS)),
    ('stat', "grep -c '^cpu[0-9]' /proc/stat", str(CPUS)),
    ('sys_online', 'cat /sys/devices/system/cpu/online', '0-%d' % (CPUS - 1) if CPUS > 1 else '0'),
    ('sys_dirs', 'ls -d /sys/devices/system/cpu/cpu[0-9]* | wc -l', str(CPUS)),
    ('allowed', "awk '/^Cpus_allowed_list/ {print $2}' /proc/self/status", '0-%d' % (CPUS - 1) if CPUS > 1 else '0'),
    ('cgroup', 'cat /proc/self/cgroup', '0::/'),
    ('memory.max', 'cat /sys/fs/cgroup/memory.max', str(512 << 20)),
    ('memory.swap.max', 'cat /sys/fs/cgroup/memory.swap.max', '0'),
    ('cpu.max', 'cat /sys/fs/cgroup/cpu.max', '150000 100000'),
    ('cpuset', 'cat /sys/fs/cgroup/cpuset.cpus.effective', '0-%d' % (CPUS - 1) if CPUS > 1 else '0'),
    ('pids.max', 'cat /sys/fs/cgroup/pids.max', '64'),
    ('java', "java -XX:+PrintFlagsFinal -XshowSettings:system -version 2>&1 | awk '/ MaxHeapSize/ {h = $4} /Effective CPU Count/ {c = $4} /Maximum Processes/ {p = $4} END {print h, c, p}'",
     '%d %d 64' % ((512 << 20) // 4, CPUS)),
    ('python', "python3 -c 'import os; print(os.cpu_count(), len(os.sched_getaffinity(0)), os.sysconf(\"SC_PHYS_PAGES\") * 4)'", '%d %d %d' % (CPUS, CPUS, KB)),
    ('node', "node -p 'os.availableParallelism?.() + \" \" + os.cpus().length + \" \" + os.totalmem()'", None),
]
for name, script, want in TABLE:
    tool = script.split()[0]
    if not shutil.which(tool):
        continue
    # What is installed may not run at all here: then it says nothing about limits.
    if tool == 'java' and subprocess.run(['java', '-version'], capture_output=True).returncode:
        continue
    with test('reads_' + name) as t:
        r = sh(script, *LIMITS)
        if name == 'node':
            t.true(r.stdout.split()[1:] == [str(CPUS), str(512 << 20)] and r.stdout.split()[0] in ('undefined', 'NaN', str(CPUS)), r.stdout + r.stderr)
        else:
            t.equal(r.stdout.strip(), want, r.stderr)

GO = 'package main\nimport "runtime"\nfunc main() { println(runtime.GOMAXPROCS(0), runtime.NumCPU()) }\n'
if shutil.which('go'):
    with test('reads_go') as t, tempfile.TemporaryDirectory() as d:
        with open(d + '/main.go', 'w') as f:
            f.write(GO)
        subprocess.run(['go', 'build', '-o', d + '/main', d + '/main.go'], check=True)
        r = do([d + '/main'], *LIMITS)
        t.has(r.stderr, '%d %d\n' % (CPUS, CPUS))

# ---- what is enforced ----

with test('a_fork_bomb_stops_at_the_limit') as t:
    r = do(['python3', '-c', '''
import os, time
made = []
try:
    while len(made) < 1000:
        p = os.fork()
        if p == 0: time.sleep(100); os._exit(0)
        made.append(p)
except OSError as e: print(len(made) + 1, e.errno, open('/sys/fs/cgroup/pids.current').read().strip(), open('/sys/fs/cgroup/pids.peak').read().strip(), open('/sys/fs/cgroup/pids.events').read().strip())
for p in made: os.kill(p, 9)
'''], '--pids-limit=64')
    t.equal(r.stdout.strip(), '64 11 64 64 max 1', r.stderr)

HOG = '''
import os
pid = os.fork()
if pid == 0:
    b = bytearray(600 << 20)
    for i in range(0, len(b), 4096): b[i] = 1
    os._exit(0)
_, st = os.waitpid(pid, 0)
events = dict(l.split() for l in open('/sys/fs/cgroup/memory.events'))
print(os.WIFSIGNALED(st) and os.WTERMSIG(st), events['oom_kill'])
'''
if ENFORCED:
    with test('a_process_that_takes_too_much_is_killed_and_counted') as t:
        r = do(['python3', '-c', HOG], '--memory=512m')
        t.equal(r.stdout.strip(), '9 1', r.stderr)
    with test('the_first_process_too') as t:
        r = do(['python3', '-c', 'b = bytearray(600 << 20)\nfor i in range(0, len(b), 4096): b[i] = 1'], '--memory=512m')
        t.equal(r.returncode, 137, r.stderr)
    with test('what_is_used_is_seen') as t:
        r = do(['python3', '-c', '''
def now(): return int(open('/sys/fs/cgroup/memory.current').read())
def free(): return int([l for l in open('/proc/meminfo') if l.startswith('MemFree')][0].split()[1])
a, f = now(), free()
b = bytearray(200 << 20)
for i in range(0, len(b), 4096): b[i] = 1
print(190 << 20 <= now() - a <= 230 << 20, 190 << 10 <= f - free() <= 230 << 10)
'''], '--memory=512m')
        t.equal(r.stdout.strip(), 'True True', r.stderr)
    with test('four_that_burn_get_what_was_given') as t:
        # The cgroup's own figure, over as long as it takes the host to hold them back.
        r = do(['python3', '-c', '''
import os, time
made = []
for i in range(4):
    made.append(os.fork())
    if made[-1] == 0:
        while True: pass
def stat(): return dict((l.split()[0], int(l.split()[1])) for l in open('/sys/fs/cgroup/cpu.stat'))
a, x = stat(), time.monotonic()
while True:
    time.sleep(0.5); b, y = stat(), time.monotonic()
    if b['nr_throttled'] > a['nr_throttled'] + 3 and y > x + 2 or y > x + 60: break
print((b['usage_usec'] - a['usage_usec']) / 1e6 / (y - x), b['nr_throttled'], b['throttled_usec'])
for p in made: os.kill(p, 9)
'''], '--cpus=0.3')
        used, throttled, usec = r.stdout.split() or ['9', '0', '0']
        t.true(float(used) < 0.4, r.stdout + r.stderr)
        t.true(int(throttled) > 0 and int(usec) > 0, r.stdout)
    with test('nothing_is_left_of_it') as t:
        t.equal(groups('vedette-do-*'), [])
    with test('a_killed_one_is_swept_by_the_next') as t:
        p = subprocess.Popen(VEDETTE + ['do', '--memory=64m', '--', 'sleep', '1000'], stdin=subprocess.DEVNULL)
        t.true(until(lambda: groups('vedette-do-%d' % p.pid) and any(n for _, n in children(p.pid))))
        p.kill(); p.wait()
        t.true(none_left(), who())
        # A zombie's other threads may still be in the group; one that can be waited for has none.
        for pid, _ in children(os.getpid(), zombies=True):
            wait(pid)
        sh('true', '--memory=64m')
        t.equal(groups('vedette-do-%d' % p.pid), [])

with test('stubs_are_picked_before_the_sentry') as t:
    p = subprocess.Popen(VEDETTE + ['do', '--', 'sh', '-c', 'echo up; exec sleep 1000'], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    p.stdout.read(3)
    sentry = [k for k, n in children(p.pid) if n != 'vedette-gofer'][0]
    def score(pid):
        with open('/proc/%d/oom_score_adj' % pid) as f:
            return int(f.read())
    own = score(os.getpid())
    t.equal(score(sentry), own)
    t.equal([score(k) for k, n in children(sentry) if n == 'vedette-stub' and score(k) != min(own + 200, 1000)], [])
    p.kill(); p.wait()
    t.true(none_left(), who())

with test('wrong_limits_are_refused') as t:
    for arg, want in (('--memory=x', 'is no size'), ('--cpus=0', 'number of CPUs'), ('--pids-limit=1x', 'is no number'), ('--memory=-5', 'is no size')):
        r = sh('true', arg)
        t.equal(r.returncode, 2, arg)
        t.has(r.stderr, want)

# ---- containers ----

box = Box()
PATH = '/vedette-test-%d/one' % os.getpid()

def limited(c):
    c['linux']['cgroupsPath'] = PATH
    c['linux']['resources'] = {'memory': {'limit': 256 << 20, 'swap': 256 << 20}, 'cpu': {'quota': 50000, 'period': 100000, 'shares': 512}, 'pids': {'limit': 30},
                               'devices': [{'allow': False, 'access': 'rwm'}]}

READ = ['sh', '-c', 'cd /sys/fs/cgroup; while :; do for i in memory.max memory.swap.max cpu.max cpu.weight pids.max; do cat $i; done >/tmp.out; nl=$(grep -c processor /proc/cpuinfo); echo "$(cat /tmp.out | tr "\\n" ,)$nl"; sleep 0.1; done']

def last(name):
    lines = box.read(name).split('\n')
    return lines[-2] if len(lines) > 1 else ''

if ENFORCED:
    with test('a_container_sits_in_its_path') as t:
        pid = box.started('c', READ, change=limited, stdout=box.open('out'))
        for p in [pid] + [k for k, _ in children(pid)]:
            with open('/proc/%d/cgroup' % p) as f:
                mine = [l.strip().split(':') for l in f]
            t.true(any(l[2].endswith(PATH) for l in mine if 'memory' in l[1].split(',') or l[1] == ''), str(mine))
        one = [g for g in groups('one') if PATH in g]
        t.true(len(one) > 0)
        files = {f: open(g + '/' + f).read().strip() for g in one for f in ('memory.limit_in_bytes', 'memory.max', 'cpu.cfs_quota_us', 'cpu.max', 'cpu.shares') if os.path.exists(g + '/' + f)}
        t.true(str(256 << 20) in files.values(), files)
        t.true('50000' in files.values() or '50000 100000' in files.values(), files)
    with test('and_sees_its_limits') as t:
        t.true(until(lambda: last('out')), box.read('out'))
        t.equal(last('out'), '%d,0,50000 100000,20,30,1' % (256 << 20))
    with test('update_by_options') as t:
        r = box.v('update', '--memory=300m', '--memory-swap=300m', '--cpu-quota=150000', '--pids-limit=40', 'c')
        t.equal(r.returncode, 0, r.stderr)
        t.true(until(lambda: last('out') == '%d,0,150000 100000,20,40,%d' % (300 << 20, CPUS)), last('out'))
    with test('update_by_json') as t:
        r = subprocess.run(VEDETTE + ['--root', box.root, 'update', '--resources', '-', 'c'], text=True, capture_output=True,
                           input='{"memory": {"limit": 209715200, "swap": 209715200, "kernel": null}, "cpu": {"shares": 1024, "cpus": ""}, "devices": null}')
        t.equal(r.returncode, 0, r.stderr)
        t.true(until(lambda: last('out') == '209715200,0,150000 100000,39,40,%d' % CPUS), last('out'))
    with test('update_lifts') as t:
        t.equal(box.v('update', '--cpu-quota=-1', '--pids-limit=-1', 'c').returncode, 0)
        t.true(until(lambda: last('out').split(',')[2:5] == ['max 100000', '39', 'max']), last('out'))
    with test('wrong_updates_change_nothing') as t:
        before = last('out')
        for text, want in (('{"memory": {"limit": -7}}', 'must be -1'), ('[]', 'must be an object'), ('{', 'line 1'), ('{"memory": {"swap": 5}}', 'resources.memory')):
            r = subprocess.run(VEDETTE + ['--root', box.root, 'update', '--resources=-', 'c'], text=True, capture_output=True, input=text)
            t.equal(r.returncode, 1, text)
            t.has(r.stderr, want)
        t.equal(box.v('update', 'absent').returncode, 1)
        time.sleep(0.3)
        t.equal(last('out').split(',')[1:], before.split(',')[1:])
    with test('delete_takes_the_group_away') as t:
        t.equal(box.v('delete', '--force', 'c').returncode, 0)
        wait(pid)
        t.equal([g for g in groups('one') if PATH in g], [])
    with test('events_tell_of_use_and_of_kills') as t:
        def roomy(c):
            limited(c)
            c['linux']['resources'] = {'memory': {'limit': 64 << 20, 'swap': 64 << 20}}
        pid = box.started('e', ['sh', '-c', 'sleep 1; sh -c "a=0123456789abcdef; while :; do a=\\$a\\$a; done"; sleep 1'], change=roomy)
        once = json.loads(box.v('events', '--stats', 'e').stdout)
        t.equal((once['type'], once['id']), ('stats', 'e'))
        t.equal(once['data']['memory']['usage']['limit'], 64 << 20)
        t.true(once['data']['cpu']['usage']['total'] > 0 and once['data']['pids']['current'] > 0, once)
        lines = [json.loads(l) for l in box.v('events', '--interval=300ms', 'e').stdout.splitlines()]
        t.equal([l['type'] for l in lines if l['type'] != 'stats'], ['oom'])
        t.true(len(lines) > 2, lines)
        t.equal(wait(pid), ('exit', 0))
        t.equal(box.v('delete', 'e').returncode, 0)
    with test('a_cgroup_that_is_not_empty_is_not_taken') as t:
        pid = box.started('one', ['sleep', '1000'], change=limited)
        r = box.create('two', ['true'], change=limited)
        t.equal(r.returncode, 1)
        t.has(r.stderr, 'cgroup is not empty')
        t.equal((r.stderr.count('\n'), box.left(), box.state('one')['status']), (1, ['one'], 'running'))
        t.equal(box.v('delete', '--force', 'two').returncode, 0)
        t.equal(box.state('one')['status'], 'running')
        r = box.v('exec', 'one', 'true')
        t.equal((r.returncode, box.v('update', '--memory', '200m', 'one').returncode), (0, 0), r.stderr)
        t.equal(box.v('delete', '--force', 'one').returncode, 0)
        wait(pid)
    with test('a_cgroup_that_is_frozen_is_not_taken') as t:
        with open('/proc/self/mountinfo') as f:
            mounts = [l.split() for l in f if ' - cgroup' in l]
        v1 = [w[4] for w in mounts if w[w.index('-') + 1] == 'cgroup' and 'freezer' in w[-1].split(',')]
        d = (v1 or [w[4] for w in mounts])[0] + PATH
        os.makedirs(d)
        with open(d + ('/freezer.state' if v1 else '/cgroup.freeze'), 'w') as f:
            f.write('FROZEN' if v1 else '1')
        r = box.create('z', ['true'], change=limited)
        with open(d + ('/freezer.state' if v1 else '/cgroup.freeze'), 'w') as f:
            f.write('THAWED' if v1 else '0')
        t.equal(r.returncode, 1)
        t.has(r.stderr, 'frozen')
        t.equal((r.stderr.count('\n'), box.left(), os.path.isdir(d)), (1, [], True))
        # Thawed, and empty, it is taken as it always was.
        pid = box.created('z', ['true'], change=limited)
        t.equal(box.v('delete', '--force', 'z').returncode, 0)
        wait(pid)
        if v1:
            os.rmdir(d)
            os.rmdir(os.path.dirname(d))
    with test('a_container_out_of_memory_ends_by_sigkill') as t:
        def small(c):
            limited(c)
            c['linux']['resources'] = {'memory': {'limit': 64 << 20, 'swap': 64 << 20}}
        pid = box.started('o', ['sh', '-c', 'a=0123456789abcdef; while :; do a=$a$a; done'], change=small)
        t.equal(wait(pid), ('signal', 9))
        t.equal(box.state('o').get('oomKills'), 1)
        t.equal(box.v('delete', 'o').returncode, 0)
    with test('who_reads_more_than_there_is_is_killed_alone') as t:
        with open(box.dir + '/rootfs/large', 'wb') as f:
            f.truncate(200 << 20)
        read = 'for i in /dev/zero /large; do dd if=$i bs=200M count=1 of=/dev/null; echo $?; done'
        pid = box.started('d', ['sh', '-c', read], change=small, stdout=box.open('out'))
        t.equal(wait(pid), ('exit', 0))
        t.equal(box.read('out'), '137\n137\n')
        t.equal(box.state('d').get('oomKills'), 2)
        t.equal(box.v('delete', 'd').returncode, 0)
        os.unlink(box.dir + '/rootfs/large')
    for stage in ('created', 'running'):
        for victim in ('host', 'vedette-gofer', 'sentry'):
            with test('nothing_is_left_after_%s_dies_%s' % (victim, stage)) as t:
                make = box.created if stage == 'created' else box.started
                pid = make('k', ['sleep', '1000'], change=limited)
                kids = children(pid)
                one = pid if victim == 'host' else [k for k, n in kids if (n == victim) == (victim == 'vedette-gofer')][0]
                os.kill(one, 9)
                wait(pid)
                t.equal(box.v('delete', '--force', 'k').returncode, 0)
                t.true(none_left(), who())
                t.equal([g for g in groups('one') if PATH in g], [])
    with test('create_that_is_killed_before_it_says_go_leaves_none') as t:
        def hooked(c):
            limited(c)
            c['hooks'] = {'createRuntime': [{'path': '/bin/sh', 'args': ['sh', '-c', 'kill -9 $PPID']}]}
        t.equal(box.create('h', ['sleep', '1000'], change=hooked).returncode, -9)
        t.true(none_left(), who())
        t.equal((box.left(), [g for g in groups('one') if PATH in g]), ([], []))
    with test('run_in_the_foreground_leaves_none') as t:
        box.config(['sh', '-c', 'cat /sys/fs/cgroup/memory.max'], limited)
        r = box.v('run', '--memory=100m', '--bundle', box.dir, 'f')
        t.equal(r.stdout, '%d\n' % (100 << 20), r.stderr)
        t.equal([g for g in groups('one') if PATH in g], [])
    with test('a_config_that_cannot_be_enforced_is_an_error') as t:
        def wrong(c):
            limited(c)
            c['linux']['resources'] = {'cpu': {'cpus': '4000-4001'}}
        r = box.create('w', ['true'], change=wrong)
        t.equal(r.returncode, 1)
        t.has(r.stderr, 'resources.cpu.cpus')
        t.equal((box.left(), [g for g in groups('one') if PATH in g]), ([], []))

# Where it runs: oci_systemd.sh.
if not os.path.isdir('/run/systemd/system'):
    with test('without_systemd_its_driver_is_an_error') as t:
        r = box.create('s', ['true'], change=lambda c: c['linux'].update(cgroupsPath='system.slice:vedette:s'), before=['--systemd-cgroup'])
        t.equal(r.returncode, 1)
        t.has(r.stderr, 'systemd does not run this host')
        t.equal((r.stderr.count('\n'), box.left()), (1, []))

box.end()
for g in groups('vedette-test-%d' % os.getpid()):
    os.rmdir(g)
