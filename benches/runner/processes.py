"""Starts processes, waits until they serve, and makes sure that none outlives the run."""

import ctypes
import os
import pwd
import random
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def die_with_parent():
    """Runs in the child before exec: even a killed runner leaves no server behind."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def raise_descriptor_limit():
    """Every process of the bench may open as many files as the system lets it; returns that number."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def free_port():
    """A loopback port that nobody listens on, below the range that outgoing connections take theirs from."""
    low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    candidates = list(range(max(1024, low - 4000), low))
    random.shuffle(candidates)  # two runs at once must not walk the same way
    for port in candidates:
        if port in free_port.given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        free_port.given.add(port)
        return port
    raise RuntimeError("no free loopback port")


free_port.given = set()


def unprivileged():
    """The account for servers that refuse to run as root: Popen arguments."""
    if os.geteuid() != 0:
        return {}
    account = pwd.getpwnam("postgres")
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


class Nest:
    """A temporary directory and the processes that live in it; leaving the `with` block removes both."""

    def __init__(self, keep=False):
        self.keep = keep
        self.processes = []

    def __enter__(self):
        self.dir = Path(tempfile.mkdtemp(prefix="lull-bench-"))
        self.dir.chmod(0o755)
        return self

    def __exit__(self, *_):
        for process in reversed(list(self.processes)):
            self.stop(process)
        if self.keep:
            print(f"kept: {self.dir}", flush=True)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)

    def subdir(self, name, **account):
        path = self.dir / name
        path.mkdir()
        if account:
            os.chown(path, account["user"], account["group"])
        return path

    def start(self, name, argv, stop_signal=signal.SIGTERM, **options):
        log = open(self.dir / f"{name}.log", "ab")
        process = subprocess.Popen(
            [str(word) for word in argv],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=die_with_parent,
            cwd=self.dir,
            **options,
        )
        log.close()
        process.bench_name = name
        process.bench_stop = stop_signal
        self.processes.append(process)
        return process

    def stop(self, process):
        if process in self.processes:
            self.processes.remove(process)
        if process.poll() is None:
            process.send_signal(process.bench_stop)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def log_tail(self, name, lines=15):
        text = (self.dir / f"{name}.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def wait_until(self, process, question, seconds=20):
        """Polls `question` until it is true; a process that dies or never gets there fails with its log."""
        deadline = time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < deadline:
            if question():
                return
            time.sleep(0.03)
        state = "still starting" if process.poll() is None else f"ended with {process.returncode}"
        raise RuntimeError(f"{process.bench_name} is not ready ({state}):\n{self.log_tail(process.bench_name)}")
