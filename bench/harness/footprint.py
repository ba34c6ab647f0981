# SPDX-License-Identifier: Apache-2.0
"""Start-up time, memory, and what an idle sandbox costs."""
import os
import statistics
import subprocess
import time

from harness.group import Group


class Launcher:
    """A shell in a cgroup of its own: to enter one takes the host 10 ms, so it is done once."""

    def __init__(self, command):
        self.group = Group()
        self.shell = self.group.popen(
            ["sh", "-c", 'while read -r go; do "$@" </dev/null; echo "$?"; done', "sh"] + command,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.runs = []
        self.run()  # the first one is cold
        self.runs = []

    def run(self):
        """Once more, from the shell's fork to its wait."""
        cpu, start = self.group.cpu_ns(), time.monotonic()
        self.shell.stdin.write(b"\n")
        self.shell.stdin.flush()
        self.shell.stdout.readline()
        wall = (time.monotonic() - start) * 1e6
        self.runs.append((wall, (self.group.cpu_ns() - cpu) / 1e3 if cpu is not None else 0))

    def result(self):
        return {"median_us": statistics.median(wall for wall, _ in self.runs),
                "min_us": min(self.runs)[0],
                "cpu_us": statistics.median(cpu for _, cpu in self.runs)}


def startup(sides, command, rounds):
    """{side: {median_us, min_us, cpu_us}} in interleaved rounds; command None: it is in the side."""
    launchers = {side.name: Launcher(side.command(*(command or []))) for side in sides}
    for _ in range(rounds):
        for launcher in launchers.values():
            launcher.run()
    for launcher in launchers.values():
        launcher.group.end()
    return {name: launcher.result() for name, launcher in launchers.items()}


def host_calls(vedette):
    """What `vedette do -- /bin/true` asks of the host, as it says itself."""
    text = subprocess.run([vedette, "do", "--trace=summary", "--", "/bin/true"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout.decode()
    return text[text.find("host calls"):] if "host calls" in text else ""


def sleeping(side):
    group = Group()
    group.popen(side.idle, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL)
    return group


def stop(group):
    """What waits for its standard input ends by itself; sleep(1) does not."""
    group.process.stdin.close()
    try:
        group.process.wait(timeout=1)
    except subprocess.TimeoutExpired:
        group.process.terminate()
    group.end()


def comm(pid):
    with open(f"/proc/{pid}/comm") as f:
        return f.read().strip()


def pss_kb(pid):
    with open(f"/proc/{pid}/smaps") as f:
        return sum(int(line.split()[1]) for line in f if line.startswith("Pss:"))


def memory(sides):
    """{side: {total_kb, processes: [[name, kB]]}}; one sandbox at a time, for pages they share count."""
    out = {}
    for side in sides:
        group = sleeping(side)
        time.sleep(1.5)
        processes = []
        for pid in sorted(group.pids()):
            try:
                processes.append([comm(pid), pss_kb(pid)])
            except OSError:
                pass  # it ended meanwhile
        out[side.name] = {"total_kb": sum(kb for _, kb in processes), "processes": processes}
        stop(group)
    return out


def activity(pids):
    """CPU ticks and voluntary context switches of all threads so far."""
    ticks = switches = 0
    for pid in pids:
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                base = f"/proc/{pid}/task/{task}"
                with open(base + "/stat") as f:
                    fields = f.read().rsplit(")", 1)[1].split()
                    ticks += int(fields[11]) + int(fields[12])
                with open(base + "/status") as f:
                    switches += sum(int(line.split()[1]) for line in f
                                    if line.startswith("voluntary_ctxt_switches"))
        except OSError:
            pass
    return ticks, switches


def idle(sides, seconds=10):
    """{side: {ticks, switches}} over the time, all sandboxes asleep beside each other."""
    groups = [(side, sleeping(side)) for side in sides]
    time.sleep(4)
    sets = [group.pids() for _, group in groups]
    before = [(activity(pids), group.cpu_ns()) for pids, (_, group) in zip(sets, groups)]
    time.sleep(seconds)
    out = {}
    for (side, group), pids, ((ticks, switches), cpu) in zip(groups, sets, before):
        after_ticks, after_switches = activity(pids)
        out[side.name] = {"seconds": seconds, "ticks": after_ticks - ticks,
                          "switches": after_switches - switches,
                          "cpu_us": (group.cpu_ns() - cpu) / 1e3 if cpu is not None else None}
    for _, group in groups:
        stop(group)
    return out
