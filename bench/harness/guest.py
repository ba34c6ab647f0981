# SPDX-License-Identifier: Apache-2.0
"""bench/micro --serve in a sandbox: all sandboxes live at once and take turns, operation by operation."""
import json
import select
import subprocess

from harness.group import Group


class Gone(Exception):
    pass


class Guest:
    def __init__(self, side, micro):
        self.side, self.micro, self.group = side, micro, None

    def start(self):
        self.group = Group()
        self.group.popen(self.side.command(self.micro, "--serve"), stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def stop(self):
        if self.group:
            self.group.end()
        self.group = None

    def ask(self, line, seconds):
        """One command, one answer."""
        process = self.group.process
        try:
            process.stdin.write(line.encode() + b"\n")
            process.stdin.flush()
        except OSError:
            raise Gone("the sandbox ended")
        # One line for each command: nothing can be left in the buffer of readline.
        if not select.select([process.stdout], [], [], seconds)[0]:
            raise Gone(f"no answer in {seconds} s")
        answer = process.stdout.readline()
        if not answer:
            raise Gone("the sandbox ended")
        try:
            return json.loads(answer)
        except ValueError:
            raise Gone("an answer that is no JSON")

    def measure(self, op, ms):
        """The guest's line, with the CPU time of the whole sandbox an operation, in ns.  Or an error."""
        try:
            if not self.group:
                self.start()
            answer = self.ask("prepare " + op, 30)
            if "error" in answer:
                return answer
            before = self.group.cpu_ns()
            result = self.ask(f"go {ms}", 30)
            after = self.group.cpu_ns()
            self.ask("end", 30)
            if before is not None and "error" not in result:
                result["host_cpu_ns"] = (after - before) / result["ops"]
            return result
        except Gone as reason:
            self.stop()
            return {"op": op, "error": str(reason)}
