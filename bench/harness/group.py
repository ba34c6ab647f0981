# SPDX-License-Identifier: Apache-2.0
"""The processes of one sandbox, whoever their parents became: a cgroup where one can be made."""
import itertools
import os
import signal
import subprocess
import time

V1, V2 = "/sys/fs/cgroup/cpuacct", "/sys/fs/cgroup"
numbers = itertools.count()


def base():
    if os.path.exists(V1 + "/cpuacct.usage"):
        return V1
    return V2 if os.path.exists(V2 + "/cgroup.controllers") else None


class Group:
    """Start with popen(); cpu_ns() is None where cgroups are not ours to make."""

    def __init__(self):
        self.path = self.process = None
        if base():
            path = os.path.join(base(), f"vedette-bench-{os.getpid()}-{next(numbers)}")
            try:
                os.mkdir(path)
                self.path = path
            except OSError:
                pass

    def popen(self, command, **options):
        if self.path:
            enter = 'echo $$ >"$0/cgroup.procs" && exec "$@"'
            command = ["sh", "-c", enter, self.path] + command
        self.process = subprocess.Popen(command, **options)
        return self.process

    def cpu_ns(self):
        if not self.path:
            return None
        if os.path.exists(self.path + "/cpuacct.usage"):
            with open(self.path + "/cpuacct.usage") as f:
                return int(f.read())
        with open(self.path + "/cpu.stat") as f:
            return 1000 * int(dict(line.split() for line in f)["usage_usec"])

    def pids(self):
        """Of the cgroup and those below it, and all descendants of the first process."""
        found = set()
        for folder, _, _ in os.walk(self.path) if self.path else []:
            with open(folder + "/cgroup.procs") as f:
                found.update(int(line) for line in f)
        queue = [self.process.pid]
        while queue:
            pid = queue.pop()
            found.add(pid)
            queue += children(pid)
        return found

    def end(self):
        """Ends the sandbox by its first process, and what is left in the cgroup if that fails."""
        if self.process:
            for stream in [self.process.stdin, self.process.stdout]:
                if stream:
                    stream.close()
            try:
                self.process.wait(timeout=2)
            except subprocess.TimeoutExpired:
                self.process.terminate()
                try:
                    self.process.wait(timeout=5)
                except subprocess.TimeoutExpired:
                    self.process.kill()
                    self.process.wait()
        if self.path:
            leave(self.path)


def leave(path):
    """Kills who is left in the cgroup and removes it."""
    for _ in range(50):
        left = []
        for folder, _, _ in os.walk(path):
            with open(folder + "/cgroup.procs") as f:
                left += [int(line) for line in f]
        if not left:
            break
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.02)
    for folder, _, _ in os.walk(path, topdown=False):
        try:
            os.rmdir(folder)
        except OSError:
            pass


def children(pid):
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as f:
                found += [int(word) for word in f.read().split()]
    except OSError:
        pass
    return found
