# What the tests of pods share: containers in the sandbox of another one.
from ocibox import *

CRI = ('io.kubernetes.cri.container-type', 'io.kubernetes.cri.sandbox-id')
CRIO = ('io.kubernetes.cri-o.ContainerType', 'io.kubernetes.cri-o.SandboxID')
SLEEP = ['sleep', '1000']

class Pod(Box):
    def __init__(self):
        super().__init__()
        self.base = self.dir + '/rootfs'

    # Below our own; others may run such a test now, with the same names.
    def group(self, id, c):
        if os.geteuid() == 0:
            c['linux']['cgroupsPath'] = 'vedette-pod-%d-%s' % (os.getpid(), id)

    # A root of its own: a copy, so that what one writes the other has not.
    def rootfs(self, id):
        r = self.dir + '/rootfs.' + id
        if not os.path.exists(r):
            shutil.copytree(self.base, r, symlinks=True)
            with open(r + '/etc/whose', 'w') as f:
                f.write(id + '\n')
        return r

    def first(self, id='pause', args=SLEEP, names=CRI, run=True, change=None):
        def both(c):
            c['root']['path'] = self.rootfs(id)
            c['hostname'] = 'podhost'
            c['annotations'] = {names[0]: 'sandbox', names[1]: id}
            self.group(id, c)
            if change:
                change(c)
        pid = self.created(id, args, change=both)
        if run:
            self.started_ok(id)
        return pid

    def started_ok(self, id):
        r = self.v('start', id)
        assert r.returncode == 0, r.stderr

    def joining(self, id, of, names=CRI, change=None, shared=('ipc', 'network', 'uts')):
        host = self.pid(of)
        files = {'network': 'net', 'ipc': 'ipc', 'uts': 'uts', 'pid': 'pid'}
        def both(c):
            c['root']['path'] = self.rootfs(id)
            c.pop('hostname', None)
            c['annotations'] = {names[0]: 'container', names[1]: of} if names else {}
            for n in c['linux']['namespaces']:
                if n['type'] in shared:
                    n['path'] = '/proc/%d/ns/%s' % (host, files[n['type']])
            self.group(id, c)
            if change:
                change(c)
        return both

    def member(self, id, args=SLEEP, of='pause', run=True, **kw):
        pid = self.created(id, args, change=self.joining(id, of, **kw))
        if run:
            self.started_ok(id)
        return pid

    def sh(self, id, script, **kw):
        return self.v('exec', id, 'sh', '-c', script, **kw)

def named(pid, name):
    return [p for p, n in children(pid) if n == name]
