"""Where lull's time goes, by symbol, while 8 connections run prepared selects. perf's clock event: works in virtual
machines too, which often have no hardware counters."""

import shutil
import signal
import subprocess
import time

from . import speed, targets

LINES = 40


def measure(stand, options, say):
    """{target: lines of perf's report} for lull without and with a lull open."""
    if not shutil.which("perf"):
        say("profile: perf is not installed, left out")
        return {}
    found = {}
    for name in (targets.LULL, targets.IN_LULL):
        target = stand.by_backend["real"].get(name)
        if target:
            say(f"profile of {name}")
            found[name] = _one(stand, target, options)
    return found


def _one(stand, target, options):
    data = stand.nest.dir / "perf.data"
    record = ["perf", "record", "-q", "-F", "1999", "-e", "cpu-clock", "-p", str(target.pid), "-o", str(data)]
    process = subprocess.Popen(record, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.3)
    case = {"postgresql": "select-prepared/8", "mysql": "point-prepared/8"}[options.family]
    every = {workload.key: workload for workload in speed.all_workloads(options, [8])}
    every[case].drive(stand.tools, stand.nest, target.port, options.secs)
    process.send_signal(signal.SIGINT)
    process.wait(30)
    report = ["perf", "report", "-i", str(data), "--stdio", "--sort", "dso,symbol"]
    text = subprocess.run(report, capture_output=True, text=True, timeout=120).stdout
    rows = [line.rstrip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return rows[:LINES]
