"""The targets of lull's speed and how a run compares with them. The limits stand here and nowhere else."""

from dataclasses import dataclass

from . import stats
from .targets import HAPROXY, IN_LULL, LULL, PGBOUNCER

MIB = 1 << 20


@dataclass
class Verdict:
    figure: str
    target: str
    measured: str
    spread: str
    met: bool


def all_verdicts(result):
    if result["options"].get("family") == "mysql":
        rows = [*_mysql(result), *_syscalls(result), *_memory(result, 2800)]
    else:
        rows = [*_cpu(result), *_syscalls(result), *_copy_and_storm(result), *_memory(result, 2600), *_latency(result)]
    return [row for row in rows if row]


def _mysql(result):
    for workload in ("point-text", "point-prepared", "read-only-text", "read-only-prepared"):
        key = f"{workload}/8"
        yield _ratio(result, key, LULL, HAPROXY, 0.95, f"CPU per query / HAProxy's, {workload}")
        yield _ratio(result, key, IN_LULL, HAPROXY, 1.2, f"in a lull: CPU per query / HAProxy's, {workload}")
    yield _ratio(result, "storm-fake/8", LULL, HAPROXY, 0.9, "CPU per connection, storm / HAProxy's, cheap server")
    yield _ratio(result, "storm-mysql/8", LULL, HAPROXY, 0.9, "CPU per connection, storm / HAProxy's, MariaDB")


def _cpu(result):
    for protocol in ("prepared", "simple"):
        key = f"select-{protocol}/8"
        yield _ratio(result, key, LULL, HAPROXY, 0.95, f"CPU per query / HAProxy's, {protocol}")
        yield _ratio(result, key, LULL, PGBOUNCER, 1.05, f"CPU per query / PgBouncer's, {protocol}")
        yield _ratio(result, key, IN_LULL, HAPROXY, 1.2, f"in a lull: CPU per query / HAProxy's, {protocol}")


def _copy_and_storm(result):
    yield _ratio(result, "copy/1", LULL, HAPROXY, 0.8, "CPU per MB of a large COPY / HAProxy's")
    yield _ratio(result, "storm-fake/8", LULL, HAPROXY, 0.9, "CPU per connection, storm / HAProxy's, cheap server")
    yield _ratio(result, "storm-pg/8", LULL, HAPROXY, 0.9, "CPU per connection, storm / HAProxy's, PostgreSQL")


def _ratio(result, key, name, base, limit, figure):
    rounds = result.get("speed", {}).get(key, {})
    spread = stats.ratio(rounds.get(name, []), rounds.get(base, []), "cpu_us")
    if spread is None:
        return None
    between = f"{spread.low:.2f}..{spread.high:.2f}"
    return Verdict(figure, f"<= {limit:.2f}", f"{spread.median:.2f}", between, spread.median <= limit)


def _syscalls(result):
    calls = result.get("syscalls", {}).get("prepared/1", {}).get(LULL)
    if calls is not None:
        yield Verdict("system calls per query, one connection, prepared", "<= 6.2", f"{calls:.1f}", "", calls <= 6.2)


def _memory(result, most):
    memory = result.get("memory", {})
    if LULL not in memory:
        return
    # 9,000, or the most that a lower limit of open files allows.
    count = str(memory["counts"][-1])
    each = memory[LULL]["per_session"][count]
    others = [name for name in (HAPROXY, PGBOUNCER) if name in memory]
    peers = ", ".join(f"{name} {memory[name]['per_session'][count]:,.0f}" for name in others)
    yield Verdict(f"bytes per idle session at {int(count):,}", f"<= {most:,}", f"{each:,.0f}", peers, each <= most)
    back = memory[LULL]["given_back"]
    after = f"{memory[LULL]['after'] / MIB:.1f} MiB left"
    yield Verdict("of that given back after close", ">= 80 %", f"{100 * back:.0f} %", after, back >= 0.8)


def _latency(result):
    for protocol in ("prepared", "simple"):
        rounds = result.get("speed", {}).get(f"select-{protocol}/1", {})
        more = stats.difference(rounds.get(LULL, []), rounds.get(HAPROXY, []), "p50_us")
        if more:
            figure = f"median latency, one connection: us above HAProxy's, {protocol}"
            between = f"{more.low:+.0f}..{more.high:+.0f}"
            yield Verdict(figure, "<= 0", f"{more.median:+.0f}", between, more.median <= 0)
