# SPDX-License-Identifier: Apache-2.0
"""Whole programs of Debian over the host's files: what a user waits for, start of the sandbox included."""
import os
import shutil
import tempfile

from harness import footprint

TREE = "/usr/share/doc"  # thousands of small files on every Debian
SQL = """create table t(a, b); begin;
with recursive c(x) as (select 1 union all select x + 1 from c where x < 50000)
insert into t select x, x * x from c; commit;
create index i on t(b); select count(*), sum(a) from t where b % 7 = 1;"""


def programs(where):
    """{name: (what must be there, command of sh)}; nothing may be left on standard output."""
    c = os.path.join(where, "hello.c")
    with open(c, "w") as f:
        f.write('#include <stdio.h>\nint main(void) { return puts("hello") < 0; }\n')
    return {
        "sh_300_true": ("sh", "i=0; while [ $i -lt 300 ]; do /bin/true; i=$((i + 1)); done"),
        "python_start": ("python3", "python3 -c 'import json, re, os'"),
        "node_start": ("node", "node -e 1"),
        "gcc_hello": ("gcc", f"CCACHE_DISABLE=1 gcc -O1 {c} -o /tmp/bench-hello"),
        "gcc_6_parallel": ("gcc", f"for i in 1 2 3 4 5 6; do echo $i; done |"
                                  f" CCACHE_DISABLE=1 xargs -P2 -I@ gcc -O1 -c {c} -o /tmp/bench-@.o"),
        "git_log": ("git", f"git -c safe.directory='*' -C {os.getcwd()} log --stat -50 >/dev/null"),
        "sqlite": ("sqlite3", f'sqlite3 /tmp/bench-sql "{SQL}" >/dev/null; rm -f /tmp/bench-sql'),
        "find_tree": ("find", f"find {TREE} >/dev/null"),
        "grep_tree": ("grep", f"grep -r vedette {TREE} | cat >/dev/null"),
        "tar_tree": ("tar", f"tar cf - -C {TREE} . | cat >/dev/null"),
        "dd_pipe": ("dd", "dd if=/dev/zero bs=64k count=2000 2>/dev/null | cat >/dev/null"),
    }


def run(sides, only, rounds):
    """{program: {side: {median_us, min_us, cpu_us}}}, sides interleaved round by round."""
    out = {}
    with tempfile.TemporaryDirectory(dir="/var/tmp") as where:
        for name, (needs, script) in programs(where).items():
            if only and name not in only:
                continue
            if not shutil.which(needs):
                print(f"skipped: {name} (no {needs})")
                continue
            out[name] = footprint.startup(sides, ["sh", "-c", script], rounds)
    return out
