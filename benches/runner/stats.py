"""Medians, and ratios that are taken within a round before anything is averaged: two runs a minute apart on a shared
machine say little about each other, two neighbours in one round do."""

import statistics
from dataclasses import dataclass


@dataclass
class Spread:
    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values):
        return cls(statistics.median(values), min(values), max(values)) if values else None


def figures(rounds, name):
    return [figure[name] for figure in rounds if name in figure]


def median(rounds, name):
    values = figures(rounds, name)
    return statistics.median(values) if values else None


def ratio(rounds, base, name):
    """Round by round, `name` of one target over that of another."""
    pairs = zip(figures(rounds, name), figures(base, name), strict=False)
    return Spread.of([mine / theirs for mine, theirs in pairs if theirs])


def difference(rounds, base, name):
    pairs = zip(figures(rounds, name), figures(base, name), strict=False)
    return Spread.of([mine - theirs for mine, theirs in pairs])
