"""The questions of the reports as lazy frames of polars."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from benchmarks.skewed import STEPS

Lazy = Any

_GRACE, _WINDOW = timedelta(seconds=2), timedelta(days=7)
_LAST = date(2025, 3, 1)
_ENTRY = datetime(2025, 2, 15)


def _rows(frame: Lazy) -> list[Any]:
    return list(frame.collect().rows())


def _user_days(events: Lazy) -> Lazy:
    import polars as pl

    return events.select(u="distinct_id", d=pl.col("event_time").dt.date()).unique()


def _daily(events: Lazy) -> list[Any]:
    import polars as pl

    return _rows(_user_days(events).group_by("d").agg(pl.len()))


def _monthly(events: Lazy) -> list[Any]:
    import polars as pl

    days = _user_days(events).collect()
    each = [_LAST - timedelta(days=n) for n in range(60)]
    month = timedelta(days=29)
    return [(d, days.filter(pl.col("d").is_between(d - month, d))["u"].n_unique()) for d in each]


def _steps(events: Lazy) -> Any:
    import polars as pl

    found = events.select(u="distinct_id", t="event_time", n="event_name")
    return found.filter(pl.col("n").is_in(list(STEPS))).collect()


def _attempt(events: Any, entries: Any) -> list[Any]:
    """Return the users who reach each step from the first of their entries, with its time."""
    import polars as pl

    time, last = pl.col("t").min(), pl.max_horizontal("last", "tk")
    reached = [entries.group_by("u").agg(t1=time, tk=time, last=time)]
    for name in STEPS[1:]:
        step = events.filter(pl.col("n") == name).select("u", "t")
        tried = reached[-1].join(step, on="u").filter(
            pl.col("t") >= pl.col("tk") - _GRACE, pl.col("t") <= pl.col("t1") + _WINDOW
        )  # fmt: skip
        found = tried.group_by("u").agg(pl.col("t1", "last").first(), tk=time)
        # The grace lets a step come before the one before it.
        reached.append(found.with_columns(last=last))
    return reached


def _entries(events: Any) -> Any:
    import polars as pl

    return events.filter(pl.col("n") == STEPS[0], pl.col("t") < _ENTRY).select("u", "t")


def _uniques(events: Lazy) -> list[int]:
    steps = _steps(events)
    return [len(reached) for reached in _attempt(steps, _entries(steps))]


def _totals(events: Lazy) -> list[int]:
    """Return the sums of rounds of one attempt of every user, from where the last one was left."""
    import polars as pl

    steps = _steps(events)
    entries, counts = _entries(steps), [0, 0, 0, 0]
    while len(entries):
        reached = _attempt(steps, entries)
        counts = [count + len(found) for count, found in zip(counts, reached)]
        done = reached[-1].select("u", done="last")
        left = reached[0].join(done, on="u", how="left").select(
            "u", closed=pl.coalesce("done", pl.col("t1") + _WINDOW)
        )  # fmt: skip
        entries = entries.join(left, on="u").filter(pl.col("t") > pl.col("closed"))
        entries = entries.select("u", "t")
        steps = steps.join(entries.select("u").unique(), on="u", how="semi")
    return counts


def _cohorts(events: Lazy, keys: list[str]) -> list[Any]:
    """Return who came back; a return at the birth itself must be another event."""
    import polars as pl

    time = pl.col("event_time")
    named = events.select("event_name", u="distinct_id", t=time, c=time.dt.date())
    born = named.filter(pl.col("event_name") == "app_open")
    first = born.group_by(keys).agg(t0=pl.col("t").min())
    first = first.select("u", "t0", c=pl.col("t0").dt.date())
    every = events.select(u="distinct_id", t=time)
    days = every.group_by("u", pl.col("t").dt.date().alias("d")).agg(
        low=pl.col("t").min(), high=pl.col("t").max()
    )
    met = first.join(days, on="u")
    after = [
        met.filter(pl.col(side) > pl.col("t0")).select(
            "u", "c", n=(pl.col(side) - pl.col("t0")).dt.total_days()
        )
        for side in ("low", "high")
    ]
    same = first.join(every, left_on=["u", "t0"], right_on=["u", "t"]).group_by("u", "c").len()
    at_once = same.filter(pl.col("len") > 1).select("u", "c", n=pl.lit(0, pl.Int64))
    returns = pl.concat([*after, at_once]).unique()
    return _rows(returns.group_by("c", "n").agg(pl.len()))


def _sessions(events: Lazy) -> list[Any]:
    import polars as pl

    t = pl.col("t")
    sorted_ = events.select(u="distinct_id", t="event_time").sort("u", "t")
    before, user = t.shift(1), pl.col("u") != pl.col("u").shift(1)
    pause = t - before > timedelta(minutes=30)
    new = (user | pause | (t.dt.date() != before.dt.date())).fill_null(True)
    found = (
        sorted_.with_columns(k=new.cum_sum())
        .group_by("k")
        .agg(
            d=t.min().dt.date(),
            u=pl.col("u").first(),
            n=pl.len(),
            s=(t.max() - t.min()).dt.total_microseconds() / 1e6,
        )
    )
    s = pl.col("s")
    return _rows(
        found.group_by("d").agg(
            pl.len(), pl.col("u").n_unique(), pl.col("n").sum(), s.mean(), s.median().alias("m")
        )
    )


def _breakdown(events: Lazy) -> list[Any]:
    import polars as pl

    views = events.filter(pl.col("event_name") == "page_view").select(
        d=pl.col("event_time").dt.date(), c=pl.col("properties").str.json_path_match("$.country")
    )
    return _rows(views.group_by("c", "d").agg(pl.len()))


ANSWERS: dict[str, Callable[[Lazy], list[Any]]] = {
    "daily uniques": _daily,
    "MAU line": _monthly,
    "funnel, uniques": _uniques,
    "funnel, totals": _totals,
    "retention, birth": lambda events: _cohorts(events, ["u"]),
    "retention, recurring": lambda events: _cohorts(events, ["u", "c"]),
    "sessions": _sessions,
    "breakdown by a property": _breakdown,
}
