"""What is driven through a target, and how one run of it becomes figures.

`unit` is what CPU time, switches and rates are counted by: a query, a connection, a megabyte (10^6 bytes)."""

import re
import signal
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from . import backends, targets
from .backends import client_environment
from .processes import die_with_parent

# pgbench would stop by itself only after this; see _until_told.
LONG_S = 3600


@dataclass
class Run:
    units: float
    seconds: float
    rate: float
    p50_us: float | None = None


@dataclass
class Workload:
    name: str  # select-PROTOCOL, storm-pg, storm-fake, copy; point-PROTOCOL, read-only-PROTOCOL, storm-mysql
    conns: int
    unit: str
    backend: str  # "real" or "fake"
    drive: object  # (tools, nest, port, secs) -> Run

    @property
    def key(self):
        return f"{self.name}/{self.conns}"

    def excludes(self, target):
        # A lull asks the server's catalogs; the fake server has none.
        asks = self.backend == "fake" and target == targets.IN_LULL
        return asks or (target == targets.HAPROXY_THREADS and not self.name.startswith("storm"))


def select(protocol, conns):
    def drive(tools, nest, port, secs):
        argv = [*_pgbench(tools, port, conns), "-n", "-S", "-M", protocol, "-T", LONG_S]
        # Every transaction's time, from a log, for the median; only where latency is the question.
        prefix = nest.dir / "latency"
        if conns == 1:
            argv += ["-l", f"--log-prefix={prefix}"]
        run = _pgbench_figures(_until_told([*argv, "bench"], secs))
        if conns == 1:
            run.p50_us = _median_of_logs(prefix)
        return run

    return Workload(f"select-{protocol}", conns, "query", "real", drive)


def storm_pg(conns):
    """pgbench -C: every transaction is a connection of its own, and a fork of the real server."""

    def drive(tools, nest, port, secs):
        script = nest.dir / "select1.sql"
        script.write_text("SELECT 1;\n")
        argv = [*_pgbench(tools, port, conns), "-n", "-C", "-f", script, "-T", LONG_S, "bench"]
        return _pgbench_figures(_until_told(argv, secs))

    return Workload("storm-pg", conns, "connection", "real", drive)


def storm(name, backend, family, conns):
    """A small client of our own, for servers that cost nothing and for those that fork no process."""

    def drive(tools, _nest, port, secs):
        argv = [tools.helper("storm"), "--to", f"127.0.0.1:{port}", "--secs", secs, "--threads", conns]
        argv += ["--protocol", family]
        words = _output(argv).split()
        units, seconds = float(words[1]), float(words[3])
        return Run(units, seconds, units / seconds)

    return Workload(name, conns, "connection", backend, drive)


def copy():
    def drive(tools, _nest, port, secs):
        argv = [tools.helper("drain"), "--to", f"127.0.0.1:{port}", "--secs", secs, "--sql", "COPY bulk TO STDOUT"]
        words = _output(argv).split()
        megabytes, seconds = float(words[1]) / 1e6, float(words[3])
        return Run(megabytes, seconds, megabytes / seconds)

    return Workload("copy", 1, "MB", "real", drive)


def sysbench(name, script, prepared, conns):
    """sysbench's point selects, or its read-only transactions; its time is whole seconds."""

    def drive(tools, _nest, port, secs):
        argv = [*backends.sysbench(tools, port, script)]
        argv += [f"--threads={conns}", f"--time={max(1, round(secs))}", "--percentile=50"]
        argv += ["--db-ps-mode=auto" if prepared else "--db-ps-mode=disable", "run"]
        return _sysbench_figures(_output(argv))

    return Workload(name, conns, "query", "real", drive)


def _sysbench_figures(output):
    units = re.search(r"queries: +(\d+) +\(([\d.]+) per sec", output)
    median = re.search(r"50th percentile: +([\d.]+)", output)
    if not units or int(units[1]) == 0:
        raise RuntimeError(f"sysbench did no query:\n{output[-2000:]}")
    count, rate = float(units[1]), float(units[2])
    return Run(count, count / rate, rate, float(median[1]) * 1000 if median else None)


def _pgbench(tools, port, conns):
    return [tools.pg / "pgbench", "-h", "127.0.0.1", "-p", port, "-U", "bench", "-c", conns, "-j", min(conns, 2)]


def _until_told(argv, secs):
    """Runs pgbench for `secs`, which may be a fraction: pgbench's own -T takes whole seconds only and is SIGALRM
    inside, so the runner sends that signal itself. The clock starts when pgbench has set its handler, which is just
    before its clients connect."""
    process = _popen(argv)
    try:
        while not _catches_alarm(process.pid) and process.poll() is None:
            time.sleep(0.002)
        time.sleep(secs)
        process.send_signal(signal.SIGALRM)
        return _finish(process, argv)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _catches_alarm(pid):
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    caught = int(status.split("SigCgt:")[1].split()[0], 16)
    return bool(caught >> (signal.SIGALRM - 1) & 1)


def _pgbench_figures(output):
    units = rate = None
    for line in output.splitlines():
        if line.startswith("number of transactions actually processed:"):
            units = float(line.split(":")[1].split("/")[0])
        elif line.startswith("tps ="):
            rate = float(line.split()[2])
        elif line.startswith("number of failed transactions:") and int(line.split(":")[1].split()[0]) > 0:
            raise RuntimeError(f"pgbench: {line}")
    if not units or not rate:
        raise RuntimeError(f"pgbench did no transaction:\n{output[-2000:]}")
    return Run(units, units / rate, rate)


def _median_of_logs(prefix):
    """Third column: microseconds of one transaction."""
    times = []
    for log in prefix.parent.glob(prefix.name + ".*"):
        times += [int(line.split()[2]) for line in log.read_text().splitlines()]
        log.unlink()
    return statistics.median(times)


def _output(argv):
    process = _popen(argv)
    try:
        return _finish(process, argv)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _popen(argv):
    return subprocess.Popen(
        [str(word) for word in argv],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=client_environment(),
        preexec_fn=die_with_parent,
    )


def _finish(process, argv):
    try:
        out, err = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"{Path(argv[0]).name} hangs: {' '.join(map(str, argv))}") from None
    if process.returncode != 0:
        raise RuntimeError(f"{Path(argv[0]).name} ended with {process.returncode}:\n{err[-2000:]}")
    return out
