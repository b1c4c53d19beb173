"""Reads from /proc what a process tree has cost: on-CPU time, voluntary context switches, memory.

On-CPU time comes from schedstat (nanoseconds); the clock ticks of /proc/PID/stat are too coarse for one second."""

import time
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass
class Cost:
    cpu_ns: int
    switches: int

    def __sub__(self, before):
        return Cost(self.cpu_ns - before.cpu_ns, self.switches - before.switches)


def tree(pid):
    """`pid` and all its descendants."""
    found, queue = [], [pid]
    while queue:
        current = queue.pop()
        found.append(current)
        for task in _tasks(current):
            try:
                queue += [int(child) for child in (task / "children").read_text().split()]
            except OSError:
                pass  # the task has just ended
    return found


def cost(pid):
    cpu_ns = switches = 0
    for process in tree(pid):
        for task in _tasks(process):
            try:
                cpu_ns += int((task / "schedstat").read_text().split()[0])
                status = (task / "status").read_text()
            except OSError:
                continue
            switches += int(status.split("\nvoluntary_ctxt_switches:")[1].split()[0])
    return Cost(cpu_ns, switches)


def settled_cost(pid, patience_s=0.5):
    """The cost once the process has gone quiet: a relay still closes connections after the client has left."""
    deadline = time.monotonic() + patience_s
    last = cost(pid)
    while time.monotonic() < deadline:
        time.sleep(0.02)
        now = cost(pid)
        if now.cpu_ns - last.cpu_ns < 50_000:
            return now
        last = now
    return last


def pss_bytes(pid):
    total = 0
    for process in tree(pid):
        for line in (PROC / str(process) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


def threads(pid):
    return sum(len(list(_tasks(process))) for process in tree(pid))


def _tasks(pid):
    try:
        return list((PROC / str(pid) / "task").iterdir())
    except OSError:
        return []
