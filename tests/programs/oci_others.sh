#!/bin/sh
# What users of crun and runc are used to: containers by a regular expression, lists in order, --env that replaces,
# socket activation, the caller's groups, files by another name, homes behind links.
command -v python3 >/dev/null || { echo "1..0 # SKIP no python3"; exit 0; }
command -v busybox >/dev/null || { echo "1..0 # SKIP no busybox"; exit 0; }
exec python3 - <<'E'
import sys; sys.dont_write_bytecode = True
sys.path.insert(0, 'tests/programs')
from ocibox import *

box = Box()
SLEEP = ['sleep', '1000']
ROOT = os.geteuid() == 0
ids = lambda: box.v('list', '-q').stdout.split()
status = lambda id: box.state(id)['status']

# Made in an order that is not theirs by name.
pids = {i: box.started(i, SLEEP) for i in ('web-2', 'db', 'web-10', 'web-1', 'app')}
with test('list_in_order') as t:
    t.equal(ids(), ['app', 'db', 'web-1', 'web-10', 'web-2'])
    t.equal([l.split()[0] for l in box.v('list').stdout.splitlines()[1:]], ids())
    t.equal([c['id'] for c in json.loads(box.v('list', '-f', 'json').stdout)], ids())
with test('kill_by_pattern') as t:
    r = box.v('kill', '--regex', '^web-[0-9]$', 'KILL')
    t.equal((r.returncode, r.stderr), (0, ''))
    t.equal([wait(pids[i]) for i in ('web-1', 'web-2')], [('signal', 9)] * 2)
    t.equal([status(i) for i in ids()], ['running', 'running', 'stopped', 'running', 'stopped'])
    r = box.v('kill', '-r', '^web', 'KILL')
    t.equal((r.returncode, r.stderr), (0, ''), 'those that do not run are no error')
    t.equal(wait(pids['web-10']), ('signal', 9))
    t.equal(box.v('kill', 'web-1', 'KILL').returncode, 1, 'without it they are')
with test('delete_by_pattern') as t:
    r = box.v('delete', '--regex', 'b')
    t.equal(r.returncode, 1, 'db runs')
    t.has(r.stderr, 'cannot delete container db')
    t.equal(ids(), ['app', 'db'], 'the others have gone all the same')
    r = box.v('delete', '--regex', 'nobody')
    t.equal((r.returncode, r.stderr, ids()), (0, '', ['app', 'db']))
    r = box.v('delete', '--regex', '(')
    t.equal(r.returncode, 1)
    t.has(r.stderr, "'(' is no regular expression")
    r = box.v('delete', '-f', '-r', 'a|d')
    t.equal((r.returncode, r.stderr, ids()), (0, '', []))
    t.equal([wait(pids[i]) for i in ('app', 'db')], [('signal', 9)] * 2)
with test('id_is_no_pattern_by_itself') as t:
    pid = box.started('a.c', SLEEP)
    t.equal(box.v('kill', 'a..', 'KILL').returncode, 1)
    t.equal(box.v('delete', '--force', '...').returncode, 0)
    t.equal(ids(), ['a.c'])
    box.v('delete', '--force', 'a.c')
    wait(pid)

def change(c):
    c['process']['env'] = ['PATH=/bin', 'A=old', 'AB=stays']
pid = box.started('c', SLEEP, change=change)
def ex(*args, **kw):
    return box.v('exec', *args, **kw)
with test('exec_env_replaces') as t:
    r = ex('--env', 'A=new', '-e', 'B=1', '-e', 'B=2', '-e', 'PATH=/bin:/etc', 'c', 'env')
    t.equal(sorted(l for l in r.stdout.splitlines() if l[0] in 'AB' or l.startswith('PATH')), ['A=new', 'AB=stays', 'B=2', 'PATH=/bin:/etc'])
def capabilities(*args):
    text = ex(*args, 'c', 'cat', '/proc/self/status').stdout
    return {l.split()[0][3:6]: int(l.split()[1], 16) for l in text.splitlines() if l.startswith('Cap')}
with test('exec_capability') as t:
    own, one = capabilities(), 1 << 19
    with_it = capabilities('--cap', 'CAP_SYS_PTRACE')
    t.equal({k: with_it[k] & ~own[k] for k in own}, {'Inh': 0, 'Prm': one, 'Eff': one, 'Bnd': one, 'Amb': 0})
    r = ex('--cap', 'CAP_NONSENSE', 'c', 'echo', 'ran')
    t.equal((r.returncode, r.stdout), (0, 'ran\n'), r.stderr)
    t.has(r.stderr, "unknown capability 'CAP_NONSENSE', ignored")
with test('exec_tty_false') as t:
    for arg in ('--tty=false', '--tty=no', '--tty=0'):
        t.equal(ex(arg, 'c', 'sh', '-c', 'test -t 1 || echo none').stdout, 'none\n', arg)
    t.equal(ex('--tty=maybe', 'c', 'true').returncode, 2)
box.v('delete', '--force', 'c')
wait(pid)

with test('home_behind_links') as t:
    etc = box.dir + '/rootfs/etc'
    os.makedirs(box.dir + '/rootfs/usr/share')
    os.rename(etc + '/passwd', box.dir + '/rootfs/usr/share/passwd')
    for link in ('../usr/share/passwd', '/usr/share/passwd', '../../../../usr/share/passwd'):
        os.symlink(link, etc + '/passwd')
        def user(c):
            c['process']['user'] = {'uid': 1000, 'gid': 7}
        box.config(['sh', '-c', 'echo $HOME'], user)
        t.equal(box.v('run', '--bundle', box.dir, 'h').stdout, '/home/ann\n', link)
        os.remove(etc + '/passwd')
    # What a link names is not looked for on the host.
    with open(box.dir + '/outside', 'w') as f:
        f.write('ann:x:1000:1000::/stolen:/bin/sh\n')
    for link in (box.dir + '/outside', '../../outside'):
        os.symlink(link, etc + '/passwd')
        t.equal(box.v('run', '--bundle', box.dir, 'h').stdout, '/\n', link)
        os.remove(etc + '/passwd')
    os.rename(box.dir + '/rootfs/usr/share/passwd', etc + '/passwd')

