# SPDX-License-Identifier: Apache-2.0
"""Container runtimes by the steps that engines ask of them, under podman, and many at once."""
import ctypes
import os
import shutil
import statistics
import subprocess
import threading
import time

from harness.footprint import activity
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


def find(vedette, where, only=None):
    """Those that can do all steps; `where` gets a bundle whose program waits for ever."""
    ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    tries = [Runtime("vedette", [vedette]), Runtime("crun", unhide_crun() + ["crun"]),
             Runtime("runc", ["runc"]), Runtime("runsc", PEER + ["--platform=systrap"])]
    found = []
    for runtime in tries:
        if only and runtime.name not in [name.split("-")[0] for name in only]:
            continue
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


def available_kb():
    with open("/proc/meminfo") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("MemAvailable:"))


def together(chains, width):
    """Runs each chain of commands in order, `width` chains at once; [(seconds, failed)] of them."""
    waiting, running, out = list(enumerate(chains)), {}, [None] * len(chains)

    def step(i, commands, start):
        child = subprocess.Popen(commands[0], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        running[child.pid] = (child, i, commands[1:], start)

    while waiting or running:
        while waiting and len(running) < width:
            step(*waiting.pop(0), time.monotonic())
        pid, how = os.waitpid(-1, 0)
        if pid not in running:
            continue  # what a command has left behind
        child, i, rest, start = running.pop(pid)
        child.returncode = os.waitstatus_to_exitcode(how)
        if child.returncode == 0 and rest:
            step(i, rest, start)
        else:
            out[i] = (time.monotonic() - start, child.returncode != 0)
    return out


def quiet(seconds):
    """What all below us do in that time."""
    pids = descendants()
    ticks, switches = activity(pids)
    time.sleep(seconds)
    after_ticks, after_switches = activity(pids)
    return {"idle_seconds": seconds, "ticks": after_ticks - ticks,
            "switches": after_switches - switches}


def many(runtime, where, count, width=4, idle_seconds=10):
    """Of so many that sleep at once: starts, memory, what they do, ends."""
    names = [f"m{os.getpid()}-{i}" for i in range(count)]
    free, start = available_kb(), time.monotonic()
    try:
        took = together([[runtime.words + ["create", "--bundle", where, name],
                          runtime.words + ["start", name]] for name in names], width)
        seconds = time.monotonic() - start
        time.sleep(3)
        reap()
        used, pids, by_name = free - available_kb(), descendants(), {}
        for pid in pids:
            by_name[comm_of(pid)] = by_name.get(comm_of(pid), 0) + pss_kb(pid)
        out = {"count": count, "width": width, "seconds": seconds, "processes": len(pids),
               "failed": sum(failed for _, failed in took), "available_kb": used,
               "first_us": statistics.median(s for s, _ in took[:20]) * 1e6,
               "last_us": statistics.median(s for s, _ in took[-20:]) * 1e6,
               "total_kb": sum(by_name.values()), "by_name": by_name}
        out.update(quiet(idle_seconds))
    finally:
        start = time.monotonic()
        together([[runtime.words + ["delete", "--force", name]] for name in names], width)
        deleted = time.monotonic() - start
        time.sleep(0.5)
        reap()
    return dict(out, delete_seconds=deleted, left=len(descendants()))
