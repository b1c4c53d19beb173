"""What is measured: the way to a server without a proxy, the peers, lull without and with a lull open.

Each proxy is started with the settings that its own documentation would give for this job, logging off or to a file,
and without TLS, so that all of them do the same work."""

import subprocess
from dataclasses import dataclass
from functools import partial

from .backends import answers, mysql_greets
from .processes import free_port, unprivileged

DIRECT, HAPROXY, PGBOUNCER, LULL, IN_LULL = "direct", "haproxy", "pgbouncer", "lull", "lull-on"
# HAProxy as it comes, with a thread for each core. For storms, where accepting is the work.
HAPROXY_THREADS = "haproxy-threads"
ALL = [DIRECT, HAPROXY, HAPROXY_THREADS, PGBOUNCER, LULL, IN_LULL]


@dataclass
class Target:
    name: str
    port: int
    pid: int | None  # None: no proxy in between, so nothing to charge
    process: object = None


def of(family):
    """PgBouncer speaks PostgreSQL only."""
    return [name for name in ALL if family == "postgresql" or name != PGBOUNCER]


def start(nest, tools, name, backend_port, sessions, label, family="postgresql"):
    """Starts one target in front of `backend_port`; `label` tells apart several of the same kind."""
    if name == DIRECT:
        return Target(name, backend_port, None)
    launch = {
        HAPROXY: partial(_haproxy, "nbthread 1"),
        HAPROXY_THREADS: partial(_haproxy, ""),
        PGBOUNCER: _pgbouncer,
        LULL: _lull,
        IN_LULL: _lull,
    }[name]
    port = free_port()
    place = f"{label}-{name}"
    process = launch(nest, tools, place, port, backend_port, sessions, family)
    greets = {"postgresql": lambda: answers(tools, port), "mysql": lambda: mysql_greets(port)}[family]
    nest.wait_until(process, greets)
    if name == IN_LULL:
        open_lull(nest, tools, place)
    return Target(name, port, process.pid, process)


def _haproxy(threads, nest, tools, place, port, backend_port, sessions, _family):
    config = nest.subdir(place) / "haproxy.cfg"
    config.write_text(
        f"""global
    {threads}
    maxconn {sessions + 100}
defaults
    mode tcp
    timeout connect 10s
    timeout client 1h
    timeout server 1h
listen bench
    bind 127.0.0.1:{port}
    server backend 127.0.0.1:{backend_port}
"""
    )
    return nest.start(place, [tools.peer("haproxy"), "-db", "-f", config])


def _pgbouncer(nest, tools, place, port, backend_port, sessions, _family):
    account = unprivileged()
    directory = nest.subdir(place)
    (directory / "users.txt").write_text('"bench" ""\n')
    config = directory / "pgbouncer.ini"
    config.write_text(
        f"""[databases]
bench = host=127.0.0.1 port={backend_port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {directory / "users.txt"}
pool_mode = session
max_client_conn = {sessions + 100}
default_pool_size = {sessions + 100}
log_connections = 0
log_disconnections = 0
"""
    )
    return nest.start(place, [tools.peer("pgbouncer"), config], **account)


def _lull(nest, tools, place, port, backend_port, _sessions, family):
    # A directory of its own: lull also binds `.s.PGSQL.5432` beside the admin socket.
    directory = nest.subdir(place)
    (directory / "state").mkdir(mode=0o700)
    server = {"postgresql": "--postgres", "mysql": "--mysql"}[family]
    argv = [tools.lull, "serve", server, f"127.0.0.1:{backend_port}", "--listen", f"127.0.0.1:{port}"]
    argv += ["--admin", directory / "admin", "--metrics", f"127.0.0.1:{free_port()}", "--state", directory / "state"]
    return nest.start(place, argv)


def open_lull(nest, tools, place):
    argv = [str(tools.lull), "on", "--admin", str(nest.dir / place / "admin"), "--reason", "bench"]
    # No terminal: what `lull on` would ask a person, it must decide itself.
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise RuntimeError(f"lull on ended with {done.returncode}:\n{done.stdout}{done.stderr}")
