#!/bin/sh
# config.json that is damaged, of the wrong types, or full of tricks: one line, status 1, nothing left, nothing on the host.
# VEDETTE_SEED: which fields get which wrong values.
command -v python3 >/dev/null || { echo "1..0 # SKIP no python3"; exit 0; }
exec python3 - "$(dirname "$0")" <<'PY'
import sys
sys.path.insert(0, sys.argv[1])
from ocibox import *
import copy

box = Box()
seed = os.environ.get('VEDETTE_SEED', str(random.randrange(1 << 30)))
random.seed(seed)
print('# seed', seed)
good = copy.deepcopy(box.default)
good['process'].update(terminal=False, args=['/bin/true'])
good['hooks'] = {'prestart': [{'path': '/bin/true', 'args': ['true'], 'env': ['A=b'], 'timeout': 5}]}
good['linux'].update(
    sysctl={'kernel.domainname': 'x'},
    resources={'memory': {'limit': 100000000}, 'pids': {'limit': 100}, 'cpu': {'quota': 100000, 'period': 100000},
               'devices': [{'allow': False, 'access': 'rwm'}]},
    devices=[{'path': '/dev/foo', 'type': 'c', 'major': 1, 'minor': 3, 'fileMode': 438, 'uid': 0, 'gid': 0}],
    seccomp={'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [
        {'names': ['mkdir'], 'action': 'SCMP_ACT_ERRNO', 'args': [{'index': 0, 'value': 1, 'op': 'SCMP_CMP_EQ'}]}]})

# None: it works; else what is wrong with how it failed.
def fault(t, text, why):
    with open(box.dir + '/config.json', 'w') as f:
        f.write(text)
    r = box.v('create', '--bundle', box.dir, 'm', detached=True)
    errors = [l for l in r.stderr.splitlines() if 'warning: ' not in l and '==' not in l]
    if r.returncode == 0:
        t.equal(errors, [], why)
        box.v('delete', '--force', 'm')
    else:
        t.equal((r.returncode, len(errors)), (1, 1), '%s: %s' % (why, errors))
    t.equal(box.left(), [], why)
    return r

def fields(o, at=()):
    for k in o if isinstance(o, dict) else range(min(len(o), 1)) if isinstance(o, list) else ():
        yield at + (k,)
        yield from fields(o[k], at + (k,))

WRONG = (None, True, -1, 1.5, 2**63 - 1, '', '\x01', 'x' * 5000, [], {}, [[]], {'a': {}})
with test('wrong_types') as t:
    for at in random.sample(list(fields(good)), 40):
        c = copy.deepcopy(good)
        o = c
        for k in at[:-1]:
            o = o[k]
        o[at[-1]] = random.choice([v for v in WRONG if type(v) != type(o[at[-1]]) or v != o[at[-1]]])
        fault(t, json.dumps(c), '%s = %.30r' % (at, o[at[-1]]))
with test('cut_short') as t:
    text = json.dumps(good, indent=1)
    for n in [0, 1] + random.sample(range(2, len(text) - 1), 10):
        t.equal(fault(t, text[:n], 'after %d' % n).returncode, 1)
with test('no_json') as t:
    for text in ('[]', '"x"', '{"a":1,"a":2}', '[' * 100000, '\x00', '{}{}'):
        t.equal(fault(t, text, text[:9]).returncode, 1)
with test('not_unicode') as t:
    with open(box.dir + '/config.json', 'wb') as f:
        f.write(b'\xff\xfe{}')
    t.equal(box.v('create', '--bundle', box.dir, 'm').returncode, 1)
with test('no_name_for_a_container') as t:
    box.config(['/bin/true'])
    for id in ('a/b', '.', '..', '', '../x', 'a' * 2000, 'a\nb', ' '):
        for args in (['create', '--bundle', box.dir], ['state'], ['delete', '--force'], ['kill']):
            r = box.v(*args, '--', id)
            t.equal((r.returncode, r.stderr.count('\n')), (1, 1), (args[0], id[:9]))
    t.has(box.v('state', 'a' * 2000).stderr, 'at most')

# Targets of mounts that lead out of the root, or nowhere.
TARGETS = ('abs/vm', 'rel/vm', 'host/new', 'up/vm', 'dangling', '../../../../tmp/vm', 'loop', 'loop/x', 'file/x', 'pr/vm', 'proc/1/root/vm',
           'proc/self/fd/3')
secret = box.dir + '/secret'
os.mkdir(secret)
rootfs = box.dir + '/rootfs/'
for name, to in (('abs', '/etc'), ('rel', '../../../../../../etc'), ('host', secret), ('up', '../../../../tmp'), ('dangling', '/nowhere/deep'), ('dangling2', '/nowhere/else'),
                 ('loop', 'loop'), ('pr', '/proc/self/root/etc')):
    os.symlink(to, rootfs + name)
open(rootfs + 'file', 'w').close()
open(box.dir + '/source', 'w').close()
before = {d: os.listdir(d) for d in (secret, '/etc', '/')}
with test('targets_of_mounts_stay_inside') as t:
    for target in TARGETS:
        fails = TARGETS.index(target) >= TARGETS.index('loop')
        for m in ({'type': 'tmpfs', 'source': 'tmpfs'}, {'type': 'bind', 'source': box.dir + '/source', 'options': ['bind', 'ro']}):
            # What the first has made is a directory.
            name = target + ('2' if m['type'] == 'bind' and not fails else '')
            c = copy.deepcopy(box.default)
            c['process'].update(terminal=False, args=['/bin/true'])
            c['mounts'].append(dict(m, destination='/' + name))
            r = fault(t, json.dumps(c), name)
            t.equal(r.returncode, int(fails), name + r.stderr)
    for d in before:
        t.equal(sorted(os.listdir(d)), sorted(before[d]))
    t.true(not os.path.lexists('/tmp/vm'))
with test('hidden_paths_stay_inside') as t:
    for what in ('maskedPaths', 'readonlyPaths'):
        for path, status in (('/../../etc/passwd', 0), ('/host/x', 0), ('/proc/self/root/etc/passwd', 0), ('/loop', 1), ('rel', 1), ('', 1)):
            c = copy.deepcopy(box.default)
            c['process'].update(terminal=False, args=['/bin/true'])
            c['linux'][what] = [path]
            t.equal(fault(t, json.dumps(c), path).returncode, status, what + path)
with test('nothing_runs') as t:
    t.true(none_left())
box.end()
PY
