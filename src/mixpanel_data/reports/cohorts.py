"""From the rows of a retention to its cohorts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from itertools import accumulate
from typing import Any

from mixpanel_data.reports.results.base import mean
from mixpanel_data.reports.results.retention import CohortInfo
from mixpanel_data.reports.retention_question import ROLLING_DAYS, Question
from mixpanel_data.reports.source import OTHER
from mixpanel_data.reports.times import bucket_after, label_of, start_of

# By cohort, by bucket: users; the bucket None is the size.
_Counts = dict[str, dict[int | None, int]]


def cohorts(
    rows: Iterable[Sequence[Any]], question: Question, as_of: datetime
) -> tuple[list[CohortInfo], dict[str, list[CohortInfo]]]:
    """Return the cohorts of everybody, and of each segment.

    Every period of the range is there. *as_of* is the end of the data, in UTC. Segments are in the
    order of their sizes, the largest first, equal ones by name, ``$other`` last.
    """
    everybody: _Counts = {}
    by_segment: dict[str, _Counts] = {}
    for cohort, *segment, bucket, users in rows:
        every = not segment or segment[0] is None
        counts = everybody if every else by_segment.setdefault(segment[0], {})
        counts.setdefault(label_of(cohort), {})[bucket] = users
    size = {
        name: sum(line.get(None, 0) for line in counts.values())
        for name, counts in by_segment.items()
    }
    names = sorted(by_segment, key=lambda name: (name == OTHER, -size[name], name))
    segments = {name: _infos(by_segment[name], question, as_of) for name in names}
    return _infos(everybody, question, as_of), segments


def _infos(counts: _Counts, question: Question, as_of: datetime) -> list[CohortInfo]:
    infos = []
    for label in question.period.labels(question.unit):
        line = counts.get(label, {})
        size = line.get(None, 0)
        found = _summed(line, question)
        infos.append(
            CohortInfo(
                date=label,
                size=size,
                retention=[mean(users, size) for users in found],
                counts=tuple(found),
                complete=_complete(label, question, as_of),
            )
        )
    return infos


def _summed(line: dict[int | None, int], question: Question) -> list[int]:
    buckets = range(len(question.edges))
    users = {bucket: number for bucket, number in line.items() if bucket is not None}
    if question.counting == "on":
        return [users.get(bucket, 0) for bucket in buckets]
    if question.counting == "on_or_before":
        return list(accumulate(users.get(bucket, 0) for bucket in buckets))
    # A streak of n buckets reaches bucket n - 1.
    least = 1 if question.counting == "streak" else 0
    return [
        sum(number for last, number in users.items() if last >= bucket + least)
        for bucket in buckets
    ]


def _complete(label: str, question: Question, as_of: datetime) -> tuple[bool, ...]:
    """Return which buckets had ended for whoever was born last in the cohort."""
    start, period = date.fromisoformat(label), question.period
    if question.calendar:
        ends = [
            start_of(bucket_after(start, question.unit, edge), period.zone)
            for edge in question.edges
        ]
    else:
        last = min(bucket_after(start, question.unit), period.last + timedelta(days=1))
        born, days = start_of(last, period.zone), ROLLING_DAYS[question.unit]
        ends = [born + timedelta(days=edge * days) for edge in question.edges]
    return tuple(end <= as_of for end in ends)


def average(infos: Sequence[CohortInfo]) -> tuple[float | None, ...]:
    """Return the average of each bucket over the cohorts for which it is complete.

    As Mixpanel documents it, sizes weigh twice: counts and sizes are both weighted by the cohort's
    share of all users (…/docs/reports/retention, "Average"). None where no cohort is complete.
    """
    found: list[float | None] = []
    for bucket in range(len(infos[0].counts) if infos else 0):
        done = [info for info in infos if info.complete[bucket]]
        sizes = sum(info.size**2 for info in done)
        kept = sum(info.counts[bucket] * info.size for info in done)
        found.append(kept / sizes if sizes else None)
    return tuple(found)
