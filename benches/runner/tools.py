"""Where the programs are: PostgreSQL's of the distribution, the peers, lull and the bench's own helpers."""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Missing(Exception):
    """A program that the bench needs is not there."""


class Tools:
    def __init__(self, lull):
        self.lull = Path(lull).resolve()
        if not self.lull.exists():
            raise Missing(f"no lull at {lull}: run benches/run.sh, or cargo build --release")
        self.helpers = ROOT / "build/bench-tools/release"
        self.pg = _postgres_bin()

    def installed(self, name):
        """What tests/env/install.sh has brought: it writes down where it is."""
        path = ROOT / "build/env"
        lines = path.read_text().splitlines() if path.exists() else []
        found = [line.split("=", 1)[1].strip("'") for line in lines if line.startswith(f"{name}=")]
        if not found:
            raise Missing(f"{name} is not in {path}: run tests/env/install.sh")
        return found[0]

    def helper(self, name):
        path = self.helpers / name
        if not path.exists():
            raise Missing(f"{name} is not built: run benches/run.sh instead of bench.py")
        return path

    def peer(self, name):
        # Debian puts both into /usr/sbin, which an ordinary user's PATH lacks.
        path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        if not path:
            raise Missing(f"{name} is not installed")
        return path

    def versions(self):
        asked = {
            "postgresql": [self.pg / "postgres", "--version"],
            "pgbench": [self.pg / "pgbench", "--version"],
            "haproxy": [self.peer("haproxy"), "-v"],
            "pgbouncer": [self.peer("pgbouncer"), "--version"],
            "lull": [self.lull, "--version"],
        }
        return {name: _first_line(argv) for name, argv in asked.items()}


def _first_line(argv):
    try:
        out = subprocess.run([str(word) for word in argv], capture_output=True, text=True, timeout=10).stdout
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    # HAProxy and others append a build date.
    return (out.splitlines() or ["unknown"])[0].split(" - ")[0].split(" 20")[0].strip()


def _postgres_bin():
    """PG_BIN, or the newest server that the distribution has installed. /usr/bin/pgbench is a wrapper: not used."""
    if os.environ.get("PG_BIN"):
        return Path(os.environ["PG_BIN"])
    versions = [p for p in Path("/usr/lib/postgresql").glob("*/bin") if (p / "initdb").exists()]
    if not versions:
        raise Missing("no PostgreSQL server under /usr/lib/postgresql; set PG_BIN")
    return max(versions, key=lambda path: float(path.parent.name))
