"""The servers behind the proxies: a throw-away PostgreSQL or MariaDB, and a fake one of each kind."""

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from .processes import free_port, unprivileged

# 100,000 rows of 1 KB: large enough that a COPY of it is one long stream.
BULK_ROWS = 100_000
SCALE = 10

# No durability: the bench only reads, and setting up must be quick.
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_wal_size": "4GB",
    "shared_buffers": "512MB",
    "max_connections": "300",
    "autovacuum": "off",
    "jit": "off",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "logging_collector": "off",
    "log_min_messages": "fatal",
}


class Postgres:
    """initdb with trust, role and database `bench`, pgbench tables, and the table `bulk`."""

    def __init__(self, nest, tools):
        account = unprivileged()
        self.tools = tools
        self.port = free_port()
        data = nest.subdir("pg", **account)
        initdb = [tools.pg / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"]
        _quiet(initdb, cwd=data, **account)
        argv = [tools.pg / "postgres", "-D", data, "-p", self.port]
        for name, value in SETTINGS.items():
            argv += ["-c", f"{name}={value}"]
        # SIGINT is PostgreSQL's fast shutdown: it does not wait for clients.
        self.process = nest.start("postgres", argv, stop_signal=signal.SIGINT, **account)
        nest.wait_until(self.process, lambda: answers(tools, self.port, "postgres", "postgres"))
        self._fill()

    def _fill(self):
        psql(self.tools, self.port, "CREATE ROLE bench SUPERUSER LOGIN", "postgres", "postgres")
        psql(self.tools, self.port, "CREATE DATABASE bench OWNER bench", "postgres", "postgres")
        where = ["-h", "127.0.0.1", "-p", self.port, "-U", "bench", "bench"]
        _quiet([self.tools.pg / "pgbench", "-i", "-q", "-s", SCALE, *where])
        rows = f"SELECT repeat('x', 1023) AS line FROM generate_series(1, {BULK_ROWS})"
        psql(self.tools, self.port, f"CREATE TABLE bulk AS {rows}")
        psql(self.tools, self.port, "VACUUM ANALYZE bulk")
        psql(self.tools, self.port, "CHECKPOINT")


class FakePostgres:
    """One port per proxy, so that closed connections of one never cost another its port numbers."""

    def __init__(self, nest, tools, ports=5):
        self.tools = tools
        self.ports = [free_port() for _ in range(ports)]
        argv = [tools.helper("fakepg")]
        for port in self.ports:
            argv += ["--listen", f"127.0.0.1:{port}"]
        self.process = nest.start("fakepg", argv)
        nest.wait_until(self.process, lambda: answers(tools, self.ports[-1]))


class FakeMySql:
    """As FakePostgres."""

    def __init__(self, nest, tools, ports=5):
        self.ports = [free_port() for _ in range(ports)]
        argv = [tools.helper("fakemysql")]
        for port in self.ports:
            argv += ["--listen", f"127.0.0.1:{port}"]
        self.process = nest.start("fakemysql", argv)
        nest.wait_until(self.process, lambda: mysql_greets(self.ports[-1]))


class MariaDb:
    """The one that the tests bring along, with user and database `bench` and sysbench's table."""

    ROWS = 100_000

    def __init__(self, nest, tools):
        account = unprivileged()
        self.port = free_port()
        base = nest.subdir("mariadb", **account)
        data = base / "data"
        shutil.copytree(tools.installed("LULL_MARIADB_DATA"), data)
        for path in [data, *data.rglob("*")]:
            if account:
                os.chown(path, account["user"], account["group"])
        users = base / "users.sql"
        users.write_text(
            "CREATE USER bench@'%';\nGRANT ALL ON *.* TO bench@'%';\nCREATE DATABASE bench;\nDROP USER IF EXISTS ''@'localhost';\n"
        )
        argv = [Path(tools.installed("LULL_MARIADB_BIN")) / "mariadbd", f"--datadir={data}", f"--port={self.port}"]
        argv += ["--bind-address=127.0.0.1", f"--socket={base}/s", f"--pid-file={base}/pid", "--skip-name-resolve"]
        argv += ["--max-connections=600", "--innodb-flush-log-at-trx-commit=0", "--skip-log-bin", f"--init-file={users}"]
        self.process = nest.start("mariadb-server", argv, **account)
        nest.wait_until(self.process, lambda: mysql_greets(self.port))
        _quiet([*sysbench(tools, self.port, "oltp_point_select"), "prepare"])


def sysbench(tools, port, script):
    """sysbench with one of its scripts, which find their common part in the working directory or by LUA_PATH."""
    directory = Path(tools.installed("LULL_SYSBENCH_LUA"))
    argv = ["env", f"LUA_PATH={directory}/?.lua", tools.installed("LULL_SYSBENCH"), directory / f"{script}.lua"]
    argv += ["--mysql-host=127.0.0.1", f"--mysql-port={port}", "--mysql-user=bench", "--mysql-db=bench"]
    return [*argv, "--tables=1", f"--table-size={MariaDb.ROWS}"]


def mysql_greets(port):
    """Whether a server's first packet comes: protocol 10."""
    try:
        with socket.create_connection(("127.0.0.1", port), 2) as connection:
            return connection.recv(5)[4:] == b"\x0a"
    except OSError:
        return False


def psql(tools, port, sql, user="bench", database="bench"):
    argv = [tools.pg / "psql", "-XqAt", "-h", "127.0.0.1", "-p", port, "-U", user, "-c", sql, database]
    return _quiet(argv)


def answers(tools, port, user="bench", database="bench"):
    try:
        return bool(psql(tools, port, "SELECT 1", user, database))
    except (RuntimeError, subprocess.TimeoutExpired):
        return False


def client_environment():
    """libpq asks for encryption first unless told not to; nobody encrypts here, so that would only add a round trip."""
    wanted = {"PGSSLMODE": "disable", "PGGSSENCMODE": "disable", "PGCONNECT_TIMEOUT": "10"}
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | wanted


def _quiet(argv, **options):
    done = subprocess.run(
        [str(word) for word in argv],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        env=client_environment(),
        **options,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{argv[0]} failed:\n{done.stderr[-2000:]}")
    return done.stdout
