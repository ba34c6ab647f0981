# What the tests of container commands share: a bundle, an engine's part (subreaper), TAP.
import contextlib, ctypes, json, os, random, shutil, signal, subprocess, tempfile, time, traceback

VEDETTE = os.environ.get('VEDETTE_PREFIX', '').split() + [os.environ['VEDETTE']]
APPLETS = 'sh cat echo id ls mount touch rm mkdir hostname uname stat ps env sleep kill true false dd test pwd grep head seq tty stty tr wc yes printf readlink sync'
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: as conmon and the shim
random.seed(os.environ.get('VEDETTE_SEED'))
count = 0

class Test:
    def __init__(self):
        self.bad = []

    def true(self, cond, why=''):
        if not cond:
            self.bad.append('%s: %s' % (traceback.extract_stack()[-2].line, why))

    def equal(self, got, wanted, why=''):
        if got != wanted:
            self.bad.append('%s: got %r, wanted %r %s' % (traceback.extract_stack()[-2].line, got, wanted, why))

    def has(self, text, part):
        if part not in text:
            self.bad.append('%s: %r is not in %r' % (traceback.extract_stack()[-2].line, part, text))

@contextlib.contextmanager
def test(name):
    global count
    t = Test()
    try:
        yield t
    except Exception:
        t.bad.append(traceback.format_exc())
    count += 1
    print('%s %d - %s' % ('not ok' if t.bad else 'ok', count, name), flush=True)
    for b in t.bad:
        print('# ' + b.rstrip().replace('\n', '\n# '), flush=True)

def stat(pid):
    with open('/proc/%d/stat' % pid) as f:
        s = f.read()
    return s[s.index('(') + 1:s.rindex(')')], s[s.rindex(')') + 2:].split()

def parent(pid):
    return int(stat(pid)[1][1])

def children(pid, zombies=False):
    found = []
    for d in os.listdir('/proc'):
        if d.isdigit():
            try:
                name, f = stat(int(d))
            except OSError:
                continue
            if int(f[1]) == pid and (zombies or f[0] != 'Z'):
                found.append((int(d), name))
    return found

def until(cond, seconds=30):
    end = time.time() + seconds
    while not cond():
        if time.time() > end:
            return False
        time.sleep(0.01)
    return True

def none_left():
    return until(lambda: not children(os.getpid()))

# How it ended: ('exit', status) or ('signal', number).
def wait(pid, seconds=60):
    got = []
    def done():
        p, st = os.waitpid(pid, os.WNOHANG)
        if p:
            got.append(st)
        return p
    if not until(done, seconds):
        return ('runs',)
    st = got[0]
    return ('signal', os.WTERMSIG(st)) if os.WIFSIGNALED(st) else ('exit', os.WEXITSTATUS(st))

# Waits for the end without reaping.
def zombie(pid, seconds=30):
    return until(lambda: stat(pid)[1][0] == 'Z', seconds)

class Box:
    def __init__(self):
        self.dir = tempfile.mkdtemp()
        self.root = self.dir + '/root'
        os.mkdir(self.root)
        r = self.dir + '/rootfs'
        for d in ('bin', 'etc', 'root'):
            os.makedirs(r + '/' + d)
        shutil.copy(shutil.which('busybox'), r + '/bin/busybox')
        for a in APPLETS.split():
            os.symlink('busybox', r + '/bin/' + a)
        with open(r + '/etc/passwd', 'w') as f:
            f.write('root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n')
        with open(r + '/etc/group', 'w') as f:
            f.write('root:x:0:\nann:x:1000:\nwheel:x:10:ann\n')
        with open(r + '/etc/garbage', 'wb') as f:
            f.write(b'\x7fnot a program\x00\x01')
        os.chmod(r + '/etc/garbage', 0o755)
        subprocess.run(VEDETTE + ['spec', '--bundle', self.dir], stdin=subprocess.DEVNULL, check=True)
        with open(self.dir + '/config.json') as f:
            self.default = json.load(f)
        self.default['annotations'] = {'org.example.key': 'value'}

    def end(self):
        for i in os.listdir(self.root):
            self.v('delete', '--force', i)
        shutil.rmtree(self.dir)
        print('1..%d' % count)

    def open(self, name):
        return open(self.dir + '/' + name, 'wb')

    def read(self, name):
        with open(self.dir + '/' + name) as f:
            return f.read()

    def wait_for(self, name, text):
        return until(lambda: text in self.read(name))

    # change: called with the configuration before it is written.
    def config(self, args, change=None):
        c = json.loads(json.dumps(self.default))
        c['process']['args'] = args
        if change:
            change(c)
        with open(self.dir + '/config.json', 'w') as f:
            json.dump(c, f)

    # detached: what stays keeps no pipe of ours.
    def v(self, *args, detached=False, **kw):
        kw.setdefault('stdin', subprocess.DEVNULL)
        kw.setdefault('timeout', 120)
        if detached:
            with open(self.dir + '/err', 'w+') as err:
                kw.setdefault('stdout', subprocess.DEVNULL)
                r = subprocess.run(VEDETTE + ['--root', self.root] + list(args), stderr=err, **kw)
                err.seek(0)
                r.stderr = err.read()
                return r
        return subprocess.run(VEDETTE + ['--root', self.root] + list(args), capture_output=True, text=True, **kw)

    def popen(self, *args, config=None, change=None, **kw):
        if config:
            self.config(config, change)
        return subprocess.Popen(VEDETTE + ['--root', self.root] + list(args), **kw)

    def create(self, id, args, *more, change=None, before=[], **kw):
        self.config(args, change)
        return self.v(*before, 'create', '--bundle', self.dir, '--pid-file', self.dir + '/pid.' + id, *more, id, detached=True, **kw)

    def pid(self, id):
        return int(self.read('pid.' + id))

    def created(self, id, args, *more, **kw):
        r = self.create(id, args, *more, **kw)
        assert r.returncode == 0, r.stderr
        return self.pid(id)

    def started(self, id, args, *more, **kw):
        pid = self.created(id, args, *more, **kw)
        r = self.v('start', id)
        assert r.returncode == 0, r.stderr
        return pid

    def state(self, id):
        r = self.v('state', id)
        return json.loads(r.stdout) if r.returncode == 0 else {'status': r.stderr}

    def left(self):
        return sorted(os.listdir(self.root))

# --console-socket: where an engine waits for the terminal's master.
class Console:
    def __init__(self, box):
        import socket
        self.path = box.dir + '/console'
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.bind(self.path)
        self.sock.listen(1)
        self.sock.settimeout(60)
        self.seen = b''

    def accept(self):
        import array
        c, _ = self.sock.accept()
        data, anc, _, _ = c.recvmsg(4096, 1024)
        self.fd = array.array('i', anc[0][2])[0]
        c.close()
        return data

    def resize(self, rows, columns):
        import fcntl, struct, termios
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))

    def send(self, text):
        os.write(self.fd, text.encode())

    # Reads until text has come (True), or the other side is gone.
    def expect(self, text, seconds=30):
        import select
        end = time.time() + seconds
        while text.encode() not in self.seen:
            if not select.select([self.fd], [], [], max(0, end - time.time()))[0]:
                return False
            try:
                got = os.read(self.fd, 4096)
            except OSError:
                return False
            if not got:
                return False
            self.seen += got
        return True

    def close(self):
        if hasattr(self, 'fd'):
            os.close(self.fd)
        self.sock.close()
        os.unlink(self.path)
