"""System calls of the proxy per query. perf counts them exactly and for free; where it may not be used (tracepoints
need CAP_PERFMON), strace counts them too, but slows the proxy, so several connections batch differently."""

import re
import shutil
import signal
import subprocess
import time

from . import probe, speed

CASES = {
    "postgresql": [("select-prepared", 1), ("select-simple", 1), ("select-prepared", 8)],
    "mysql": [("point-prepared", 1), ("point-text", 1), ("point-prepared", 8)],
}
EVENT = "raw_syscalls:sys_enter"


def counter():
    """The way to count that works here: (name, context-manager class) or None."""
    if shutil.which("perf") and _perf_works():
        return "perf", Perf
    if shutil.which("strace"):
        return "strace", Strace
    return None


def measure(stand, options, say):
    """{"counter": ..., "PROTOCOL/CONNS": {target: calls per query}}"""
    every = {workload.key: workload for workload in speed.all_workloads(options, [1, 8])}
    way = counter()
    if not way:
        say("system calls: neither perf nor strace works here, left out")
        return {"counter": None}
    name, kind = way
    say(f"system calls, counted by {name}")
    found = {"counter": name}
    for case, conns in CASES[options.family]:
        workload = every[f"{case}/{conns}"]
        per_target = found[f"{case.split('-', 1)[1]}/{conns}"] = {}
        for target in stand.by_backend["real"].values():
            if target.pid:
                with kind(probe.tree(target.pid), stand.nest.dir) as count:
                    run = workload.drive(stand.tools, stand.nest, target.port, options.secs)
                per_target[target.name] = count.calls / run.units
    return found


def _perf_works():
    done = subprocess.run(["perf", "stat", "-e", EVENT, "--", "true"], capture_output=True, text=True)
    return done.returncode == 0 and "not supported" not in done.stderr


class Perf:
    def __init__(self, pids, _directory):
        self.argv = ["perf", "stat", "-x", ",", "-e", EVENT, "-p", ",".join(map(str, pids))]

    def __enter__(self):
        self.process = subprocess.Popen(self.argv, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        time.sleep(0.3)  # perf says nothing when it has attached
        return self

    def __exit__(self, *_):
        time.sleep(0.1)
        self.process.send_signal(signal.SIGINT)
        text = self.process.communicate(timeout=20)[1]
        match = re.search(rf"^(\d+),[^,]*,{EVENT}", text, re.MULTILINE)
        self.calls = int(match.group(1)) if match else 0


class Strace:
    def __init__(self, pids, directory):
        self.report = directory / "strace.txt"
        self.argv = ["strace", "-c", "-f", "-q", "-o", str(self.report)]
        for pid in pids:
            self.argv += ["-p", str(pid)]

    def __enter__(self):
        self.process = subprocess.Popen(self.argv, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        time.sleep(0.5)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)
        # One row a system call: share of time, seconds, microseconds each, calls, errors if any, name.
        rows = [line.split() for line in self.report.read_text().splitlines()]
        self.calls = sum(int(row[3]) for row in rows if len(row) >= 5 and row[3].isdigit() and row[-1] != "total")
