# SPDX-License-Identifier: Apache-2.0
"""Interleaved rounds of the operations, and what they come down to."""
import os
import statistics
import subprocess
import time

from harness.guest import Guest

LOADED = ["pipe_pingpong", "socket_pingpong", "futex_pingpong"]


def operations(micro, only):
    lines = subprocess.run([micro, "--list"], stdout=subprocess.PIPE, check=True).stdout.decode()
    names = [line.split()[0] for line in lines.splitlines()]
    return [name for name in names if not only or name in only]


def condense(lines):
    """Of all rounds: the least minimum, the median of medians."""
    good = [line for line in lines if "error" not in line]
    if len(good) < len(lines):
        # A wrong answer once is a wrong answer.
        return {"error": next(line["error"] for line in lines if "error" in line)}
    if not good:
        return {"error": "never ran"}
    out = {"min_ns": min(line["min_ns"] for line in good), "rounds": good}
    for key in ["median_ns", "p99_ns", "cpu_ns", "host_cpu_ns"]:
        if all(key in line for line in good):
            out[key] = statistics.median(line[key] for line in good)
    return out


def run(sides, micro, ops, rounds, ms, seconds=200):
    """{op: {side: condensed}}; no round begins that would end after so many seconds."""
    begin = time.monotonic()
    guests = [Guest(side, micro) for side in sides]
    lines = {op: {side.name: [] for side in sides} for op in ops}
    try:
        for turn in range(rounds):
            spent = time.monotonic() - begin
            if turn > 0 and spent + spent / turn > seconds:
                print(f"stopped after {turn} of {rounds} rounds: this machine is busy")
                break
            for op in ops:
                # Nobody is always the first after somebody else.
                at = turn % len(guests)
                for guest in guests[at:] + guests[:at]:
                    lines[op][guest.side.name].append(guest.measure(op, ms))
    finally:
        for guest in guests:
            guest.stop()
    return {op: {name: condense(got) for name, got in by_side.items()}
            for op, by_side in lines.items()}


class Load:
    """One busy process a CPU."""

    def __enter__(self):
        self.busy = [subprocess.Popen(["sh", "-c", "while :; do :; done"])
                     for _ in range(os.cpu_count())]
        return self

    def __exit__(self, *unused):
        for process in self.busy:
            process.kill()
            process.wait()


def run_loaded(sides, micro, ops, rounds, ms):
    with Load():
        return run(sides, micro, [op for op in LOADED if op in ops], rounds, ms)
