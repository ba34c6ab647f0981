#!/bin/sh
# Descriptors 0-2 are shared with processes outside: nothing of theirs changes, nobody waits for them in the host.
command -v python3 >/dev/null || { echo "1..0 # SKIP no python3"; exit 0; }
exec python3 - <<'PY'
import fcntl, os, subprocess, time

vedette = os.environ['VEDETTE']
n = 0

def result(name, good, *why):
    global n
    n += 1
    print('%s %d - %s' % ('ok' if good else 'not ok', n, name), flush=True)
    if not good:
        for w in why:
            print('#', repr(w))

def start(script, **fds):
    return subprocess.Popen([vedette, 'do', '--', 'sh', '-c', script], **fds)

def flags(fd):
    return fcntl.fcntl(fd, fcntl.F_GETFL)

# Two sandboxes and we share a pipe; whoever loses the race for a byte must not be stuck.
r, w = os.pipe()
before = flags(r)
both = [start('timeout 3 cat >/dev/null; exit 7', stdin=r) for i in range(6)]
thief = os.open('/proc/self/fd/%d' % r, os.O_RDONLY | os.O_NONBLOCK)
time.sleep(0.5)
during = flags(r)
end = time.time() + 2
while time.time() < end:
    for i in range(200):
        os.write(w, b'x')
        for j in range(i):
            pass
        try:
            os.read(thief, 1)
        except BlockingIOError:
            pass
time.sleep(4)
codes = [p.poll() for p in both]
result('who_shares_a_pipe_can_be_ended', codes == [7] * 6, codes)
result('flags_outside_stay', before == during == flags(r), before, during)
for p in both:
    p.kill()
    p.wait()
os.close(r)
os.close(w)

# A slow reader gets everything.
r, w = os.pipe()
p = start('head -c 300000 /dev/zero', stdout=w)
os.close(w)
got = 0
while True:
    time.sleep(0.01)
    data = os.read(r, 20000)
    got += len(data)
    if not data:
        break
result('slow_reader_gets_all', got == 300000 and p.wait() == 0, got)
os.close(r)

# A reader that goes away is SIGPIPE inside, and no more.
r, w = os.pipe()
p = start('cat /dev/zero; exit $?', stdout=w)
os.close(w)
os.read(r, 1000)
os.close(r)
result('reader_that_goes_is_sigpipe', p.wait() == 141, p.returncode)

# O_NONBLOCK of the caller's own is the guest's as well.
r, w = os.pipe()
fcntl.fcntl(r, fcntl.F_SETFL, flags(r) | os.O_NONBLOCK)
p = subprocess.run([vedette, 'do', '--', 'python3', '-c', '''
import os, fcntl
print(fcntl.fcntl(0, fcntl.F_GETFL) & os.O_NONBLOCK != 0)
try:
    os.read(0, 1)
except BlockingIOError:
    print("again")
'''], stdin=r, stdout=subprocess.PIPE, text=True)
result('nonblock_is_inherited', p.stdout.split() == ['True', 'again'], p.stdout)
fcntl.fcntl(r, fcntl.F_SETFL, flags(r) & ~os.O_NONBLOCK)
os.write(w, b'abc')
p = subprocess.run([vedette, 'do', '--', 'sh', '-c', 'head -c 1'], stdin=r, stdout=subprocess.PIPE)
result('no_byte_too_much_is_read', p.stdout == b'a' and os.read(r, 10) == b'bc', p.stdout)

# Programs compare their output with /dev/null, and then do less.
p = subprocess.run([vedette, 'do', '--', 'python3', '-c', '''
import os
null = os.stat("/dev/null")
for fd in 0, 1:
    there = os.fstat(fd)
    os.write(2, b"%d " % ((there.st_dev, there.st_ino) == (null.st_dev, null.st_ino)))
os.write(2, os.readlink("/proc/self/fd/1").encode() + b" %d" % os.write(1, b"xyz"))
'''], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
result('the_null_device_is_the_guest_s', p.stderr == b'1 1 /dev/null 3', p.stderr)
print('1..%d' % n)
PY