with test('spec_by_another_name') as t:
    t.equal(box.v('spec', '--bundle', box.dir, '-f', 'other.json').returncode, 0)
    t.equal(json.loads(box.read('other.json'))['process']['args'], ['sh'])
    t.equal(box.v('spec', '--bundle', '/nowhere', '--config', box.dir + '/third.json').returncode, 0)
    t.equal(box.read('third.json'), box.read('other.json'))
    r = box.v('spec', '--bundle', box.dir, '-f', 'other.json')
    t.equal(r.returncode, 1)
    t.has(r.stderr, 'other.json exists')
    with open(box.dir + '/other.json', 'w') as f:
        c = json.loads(json.dumps(box.default))
        c['process']['args'] = ['echo', 'other']
        json.dump(c, f)
    t.equal(box.v('run', '--bundle', box.dir, '-f', 'other.json', 'o').stdout, 'other\n')

with test('update_without_resctrl') as t:
    for o in ('--l3-cache-schema', '--mem-bw-schema'):
        r = box.v('update', o, 'L3:0=f', 'any')
        t.equal(r.returncode, 2)
        t.has(r.stderr, '/sys/fs/resctrl')

# Descriptors from 3 on are ready for a program that systemd would have started.
def activated(args, env, fds, *more):
    box.config(args)
    def set_up():
        for i, fd in enumerate(fds):
            os.dup2(fd, 100 + i)
        for i in range(3, 100):
            try:
                os.close(i)
            except OSError:
                pass
        for i in range(len(fds)):
            os.dup2(100 + i, 3 + i)
    e = {k: v for k, v in os.environ.items() if not k.startswith('LISTEN_')}
    return box.v('run', '--bundle', box.dir, *more, 'a', env={**e, **env}, preexec_fn=set_up, close_fds=False)
with test('socket_activation') as t:
    r, w = os.pipe()
    os.write(w, b'through\n')
    null = os.open('/dev/null', os.O_RDONLY)
    show = ['sh', '-c', 'echo $LISTEN_FDS $LISTEN_PID $$ $LISTEN_FDNAMES; for f in 3 4 5; do test -e /proc/self/fd/$f && echo $f; done; head -n 1 <&3']
    p = activated(show, {'LISTEN_FDS': '1', 'LISTEN_FDNAMES': 'web'}, [r])
    t.equal(p.stdout, '1 1 1 web\n3\nthrough\n', p.stderr)
    os.write(w, b'more\n')
    p = activated(show, {'LISTEN_FDS': '1', 'LISTEN_PID': '1'}, [r, null], '--preserve-fds', '1')
    t.equal(p.stdout, '1 1 1\n3\n4\nmore\n', 'those of --preserve-fds are behind them ' + p.stderr)
    p = activated(show, {'LISTEN_FDS': '1'}, [r], '--preserve-fds', '1')
    t.equal(p.returncode, 2)
    t.has(p.stderr, 'descriptor 4 is not open')
    look = ['sh', '-c', 'env | grep LISTEN_; test -e /proc/self/fd/3 || echo closed']
    for env in ({'LISTEN_FDS': '1', 'LISTEN_PID': '2'}, {'LISTEN_FDS': 'x'}, {'LISTEN_FDS': '0'}, {'LISTEN_FDS': '-1'}, {'LISTEN_FDS': '1', 'LISTEN_PID': ''}):
        t.equal(activated(look, env, [r]).stdout, 'closed\n', 'not for us: %r' % env)
    # Announced, but closed: nothing of ours gets its place.
    t.equal(activated(look, {'LISTEN_FDS': '2'}, []).stdout, 'LISTEN_FDS=2\nLISTEN_PID=1\nclosed\n')
    for fd in (r, w, null):
        os.close(fd)

if ROOT:
    with test('callers_groups') as t:
        def keep(c):
            c['annotations'] = {'run.oci.keep_original_groups': '1'}
            c['process']['user'] = {'uid': 0, 'gid': 0, 'additionalGids': [77]}
        groups = ['sh', '-c', 'grep Groups /proc/self/status']
        box.config(groups, keep)
        p = box.v('run', '--bundle', box.dir, 'g', preexec_fn=lambda: os.setgroups([5, 6]))
        t.equal(sorted(p.stdout.split()), ['5', '6', '77', 'Groups:'], p.stderr)
        box.config(groups)
        p = box.v('run', '--bundle', box.dir, 'g', preexec_fn=lambda: os.setgroups([5, 6]))
        t.equal(p.stdout.split(), ['Groups:'], 'not without it')
        def mapped(c):
            keep(c)
            del c['process']['user']['additionalGids']
            c['linux']['namespaces'].append({'type': 'user'})
            c['linux']['uidMappings'] = c['linux']['gidMappings'] = [{'containerID': 0, 'hostID': 0, 'size': 1}, {'containerID': 1, 'hostID': 6, 'size': 1}]
        box.config(groups, mapped)
        p = box.v('run', '--bundle', box.dir, 'g', preexec_fn=lambda: os.setgroups([5, 6]))
        t.equal(sorted(p.stdout.split()), ['1', '65534', 'Groups:'], p.stderr)

with test('nothing_is_left') as t:
    t.true(none_left())
    t.equal(box.left(), [])
box.end()
E
