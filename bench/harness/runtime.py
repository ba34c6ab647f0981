# SPDX-License-Identifier: Apache-2.0
"""Container runtimes by the steps that engines ask of them, under podman, and a hundred at once."""
import ctypes
import os
import shutil
import statistics
import subprocess
import threading
import time

from harness.group import children
from harness.sides import PEER, bundle, comm_of, unhide_crun

SET_CHILD_SUBREAPER = 36
STEPS = ["create", "start", "exec", "kill", "delete"]


class Runtime:
    """name, and the words in front of a command of runc's kind."""

    def __init__(self, name, words):
        self.name, self.words = name, words

    def call(self, *args, status=0):
        """Seconds it took; raises if it ends otherwise."""
        start = time.monotonic()
        got = ended(subprocess.Popen(self.words + list(args), stdin=subprocess.DEVNULL,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        took = time.monotonic() - start
        if got != status:
            raise RuntimeError(f"{self.name} {args[0]}: status {got}, not {status}")
        return took

    def remove(self, ident):
        """Whatever state it is in."""
        try:
            self.call("delete", "--force", ident)
        except RuntimeError:
            pass  # it is gone already
        reap()

    def life(self, where, ident):
        """{step: seconds} of a container that only sleeps, from create to delete."""
        took = {"create": self.call("create", "--bundle", where, ident)}
        try:
            took["start"] = self.call("start", ident)
            took["exec"] = self.call("exec", ident, "/micro", "--exit", status=7)
            took["kill"] = self.call("kill", ident, "KILL")
            start = time.monotonic()
            while True:  # who asks too early is told that it still runs
                try:
                    self.call("delete", ident)
                    break
                except RuntimeError:
                    if time.monotonic() - start > 5:
                        raise
            took["delete"] = time.monotonic() - start
        finally:
            self.remove(ident)
        return took


def ended(child, seconds=60):
    """Its status; who outlives the time is killed.

    What it leaves behind is our child, and must not stay a zombie meanwhile: runsc's `delete` waits for
    the container's first process until the host no longer knows its number.
    """
    timer = threading.Timer(seconds, child.kill)
    timer.start()
    pid = 0
    while pid != child.pid:
        pid, how = os.waitpid(-1, 0)
    timer.cancel()
    child.returncode = os.waitstatus_to_exitcode(how)
    return child.returncode


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def find(vedette, where):
    """Those that can do all steps; `where` gets a bundle whose program waits for ever."""
    ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    tries = [Runtime("vedette", [vedette]), Runtime("crun", unhide_crun() + ["crun"]),
             Runtime("runc", ["runc"]), Runtime("runsc", PEER + ["--platform=systrap"])]
    found = []
    for runtime in tries:
        try:
            runtime.life(where, f"try{os.getpid()}")
            found.append(runtime)
        except (OSError, RuntimeError, subprocess.TimeoutExpired) as e:
            print(f"skipped: {runtime.name} ({e})")
    return found


def make_bundle(where, program):
    return bundle(where, program, "--sleep")


def steps(runtimes, where, rounds=20):
    """{runtime: {step: median us}} in interleaved rounds."""
    got = {runtime.name: {step: [] for step in STEPS} for runtime in runtimes}
    for i in range(rounds):
        for runtime in runtimes:
            for step, took in runtime.life(where, f"b{os.getpid()}-{i}").items():
                got[runtime.name][step].append(took * 1e6)
    return {name: {step: statistics.median(all_) for step, all_ in by_step.items()}
            for name, by_step in got.items()}


def podman(runtimes, where, rounds=20):
    """{runtime: median us} of `podman run --rm` of a program that ends at once."""
    if not shutil.which("podman"):
        print("skipped: podman run (no podman)")
        return {}
    conf = os.path.join(where, "containers.conf")
    with open(conf, "w") as f:
        f.write('[containers]\ndefault_ulimits = ["nofile=1024:1024","nproc=1024:1024"]\n'
                '[engine]\nevents_logger = "none"\n')
    env = dict(os.environ, CONTAINERS_CONF=conf)
    commands = {}
    for runtime in runtimes:
        script = os.path.join(where, "r-" + runtime.name)
        with open(script, "w") as f:
            f.write("#!/bin/sh\nexec " + " ".join(f"'{w}'" for w in runtime.words) + ' "$@"\n')
        os.chmod(script, 0o755)
        commands[runtime.name] = ["podman", "--root", where + "/graph", "--runroot", where + "/run",
                                  "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs",
                                  "--runtime", script, "run", "--rm", "--network", "none",
                                  "--rootfs", where + "/rootfs", "/micro", "--exit"]
    took = {name: [] for name in commands}
    for i in range(rounds + 1):  # the first one is cold
        for name, command in commands.items():
            start = time.monotonic()
            done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            if done.returncode != 7:
                print(f"no number: podman run with {name}: {done.stderr.decode()[-200:]}")
                took[name] = None
            elif i and took[name] is not None:
                took[name].append((time.monotonic() - start) * 1e6)
        commands = {name: c for name, c in commands.items() if took[name] is not None}
    return {name: statistics.median(all_) for name, all_ in took.items() if all_}


def descendants():
    found, queue = [], children(os.getpid())
    while queue:
        pid = queue.pop()
        found.append(pid)
        queue += children(pid)
    return found


def pss_kb(pid):
    try:
        with open(f"/proc/{pid}/smaps_rollup") as f:
            return sum(int(line.split()[1]) for line in f if line.startswith("Pss:"))
    except OSError:
        return 0


def many(runtime, where, count=100):
    """{count, seconds, processes, total_kb, by name} of so many that sleep at once."""
    names = [f"m{os.getpid()}-{i}" for i in range(count)]
    start = time.monotonic()
    try:
        for name in names:
            runtime.call("create", "--bundle", where, name)
            runtime.call("start", name)
        took = time.monotonic() - start
        time.sleep(1)
        reap()
        pids = descendants()
        by_name = {}
        for pid in pids:
            by_name[comm_of(pid)] = by_name.get(comm_of(pid), 0) + pss_kb(pid)
        return {"count": count, "seconds": took, "processes": len(pids),
                "total_kb": sum(by_name.values()), "by_name": by_name}
    finally:
        for name in names:
            runtime.remove(name)
