#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Drives a CRI server through the whole life of a pod: cri.py SOCKET HANDLER LOGDIR prints TAP, without the plan.

Messages are written as lists of (field number, value) and read back as {number: [values]}, so that no
compiler of protobuf is needed; the numbers are those of the CRI, runtime.v1.
"""
import sys
import time

import grpc

SOCKET, HANDLER, LOGS = sys.argv[1:4]
POD, CONTAINER, RUNNING = 0, 1, 1  # NamespaceMode, ContainerState


def varint(n):
    n &= (1 << 64) - 1
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out + bytes([n]))


def message(fields):
    out = b""
    for number, value in fields:
        if isinstance(value, (bool, int)):
            out += varint(number << 3) + varint(int(value))
            continue
        data = message(value) if isinstance(value, list) else value.encode()
        out += varint(number << 3 | 2) + varint(len(data)) + data
    return out


def parse(data):
    at, out = 0, {}

    def number():
        nonlocal at
        shift = value = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = number()
        if key & 7 == 0:
            value = number()
        else:
            size = {1: 8, 5: 4}.get(key & 7) or number()
            value, at = data[at:at + size], at + size
        out.setdefault(key >> 3, []).append(value)
    return out


channel = grpc.insecure_channel("unix://" + SOCKET)


def call(method, *fields, timeout=60, service="runtime.v1.RuntimeService"):
    fn = channel.unary_unary(f"/{service}/{method}", message, parse)
    return fn(list(fields), timeout=timeout)


count = 0


def op(name, work):
    """One test: work() must return something true, or raise; what it returned, or None."""
    global count
    count += 1
    try:
        got = work()
        if got:
            print(f"ok {count} - {name}", flush=True)
            return got
        said = "no answer"
    except grpc.RpcError as e:
        said = f"{e.code()} {e.details()}"
    except (AssertionError, KeyError) as e:
        said = f"{type(e).__name__} {e}"
    print(f"not ok {count} - {name}\n# " + said.replace("\n", "\n# "), flush=True)
    return None


def same(got, want):
    assert got == want, f"{got!r}, not {want!r}"
    return True


NAMESPACES = [(1, POD), (2, CONTAINER), (3, POD)]
SANDBOX = [(1, [(1, "p1"), (2, f"u{time.time():.0f}"), (3, "default"), (4, 0)]), (2, "p1"), (3, LOGS),
           (8, [(1, "/cri-test"), (2, [(1, NAMESPACES)])])]


def create(name, command, security=(), more=()):
    resources = [(1, 100000), (2, 50000), (3, 512), (4, 64 << 20), (5, 500)]
    config = [(1, [(1, name)]), (2, [(1, "localhost/bb:latest")])] + [(3, word) for word in command]
    config += [(11, name + ".log"), *more, (15, [(1, resources), (2, [(3, NAMESPACES), *security])])]
    return call("CreateContainer", (1, sandbox), (2, config), (3, SANDBOX))[1][0].decode()


def exec_sync(container, *command):
    got = call("ExecSync", (1, container), *((2, word) for word in command), (3, 10))
    return got.get(3, [0])[0], got.get(1, [b""])[0], got.get(2, [b""])[0]


def status(container):
    return parse(call("ContainerStatus", (1, container))[1][0])


def life_of_containers():
    script = 'echo log-line; trap "exit 3" TERM; while :; do sleep 0.2; done'
    c1 = op("CreateContainer", lambda: create("c1", ["/bin/sh", "-c", script]))
    if not c1:
        return
    op("StartContainer", lambda: call("StartContainer", (1, c1)) is not None)
    script = "echo out; echo err >&2; exit 5"
    op("ExecSync", lambda: same(exec_sync(c1, "/bin/sh", "-c", script), (5, b"out\n", b"err\n")))
    op("ExecSync-uname", lambda: same(exec_sync(c1, "/bin/uname", "-n"), (0, b"p1\n", b"")))
    op("ExecSync-ip", lambda: same(exec_sync(c1, "/bin/ip", "-o", "a")[0], 0))
    op("ContainerStatus", lambda: same(status(c1)[3], [RUNNING]))
    op("ListContainers", lambda: same(len(call("ListContainers")[1]), 1))
    op("ContainerStats", lambda: parse(call("ContainerStats", (1, c1))[1][0])[3])
    op("ListPodSandboxStats", lambda: same(len(call("ListPodSandboxStats")[1]), 1))
    op("UpdateContainerResources", lambda: call(
        "UpdateContainerResources", (1, c1), (2, [(1, 100000), (2, 80000), (4, 128 << 20)])) is not None)
    op("ReopenContainerLog", lambda: call("ReopenContainerLog", (1, c1)) is not None)
    op("Exec-url", lambda: call("Exec", (1, c1), (2, "/bin/id"), (5, True))[1][0].startswith(b"http"))
    c2 = op("CreateContainer2-priv-tty", lambda: create(
        "c2", ["/bin/sleep", "100"], [(5, [(1, 1000)]), (7, True), (11, True)], [(12, True), (14, True)]))
    if c2:
        op("StartContainer2", lambda: call("StartContainer", (1, c2)) is not None)
        op("ExecSync2-user", lambda: same(exec_sync(c2, "/bin/id", "-u"), (0, b"1000\n", b"")))
    op("StopContainer-TERM", lambda: call("StopContainer", (1, c1), (2, 5)) is not None)
    op("exit-code-3", lambda: same(status(c1)[7], [3]))
    op("RemoveContainer", lambda: call("RemoveContainer", (1, c1)) is not None)
    if c2:
        op("StopContainer-KILL", lambda: call("StopContainer", (1, c2)) is not None)

    def log():
        with open(LOGS + "/c1.log") as f:
            return "stdout F log-line\n" in f.read()
    op("log", log)


op("version", lambda: call("Version")[2])
op("status", lambda: call("Status")[1])
op("images", lambda: same(len(call("ListImages", service="runtime.v1.ImageService")[1]), 2))
sandbox = op("RunPodSandbox", lambda: call("RunPodSandbox", (1, SANDBOX), (2, HANDLER))[1][0].decode())
if sandbox:
    op("PodSandboxStatus", lambda: call("PodSandboxStatus", (1, sandbox))[1])
    life_of_containers()
    c3 = op("CreateContainer3-notfound", lambda: create("c3", ["/nosuch"]))

    def start_nothing():
        try:
            call("StartContainer", (1, c3))
        except grpc.RpcError as e:
            return same("no such file" in e.details(), True)
        raise AssertionError("started /nosuch")
    if c3:
        op("StartContainer3-notfound", start_nothing)
    oom = op("CreateContainer4", lambda: create("c4", ["/bin/sh", "-c", "a=xxxxxxxx; while :; do a=$a$a; done"]))
    beside = op("CreateContainer5", lambda: create("c5", ["/bin/sleep", "100"]))

    def ended():
        end = time.time() + 30
        while status(oom)[3] == [RUNNING] and time.time() < end:
            time.sleep(0.1)
        s = status(oom)
        return same((s[7], s.get(10)), ([137], [b"OOMKilled"]))
    if oom and beside:
        op("StartContainer5", lambda: call("StartContainer", (1, beside)) is not None)
        op("StartContainer4-out-of-memory", lambda: call("StartContainer", (1, oom)) is not None)
        op("OOMKilled", ended)
        op("neighbour-lives", lambda: same((status(beside)[3], exec_sync(beside, "/bin/true")[0]), ([RUNNING], 0)))
    op("StopPodSandbox", lambda: call("StopPodSandbox", (1, sandbox)) is not None)
    op("RemovePodSandbox", lambda: call("RemovePodSandbox", (1, sandbox)) is not None)
