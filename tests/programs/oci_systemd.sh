#!/bin/sh
# --systemd-cgroup, asked of a real systemd: pid 1 of namespaces of its own, with nothing of this machine's
# units. Once over cgroup v2 alone, once over v1's hierarchies where this machine has them.
command -v python3 >/dev/null || { echo "1..0 # SKIP no python3"; exit 0; }
command -v busybox >/dev/null || { echo "1..0 # SKIP no busybox"; exit 0; }
[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP not root"; exit 0; }
[ -x /lib/systemd/systemd ] && command -v dbus-daemon >/dev/null || { echo "1..0 # SKIP no systemd and dbus"; exit 0; }
exec python3 - <<'E'
import os, subprocess, sys, tempfile

ME = 'vedette-systemd-%d' % os.getpid()
UNITS = {
    'dbus.socket': '[Socket]\nListenStream=/run/dbus/system_bus_socket\n',
    'dbus.service': '[Service]\nType=notify\nStandardOutput=null\nStandardError=null\nOOMScoreAdjust=0\n'
                    'ExecStart=/usr/bin/dbus-daemon --system --address=systemd: --nofork --nopidfile --systemd-activation\n',
    # What a session of an ordinary user has.
    'manager.service': '[Service]\nType=notify\nUser=%(user)s\nDelegate=yes\nStandardOutput=null\nStandardError=null\n'
                       'Environment=XDG_RUNTIME_DIR=/run/user/%(user)s HOME=/run/user/%(user)s\n'
                       'ExecStartPre=+/usr/bin/install -d -m700 -o %(user)s /run/user/%(user)s\n'
                       'ExecStart=/lib/systemd/systemd --user --unit=idle.target\n',
    'idle.target': '[Unit]\nAllowIsolate=yes\n',
    'exit.target': '[Unit]\n',
    'shutdown.target': '[Unit]\n',
    'test.service': '[Unit]\nRequires=dbus.socket\nAfter=dbus.socket\nSuccessAction=exit-force\nFailureAction=exit-force\n'
                    '[Service]\nType=oneshot\nTimeoutStartSec=900\nWorkingDirectory=%(cwd)s\n'
                    'Environment="VEDETTE=%(vedette)s" "VEDETTE_PLATFORM=%(platform)s" MODE=%(mode)s TEST_USER=%(user)s\n'
                    'StandardOutput=file:%(out)s\nStandardError=file:%(out)s\nExecStart=/usr/bin/python3 -B tests/programs/systemd_box.py\n',
}
BOOT = r'''
set -e
mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
for d in /etc/systemd /lib/systemd/system-generators /lib/systemd/user-generators; do
    [ ! -d $d ] || mount -t tmpfs tmpfs $d
done
mount --bind "$1" /lib/systemd/system
mount --bind "$1" /usr/lib/systemd/user
umount -R /sys/fs/cgroup
if [ "$2" = v2 ]; then
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
else
    mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
    for c in $3; do
        mkdir /sys/fs/cgroup/${c#name=}
        case $c in name=*) c=none,$c ;; esac
        mount -t cgroup -o $c cgroup /sys/fs/cgroup/${c#none,name=}
    done
fi
export container=vedette-test
exec /lib/systemd/systemd --system --unit=test.service --show-status=0 --log-target=null </dev/null >/dev/null 2>&1
'''

def hierarchies():
    v1, v2 = {}, None
    with open('/proc/self/mountinfo') as f:
        for line in f:
            w = line.split()
            kind, options = w[w.index('-') + 1], w[-1].split(',')
            if kind == 'cgroup2':
                v2 = v2 or w[4]
            elif kind == 'cgroup':
                names = [o for o in options if o not in ('rw', 'ro', 'xattr', 'noprefix', 'clone_children')]
                v1.setdefault(','.join(names), w[4])
    return v1, v2

V1, V2 = hierarchies()

# A group that is a root to who is in it when cgroup namespaces are made.
def enter():
    for d in list(V1.values()) + [V2] * bool(V2):
        d += '/' + ME
        os.makedirs(d, exist_ok=True)
        for f in ('cpuset.cpus', 'cpuset.mems'):
            if os.path.exists(d + '/' + f) and not os.path.exists(d + '/cgroup.controllers'):
                with open(os.path.dirname(d) + '/' + f) as a, open(d + '/' + f, 'w') as b:
                    b.write(a.read())
        with open(d + '/cgroup.procs', 'w') as f:
            f.write('0')

def remove():
    for d in list(V1.values()) + [V2] * bool(V2):
        for path, dirs, files in os.walk(d + '/' + ME, topdown=False):
            try:
                os.rmdir(path)
            except OSError:
                pass

def hand_on():
    try:
        with open(V2 + '/cgroup.controllers') as f, open(V2 + '/cgroup.subtree_control', 'w') as g:
            g.write(' '.join('+' + c for c in f.read().split()))
    except OSError:
        pass

def boot(mode):
    with tempfile.TemporaryDirectory() as d:
        os.chmod(d, 0o755)
        os.mkdir(d + '/units', 0o755)
        words = {'cwd': os.getcwd(), 'vedette': os.path.abspath(os.environ['VEDETTE']), 'mode': mode, 'out': d + '/out', 'user': 65534,
                 'platform': os.environ.get('VEDETTE_PLATFORM', '')}
        for name, text in UNITS.items():
            text = text % words
            with open(d + '/units/' + name, 'w') as f:
                f.write('[Unit]\nDefaultDependencies=no\n' + text.replace('[Unit]\n', '', 1) if text.startswith('[Unit]') else '[Unit]\nDefaultDependencies=no\n' + text)
        try:
            subprocess.run(['unshare', '-m', '-p', '-f', '--kill-child', '-C', '-i', '-u', 'sh', '-c', BOOT, 'sh', d + '/units', mode, ' '.join(V1)],
                           preexec_fn=enter, timeout=900, start_new_session=True)
            with open(d + '/out') as f:
                return f.read()
        except (OSError, subprocess.TimeoutExpired) as e:
            return '# %s\n' % e
        finally:
            remove()

modes = ['v2'] * bool(V2) + ['v1'] * any('name=systemd' in c for c in V1)
if not modes:
    print('1..0 # SKIP no cgroups that a systemd could have')
    sys.exit()
if V2 and not V1:
    hand_on()
count = 0
for mode in modes:
    said = boot(mode)
    if '1..' not in said:
        count += 1
        print('not ok %d - %s_systemd_ran_the_tests' % (count, mode))
    for line in said.splitlines():
        if line.startswith(('ok ', 'not ok ')):
            count += 1
            head, name = line.split(' - ', 1)
            line = '%s %d - %s_%s' % (head.rsplit(' ', 1)[0], count, mode, name)
        if not line.startswith('1..'):
            print(line)
print('1..%d' % count)
E
