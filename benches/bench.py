"""The benchmark. Start it with benches/run.sh, which installs and builds what it needs; see benches/README.md."""

import argparse
import json
import os
import platform
import signal
import sys
import time
from pathlib import Path

from runner import memory, processes, profile, report, speed, syscalls, targets, verdicts
from runner.backends import FakeMySql, FakePostgres, MariaDb, Postgres
from runner.tools import ROOT, Missing, Tools

# What needs the real server, by family.
ON_REAL = {
    "postgresql": ["select-simple", "select-extended", "select-prepared", "storm-pg", "copy", "syscalls"],
    "mysql": ["point-text", "point-prepared", "read-only-text", "read-only-prepared", "storm-mysql", "syscalls"],
}
ON_FAKE = ["storm-fake", "memory"]
SERVERS = {"postgresql": (Postgres, FakePostgres), "mysql": (MariaDb, FakeMySql)}


def main():
    options = arguments()
    if options.render:
        result = json.loads(options.render.read_text())
        print(report.markdown(result), end="")
        return verdict_code(options, result)
    # Ctrl-C, SIGTERM and a closed terminal unwind the stack, so that everything that was started is stopped.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda got, _: sys.exit(128 + got))
    os.umask(0o022)
    try:
        result = measure(options, Tools(options.lull))
    except (Missing, RuntimeError) as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    path = save(result)
    print(report.markdown(result), end="", flush=True)
    say(f"written to {path.relative_to(ROOT)}")
    return verdict_code(options, result)


def measure(options, tools):
    descriptors = processes.raise_descriptor_limit()
    result = {"environment": environment(tools), "options": summary(options)}
    with processes.Nest(keep=options.keep) as nest:
        needs_real = options.profile or any(options.wants(group) for group in ON_REAL[options.family])
        needs_fake = options.wants("storm-fake") or options.wants("memory")
        say("starting the servers")
        real_server, fake_server = SERVERS[options.family]
        real = real_server(nest, tools) if needs_real else None
        fake = fake_server(nest, tools, len(targets.ALL)) if needs_fake else None
        stand = speed.Stand(nest, tools, options, real, fake if options.wants("storm-fake") else None)
        result["speed"] = speed.run_rounds(stand, options, say) if speed.chosen_workloads(options) else {}
        if options.wants("syscalls"):
            result["syscalls"] = syscalls.measure(stand, options, say)
        if options.profile:
            result["profile"] = profile.measure(stand, options, say)
        stand.stop()
        if options.wants("memory"):
            result["memory"] = memory.measure(nest, tools, options, fake, descriptors, say)
    result["environment"]["load_after"] = os.getloadavg()[0]
    return result


def arguments():
    names = ",".join(targets.ALL)
    about = "What lull costs, next to HAProxy and PgBouncer."
    parser = argparse.ArgumentParser(prog="benches/run.sh", description=about)
    add = parser.add_argument
    add("--rounds", type=int, default=7, help="measured rounds after one for warming up (default 7)")
    add("--secs", type=float, default=1.5, help="length of one run in a round (default 1.5)")
    add("--mysql", dest="family", action="store_const", const="mysql", default="postgresql", help="MariaDB's side")
    add("--only", type=words, help="comma list of workloads, or prefixes of them (see benches/README.md)")
    add("--targets", type=words, default=targets.ALL, help=f"comma list of targets (default {names})")
    add("--conns", type=numbers, default=[1, 8, 64], help="connections of the selects (default 1,8,64)")
    add("--sessions", type=numbers, default=[1000, 9000], help="idle sessions (default 1000,9000)")
    add("--lull", type=Path, default=ROOT / "target/release/lull", help="the lull binary to measure")
    add("--profile", action="store_true", help="also show where lull's time goes (perf)")
    add("--strict", action="store_true", help="exit with 1 if a target is missed")
    add("--keep", action="store_true", help="keep the temporary directory with its logs")
    add("--render", type=Path, metavar="JSON", help="only print an earlier result")
    options = parser.parse_args()
    groups = [*ON_REAL[options.family], *ON_FAKE]
    options.only = options.only or groups
    unknown = [name for name in options.targets if name not in targets.ALL]
    unknown += [word for word in options.only if not any(group.startswith(word) for group in groups)]
    if unknown or options.rounds < 1:
        parser.error(f"unknown: {', '.join(unknown)}" if unknown else "--rounds must be at least 1")
    options.targets = [name for name in targets.of(options.family) if name in options.targets]
    options.wants = lambda group: any(group.startswith(word) for word in options.only)
    return options


def words(text):
    return text.split(",")


def numbers(text):
    return [int(word) for word in text.split(",")]


def summary(options):
    return {name: getattr(options, name) for name in ("family", "rounds", "secs", "only", "targets", "conns", "sessions")}


def environment(tools):
    cpu = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "cpus": len(os.sched_getaffinity(0)),
        "cpu": cpu[0].split(":")[1].strip() if cpu else platform.machine(),
        "kernel": platform.release().split("-")[0],
        "versions": tools.versions(),
        "load_before": os.getloadavg()[0],
    }


def save(result):
    directory = ROOT / "build/bench"
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{time.strftime('%Y%m%d-%H%M%S')}.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    return path


def verdict_code(options, result):
    missed = [row for row in verdicts.all_verdicts(result) if not row.met]
    return 1 if options.strict and missed else 0


def say(text):
    # Progress goes to stderr: stdout is the Markdown and nothing else.
    print(f"bench: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
