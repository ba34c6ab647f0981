# SPDX-License-Identifier: Apache-2.0
"""Who is compared: how each one starts a command, and which of them are here."""
import json
import os
import shutil
import subprocess

PLATFORMS = ["ptrace", "trap"]  # of ours; what the binary does not know is skipped
PEER = ["runsc", "--network=none", "--ignore-cgroups"]


class Side:
    """name, and the words in front of a command.  ours: ratios to the peer are of interest."""

    def __init__(self, name, prefix, ours=False, idle=None):
        self.name, self.prefix, self.ours = name, prefix, ours
        # A command that does nothing until its standard input ends, or for long.
        self.idle = idle or prefix + ["sleep", "100"]

    def command(self, *words):
        return self.prefix + list(words)


def works(command, status):
    """True if the command ends with this status, as --exit of the benchmark does."""
    try:
        # runsc loses output that goes to a regular file: always a pipe.
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=30).returncode == status
    except (OSError, subprocess.TimeoutExpired):
        return False


def candidates(vedette):
    for platform in PLATFORMS:
        yield Side("vedette-" + platform, [vedette, "do", "--platform=" + platform, "--"], ours=True)
    for platform in ["systrap", "ptrace"]:
        yield Side("runsc-" + platform, PEER + ["--platform=" + platform, "do"])


def find(vedette, micro, only=None):
    """Sides that can run the benchmark; says which cannot."""
    sides = [Side("native", [])]
    for side in candidates(vedette):
        if only and side.name not in only:
            continue
        if works(side.command(micro, "--exit"), 7):
            sides.append(side)
        elif side.name == "vedette-ptrace" and works([vedette, "do", "--", micro, "--exit"], 7):
            sides.append(Side(side.name, [vedette, "do", "--"], ours=True))
        else:
            print(f"skipped: {side.name} (not here, or cannot run the benchmark)")
    return sides


def bundle(where, micro, option):
    """Makes an OCI bundle with nothing but the static benchmark in it; its name."""
    rootfs = os.path.join(where, "rootfs")
    for name in ["dev", "proc", "sys", "tmp"]:
        os.makedirs(os.path.join(rootfs, name))
    shutil.copy(micro, os.path.join(rootfs, "micro"))
    spec = {
        "ociVersion": "1.0.2",
        "process": {"user": {"uid": 0, "gid": 0}, "args": ["/micro", option], "cwd": "/",
                    "env": ["PATH=/"], "noNewPrivileges": True},
        "root": {"path": "rootfs", "readonly": True},
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
                   {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"}],
        "linux": {"namespaces": [{"type": t} for t in ["pid", "network", "ipc", "uts", "mount"]]},
    }
    with open(os.path.join(where, "config.json"), "w") as f:
        json.dump(spec, f)
    return where


def comm_of(pid):
    try:
        with open(f"/proc/{pid}/comm") as f:
            return f.read().strip().split(":")[0]
    except OSError:
        return "gone"


def unhide_crun():
    """crun refuses a hybrid cgroup mount; in a mount namespace of its own it does not see one."""
    unified = "/sys/fs/cgroup/unified"
    return (["unshare", "-m", "sh", "-c", f'umount {unified}; exec "$@"', "sh"]
            if os.path.ismount(unified) else [])


def bundle_sides(vedette, micro, where):
    """Runtimes of whole containers; their commands are complete."""
    ends, waits = (bundle(os.path.join(where, option), micro, option)
                   for option in ["--exit", "--serve"])
    name = f"bench{os.getpid()}"
    tries = [("vedette run", [vedette, "run", "--bundle"]),
             ("runsc run", PEER + ["--platform=systrap", "run", "--bundle"]),
             ("crun run", unhide_crun() + ["crun", "run", "--bundle"]),
             ("runc run", ["runc", "run", "--bundle"])]
    found = []
    for label, words in tries:
        if works(words + [ends, name], 7):
            found.append(Side(label, words + [ends, name], ours=label.startswith("vedette"),
                              idle=words + [waits, name]))
        else:
            print(f"skipped: {label} (not here, or cannot run the bundle)")
    return found
