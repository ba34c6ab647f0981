# SPDX-License-Identifier: Apache-2.0
"""Tables for people.  All numbers are in the JSON beside them."""
import os

PEER = "runsc-systrap"


def targets():
    """{op: (at most this to native, to the peer)} from bench/targets."""
    path = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "targets")
    out = {}
    with open(path) as f:
        for line in f:
            words = line.split("#")[0].split()
            if words:
                out[words[0]] = (float(words[1]), float(words[2]))
    return out


def median(results, op, side):
    return results[op].get(side, {}).get("median_ns")


def ratio(a, b):
    return f"{a / b:.2f}" if a is not None and b else "-"


def micros(ns):
    if ns is None:
        return "-"
    return f"{ns / 1e3:.3g}" if ns < 1e5 else f"{ns / 1e3:.0f}"


def verdict(results, op, side, goals):
    """Whether the two ratios are within the target, where there is one."""
    if op not in goals:
        return ""
    ours = median(results, op, side)
    missed = []
    for name, other, most in [("native", "native", goals[op][0]), ("peer", PEER, goals[op][1])]:
        base = median(results, op, other)
        if ours is None or (base is not None and ours > most * base):
            missed.append(name)
    return "misses " + "+".join(missed) if missed else "ok"


def cells(results, op, side):
    ns = median(results, op, side.name)
    row = [micros(ns), ratio(ns, median(results, op, "native"))]
    return row + ([ratio(ns, median(results, op, PEER))] if side.ours else [])


def columns(sides):
    head = ["operation", "native"]
    for side in sides[1:]:
        head += [side.name, "x nat"] + (["x peer"] if side.ours else [])
    return head


def print_grid(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        line = row[0].ljust(widths[0])
        print((line + "".join("  " + c.rjust(w) for c, w in zip(row[1:], widths[1:]))).rstrip())


def micro_table(title, results, sides, goals):
    print(f"\n{title}: medians, us (x nat, x peer: ratios to native and to {PEER})")
    ours = [side for side in sides if side.ours]
    best = ours[-1].name if ours else None
    rows = [columns(sides) + ([f"target ({best})"] if best else [])]
    for op in results:
        row = [op, micros(median(results, op, "native"))]
        for side in sides[1:]:
            row += cells(results, op, side)
        rows.append(row + ([verdict(results, op, best, goals)] if best else []))
    print_grid(rows)
    for op in results:
        for name, got in results[op].items():
            if "error" in got:
                print(f"no number: {op} under {name}: {got['error']}")


def cpu_table(title, results, sides):
    """Spinning buys wall time with this."""
    print(f"\n{title}: CPU time of all processes of the sandbox, us an operation")
    rows = [["operation"] + [side.name for side in sides]]
    for op in results:
        rows.append([op] + [micros(results[op][side.name].get("host_cpu_ns")) for side in sides])
    print_grid(rows)


def programs_table(results, sides):
    print(f"\nwhole programs, start of the sandbox included: medians, ms (ratios to native and to {PEER};"
          " cpu: of all processes)")
    rows = [["program", "native", "cpu"]]
    for side in sides[1:]:
        rows[0] += [side.name, "x nat"] + (["x peer"] if side.ours else []) + ["cpu"]
    for program, got in results.items():
        row = []
        for side in sides:
            took = got[side.name]["median_us"]
            row.append(f"{took / 1e3:.1f}")
            if side.name != "native":
                row.append(f"{took / got['native']['median_us']:.2f}")
            if side.ours:
                row.append(f"{took / got[PEER]['median_us']:.2f}" if PEER in got else "-")
            row.append(f"{got[side.name]['cpu_us'] / 1e3:.1f}")
        rows.append([program] + row)
    print_grid(rows)


def startup_table(title, results):
    print(f"\n{title}: start to end, ms")
    rows = [["", "median", "min", "cpu"]]
    for name, got in results.items():
        rows.append([name] + [f"{got[k] / 1e3:.1f}" for k in ["median_us", "min_us", "cpu_us"]])
    print_grid(rows)


def memory_table(results):
    print("\nmemory of a sandbox with an idle `sleep` in it (PSS)")
    for name, got in results.items():
        parts = ", ".join(f"{comm} {kb}" for comm, kb in got["processes"])
        print(f"  {name:16} {got['total_kb']:7} kB  ({parts})")


def idle_table(results):
    print("\nan idle sandbox (`sleep`): CPU time and voluntary context switches of all its threads")
    for name, got in results.items():
        cpu = "" if got["cpu_us"] is None else f", {got['cpu_us'] / 1e6:.4f} s by the cgroup"
        print(f"  {name:16} in {got['seconds']} s: {got['ticks']} ticks{cpu}, "
              f"{got['switches']} switches")


def runtime_table(steps, podman):
    print("\ncontainer runtimes, as engines call them: medians, ms")
    names = list(steps)
    rows = [[""] + names]
    for step in steps[names[0]] if names else []:
        rows.append([step] + [f"{steps[name][step] / 1e3:.1f}" for name in names])
    if podman:
        rows.append(["podman run"] + [f"{podman[name] / 1e3:.1f}" if name in podman else "-"
                                      for name in names])
    print_grid(rows)


def many_table(results):
    print("\nmany containers at once, each with a program that sleeps")
    for name, got in results.items():
        parts = ", ".join(f"{comm} {kb // got['count']}" for comm, kb in sorted(got["by_name"].items()))
        print(f"  {name:8} {got['count']}: {got['total_kb'] / got['count']:.0f} kB each by PSS ({parts}), "
              f"{got['available_kb'] / got['count']:.0f} kB less to be had\n"
              f"           {got['processes']} processes, {got['failed']} failed; in {got['idle_seconds']} s "
              f"{got['ticks']} ticks, {got['switches']} switches\n"
              f"           created and started in {got['seconds']:.1f} s, {got['width']} at once: each of the "
              f"first 20 {got['first_us'] / 1e3:.0f} ms, of the last 20 {got['last_us'] / 1e3:.0f} ms; "
              f"deleted in {got['delete_seconds']:.1f} s, {got['left']} processes left")
