"""What is counted, as Prometheus reads it.

See https://prometheus.io/docs/instrumenting/exposition_formats/. What each name means is in
docs/operate.md.
"""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from bot.github.heard import Heard, RateLimit
from bot.meters import Meters
from handlers.task import Status
from storage.census import Census
from storage.missed import Outcome
from storage.timings import Timings

MOST_INSTALLATIONS = 100
"""How many installations have a line each: those of which the least is left."""
OUTCOMES = ("accepted", "ignored", "duplicate", "refused", "failed")
CLASSES = ("2xx", "3xx", "4xx", "5xx", "none")

Row = tuple[tuple[str, ...], float]


@dataclass(frozen=True, slots=True)
class Readings:
    """All that is told; `folder` is the data folder."""

    meters: Meters
    heard: Heard
    commits: Timings
    census: Census
    ready: bool
    folder: Path
    now: datetime


def exposition(readings: Readings) -> bytes:
    """The text, in Prometheus' format; from a registry of its own."""
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    registry.register(_Told(readings))
    return generate_latest(registry)


class _Told(Collector):
    def __init__(self, readings: Readings) -> None:
        self._readings = readings

    def collect(self) -> Iterable[Metric]:
        readings = self._readings
        for part in (_itself, _deliveries, _tasks, _effects, _github, _storage):
            yield from part(readings)


def _itself(told: Readings) -> Iterator[Metric]:
    about = ((version("bellhop"), platform.python_version()), 1.0)
    yield _gauge("build_info", "This Bellhop.", [about], ("version", "python"))
    yield _gauge("ready", "1 while the work goes on.", [((), float(told.ready))])
    streams = float(told.meters.streams())
    yield _gauge("event_streams", "Event streams that are open.", [((), streams)])


def _deliveries(told: Readings) -> Iterator[Metric]:
    counted = _all(OUTCOMES, told.meters.deliveries)
    yield _counter("deliveries", "Webhook deliveries, by answer.", counted, ("outcome",))
    answers = {(): told.meters.answers}
    yield _histogram("delivery_answer_seconds", "From a delivery's head to its answer.", answers)
    waiting = float(told.census.deliveries)
    yield _gauge("deliveries_waiting", "Deliveries not dealt with.", [((), waiting)])
    yield from _missed(told)


def _missed(told: Readings) -> Iterator[Metric]:
    looks = _all(("done", "failed"), told.meters.looks)
    yield _counter("delivery_log_looks", "Looks at GitHub's log.", looks, ("result",))
    counted = _all([one.value for one in Outcome], told.meters.missed)
    yield _counter("missed_deliveries", "What the log had, by outcome.", counted, ("outcome",))
    waiting = float(told.census.missed)
    yield _gauge("missed_deliveries_waiting", "Of them, not dealt with.", [((), waiting)])


def _tasks(told: Readings) -> Iterator[Metric]:
    census = told.census
    counted = _all([status.value for status in Status], census.tasks)
    yield _gauge("tasks", "Tasks on record, by status.", counted, ("status",))
    waiting = float(census.in_line)
    yield _gauge("queue_length", "Tasks that wait for a place.", [((), waiting)])
    since = census.oldest_queued
    age = 0.0 if since is None else max(0.0, (told.now - since).total_seconds())
    yield _gauge("queue_oldest_seconds", "How long the first of them waits.", [((), age)])
    yield _histogram("queue_wait_seconds", "What attempts waited.", {(): told.meters.waits})
    took = {(status,): timings for status, timings in sorted(told.meters.attempts.items())}
    yield _histogram("attempt_seconds", "What attempts took.", took, ("status",))


def _effects(told: Readings) -> Iterator[Metric]:
    owed = sorted(told.census.effects.items())
    waiting: list[Row] = [((kind,), float(one.waiting)) for kind, one in owed]
    failing: list[Row] = [((kind,), float(one.failing)) for kind, one in owed]
    yield _gauge("effects_waiting", "Effects that are owed.", waiting, ("kind",))
    yield _gauge("effects_failing", "Those that failed at least once.", failing, ("kind",))
    tried: list[Row] = [(key, float(n)) for key, n in sorted(told.meters.effects.items())]
    yield _counter("effects", "Tries of effects, by result.", tried, ("kind", "outcome"))


def _github(told: Readings) -> Iterator[Metric]:
    calls = _all(CLASSES, told.heard.calls)
    yield _counter("github_calls", "Calls of GitHub's API, by answer.", calls, ("status",))
    yield _histogram("github_call_seconds", "What they took.", {(): told.heard.seconds})
    core = [
        (number, limit)
        for number, limits in told.heard.limits().items()
        for limit in limits
        if limit.resource == "core"
    ]
    core.sort(key=lambda one: one[1].remaining)
    rows = [((str(number),), _left(limit, told.now)) for number, limit in core]
    name = "github_limit_remaining"
    yield _gauge(name, "Calls that are left.", rows[:MOST_INSTALLATIONS], ("installation",))


def _left(limit: RateLimit, now: datetime) -> float:
    """What is left by now: all, once the time of which the answer spoke is over."""
    return float(limit.limit if limit.resets_at <= now.timestamp() else limit.remaining)


def _storage(told: Readings) -> Iterator[Metric]:
    commits = {(): told.commits}
    yield _histogram("transaction_seconds", "What transactions of the database took.", commits)
    sizes: list[Row] = [
        ((file.name,), float(file.stat().st_size))
        for file in sorted(told.folder.glob("*.db*"))
        if file.is_file()
    ]
    yield _gauge("database_bytes", "The database's files.", sizes, ("file",))
    free = float(shutil.disk_usage(told.folder).free)
    yield _gauge("disk_free_bytes", "Room where the data folder is.", [((), free)])


def _all(names: Iterable[str], counted: Mapping[str, int]) -> list[Row]:
    """A row for each name, so that what never happened is told as 0."""
    return [((name,), float(counted.get(name, 0))) for name in names]


def _gauge(
    name: str, about: str, rows: Iterable[Row], labels: tuple[str, ...] = ()
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"bellhop_{name}", about, labels=labels)
    for values, number in rows:
        family.add_metric(values, number)
    return family


def _counter(
    name: str, about: str, rows: Iterable[Row], labels: tuple[str, ...] = ()
) -> CounterMetricFamily:
    family = CounterMetricFamily(f"bellhop_{name}", about, labels=labels)
    for values, number in rows:
        family.add_metric(values, number)
    return family


def _histogram(
    name: str,
    about: str,
    rows: Mapping[tuple[str, ...], Timings],
    labels: tuple[str, ...] = (),
) -> HistogramMetricFamily:
    family = HistogramMetricFamily(f"bellhop_{name}", about, labels=labels)
    for values, timings in rows.items():
        buckets: list[tuple[str, float]] = []
        count = 0
        for bound, number in zip((*timings.bounds, "+Inf"), timings.counts, strict=True):
            count += number
            buckets.append((str(bound), float(count)))
        family.add_metric(values, buckets, timings.total)
    return family
