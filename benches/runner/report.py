"""Makes Markdown of a result. Works on the JSON alone, so that an old result can be printed again."""

from . import stats, verdicts
from .targets import ALL, DIRECT, HAPROXY, PGBOUNCER
from .verdicts import MIB


def markdown(result):
    parts = [_environment(result), _targets(result), _details(result), _syscalls(result), _memory(result)]
    parts += [f"### Profile of {name}\n\n```\n" + "\n".join(lines) + "\n```" for name, lines in _profile(result)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _environment(result):
    about, options = result["environment"], result["options"]
    versions = "; ".join(about["versions"].values())
    return (
        f"{about['cpus']} x {about['cpu']}, Linux {about['kernel']}; {versions}. "
        f"{options['rounds']} interleaved rounds of {options['secs']} s; load average {about['load_before']:.1f} "
        f"before, {about['load_after']:.1f} after. HAProxy in TCP mode with one thread, PgBouncer in session mode."
    )


def _targets(result):
    rows = [
        [row.figure, row.target, row.measured, row.spread, "met" if row.met else "**missed**"]
        for row in verdicts.all_verdicts(result)
    ]
    return _table("Against the targets", ["figure", "target", "median", "min..max, or peers", ""], rows, "lrrrl")


def _details(result):
    rows = []
    for key, per_target in result.get("speed", {}).items():
        workload, conns = key.split("/")
        for name in ALL:
            if per_target.get(name):
                rows.append([workload, conns, name, *_cells(per_target, name)])
    head = ["workload", "conns", "target", "rate /s", "of direct", "CPU us per unit", "/ HAProxy", "/ PgBouncer"]
    head += ["switches per unit", "p50 us", "added us"]
    title = "All figures (unit: query; storm: connection; copy: MB. Medians; ratios with [min..max] over the rounds)"
    return _table(title, head, rows, "lrlrrrrrrrr")


def _cells(per_target, name):
    rounds = per_target[name]
    bases = {base: per_target.get(base, []) for base in (DIRECT, HAPROXY, PGBOUNCER)}
    added = stats.difference(rounds, bases[DIRECT], "p50_us") if name != DIRECT else None
    return [
        _number(stats.median(rounds, "rate"), ",.0f"),
        _spread(stats.ratio(rounds, bases[DIRECT], "rate") if name != DIRECT else None),
        _number(stats.median(rounds, "cpu_us"), ",.1f"),
        _spread(stats.ratio(rounds, bases[HAPROXY], "cpu_us") if name != HAPROXY else None),
        _spread(stats.ratio(rounds, bases[PGBOUNCER], "cpu_us") if name != PGBOUNCER else None),
        _number(stats.median(rounds, "switches"), ".2f"),
        _number(stats.median(rounds, "p50_us"), ".0f"),
        _number(added.median if added else None, "+.0f"),
    ]


def _syscalls(result):
    found = dict(result.get("syscalls", {}))
    counter = found.pop("counter", None)
    names = [name for name in ALL if any(name in per_target for per_target in found.values())]
    rows = [[name, *(_number(found[case].get(name), ".1f") for case in found)] for name in names]
    head = ["target", *(case.replace("/", ", ") + " conn" for case in found)]
    return _table(f"System calls of the proxy per query (counted by {counter})", head, rows, "l" + "r" * len(found))


def _memory(result):
    memory = result.get("memory", {})
    rows = []
    for name in ALL:
        if name in memory:
            found = memory[name]
            each = [_number(value, ",.0f") for value in found["per_session"].values()]
            full = list(found["bytes"].values())[-1]
            sizes = [f"{size / MIB:.1f}" for size in (found["empty"], full, found["after"])]
            rows.append([name, *each, *sizes, f"{100 * found['given_back']:.0f} %"])
    counts = [f"bytes each at {count:,}" for count in memory.get("counts", [])]
    head = ["target", *counts, "empty MiB", "full MiB", "after close MiB", "given back"]
    return _table("Memory per idle logged-in session (PSS)", head, rows, "l" + "r" * (len(counts) + 4))


def _profile(result):
    return [(name, lines) for name, lines in result.get("profile", {}).items() if lines]


def _table(title, head, rows, alignment):
    if not rows:
        return ""
    rule = ["---:" if side == "r" else "---" for side in alignment]
    lines = ["| " + " | ".join(cells) + " |" for cells in [head, rule, *rows]]
    return f"### {title}\n\n" + "\n".join(lines)


def _number(value, form):
    return "" if value is None else format(value, form)


def _spread(spread):
    return "" if spread is None else f"{spread.median:.2f} [{spread.low:.2f}..{spread.high:.2f}]"
