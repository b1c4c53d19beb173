"""The rounds: in each, every workload is driven through every target, one after the other. Targets take turns in
going first, so that a slow drift of the machine, or what the one before leaves behind, hits all of them alike."""

import os

from . import probe, targets, workloads


def chosen_workloads(options):
    return [workload for workload in all_workloads(options, options.conns) if options.wants(workload.name)]


def all_workloads(options, conns):
    if options.family == "mysql":
        ways = [("text", False), ("prepared", True)]
        every = [workloads.sysbench(f"point-{way}", "oltp_point_select", ps, c) for way, ps in ways for c in conns]
        every += [workloads.sysbench(f"read-only-{way}", "oltp_read_only", ps, 8) for way, ps in ways]
        every += [workloads.storm("storm-mysql", "real", "mysql", 8), workloads.storm("storm-fake", "fake", "mysql", 8)]
    else:
        every = [workloads.select(p, c) for p in ("simple", "extended", "prepared") for c in conns]
        storm_fake = workloads.storm("storm-fake", "fake", "postgresql", 8)
        every += [workloads.storm_pg(8), storm_fake, workloads.copy()]
    return every


class Stand:
    """All targets, up and running in front of the backends that the workloads need."""

    def __init__(self, nest, tools, options, real, fake):
        self.nest, self.tools = nest, tools
        self.by_backend = {"real": {}, "fake": {}}
        for name in options.targets:
            if real:
                self.by_backend["real"][name] = targets.start(nest, tools, name, real.port, 300, "real", options.family)
            if fake and name != targets.IN_LULL:
                port = fake.ports[targets.ALL.index(name)]
                self.by_backend["fake"][name] = targets.start(nest, tools, name, port, 300, "fake", options.family)

    def _last_words(self, target):
        return f"its log ends:\n{self.nest.log_tail(target.process.bench_name)}" if target.process else ""

    def stop(self):
        for group in self.by_backend.values():
            for target in group.values():
                if target.process:
                    self.nest.stop(target.process)

    def measure(self, workload, name, secs):
        """One run: a flat dict of figures, per unit of the workload."""
        target = self.by_backend[workload.backend][name]
        before = probe.settled_cost(target.pid) if target.pid else None
        try:
            run = workload.drive(self.tools, self.nest, target.port, secs)
        except RuntimeError as failure:
            raise RuntimeError(f"{workload.key} through {name}: {failure}\n{self._last_words(target)}") from None
        figures = {"rate": run.rate, "units": run.units, "seconds": run.seconds, "load": os.getloadavg()[0]}
        if target.pid:
            spent = probe.settled_cost(target.pid) - before
            figures["cpu_us"] = spent.cpu_ns / 1000 / run.units
            figures["switches"] = spent.switches / run.units
        if run.p50_us is not None:
            figures["p50_us"] = run.p50_us
        return figures


def run_rounds(stand, options, say):
    """{workload key: {target: [figures of each round]}}; round 0 warms up and is thrown away."""
    chosen = chosen_workloads(options)
    results = {workload.key: {name: [] for name in options.targets} for workload in chosen}
    for number in range(options.rounds + 1):
        warm_up = number == 0
        secs = min(options.secs, 0.3) if warm_up else options.secs
        say("warm-up" if warm_up else f"round {number} of {options.rounds}")
        for position, workload in enumerate(chosen):
            names = [name for name in options.targets if not workload.excludes(name)]
            first = (number + position) % len(names)
            for name in names[first:] + names[:first]:
                figures = stand.measure(workload, name, secs)
                if not warm_up:
                    results[workload.key][name].append(figures)
    return results
