"""Memory of a proxy per idle session: logged in, one statement run, nothing going on. PSS, so user memory only;
the kernel's part (sockets, about 7 KB per relayed session) is the same for every proxy and not in it.

Each proxy is a fresh process in front of the fake server, and alone: pages shared with a twin would count half."""

import subprocess
import time
from pathlib import Path

from . import probe, targets
from .processes import die_with_parent

MEASURED = [targets.HAPROXY, targets.PGBOUNCER, targets.LULL]
# An allocator, or a proxy that trims itself, may take a moment to give memory back.
GIVE_BACK_S = 10
# Listeners, epoll, logs, timers; every session needs two descriptors besides.
SPARE_DESCRIPTORS = 300


def possible_counts(wanted, descriptors):
    """The wanted session counts, capped by what one process may open: a session is two descriptors."""
    most = (descriptors - SPARE_DESCRIPTORS) // 2
    return sorted({min(count, most) for count in wanted})


def measure(nest, tools, options, fake, descriptors, say):
    counts = possible_counts(options.sessions, descriptors)
    found = {"counts": counts}
    for name in MEASURED:
        if name in options.targets:
            say(f"memory of {name} at {' and '.join(map(str, counts))} sessions")
            port = fake.ports[targets.ALL.index(name)]
            target = targets.start(nest, tools, name, port, counts[-1], "memory", options.family)
            found[name] = _one(target, tools, counts, options.family)
            nest.stop(target.process)
    return found


def _one(target, tools, counts, family):
    time.sleep(0.5)
    empty = probe.pss_bytes(target.pid)
    figures = {"empty": empty, "bytes": {}, "per_session": {}}
    holder = Holder(tools, target.port, family)
    try:
        for count in counts:
            holder.hold(count)
            _wait_for_descriptors(target.pid, 2 * count)
            time.sleep(0.5)
            figures["bytes"][str(count)] = probe.pss_bytes(target.pid)
            figures["per_session"][str(count)] = (figures["bytes"][str(count)] - empty) / count
        holder.hold(0)
    finally:
        holder.end()
    time.sleep(GIVE_BACK_S)
    figures["after"] = probe.pss_bytes(target.pid)
    grown = max(1, figures["bytes"][str(counts[-1])] - empty)
    figures["given_back"] = 1 - (figures["after"] - empty) / grown
    return figures


def _wait_for_descriptors(pid, least):
    """Proof that the sessions are what we think: each is two sockets in the proxy."""
    for _ in range(100):
        if len(list(Path(f"/proc/{pid}/fd").iterdir())) >= least:
            return
        time.sleep(0.05)
    raise RuntimeError(f"the proxy does not hold {least} sockets")


class Holder:
    """The client side, a process of its own: it needs as many descriptors as there are sessions."""

    def __init__(self, tools, port, family):
        self.process = subprocess.Popen(
            [str(tools.helper("idle")), "--to", f"127.0.0.1:{port}", "--protocol", family],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=die_with_parent,
        )

    def hold(self, count):
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        if self.process.stdout.readline().split() != ["holding", str(count)]:
            raise RuntimeError(f"cannot hold {count} sessions: {self.process.stderr.read()[-500:]}")

    def end(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
