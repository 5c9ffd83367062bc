"""Reports over skewed events: ours, by hand in DuckDB's SQL, by ClickHouse and by polars.

Figures are CPU seconds, of all threads. Every engine's answer must be the same.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import frames, report_sql
from benchmarks.measure import SHARED, Run, measure
from benchmarks.skewed import FROM, STEPS, TO

if TYPE_CHECKING:
    from mixpanel_data.reports import Reports

Answer = Callable[[], Any]

_RANGE: Any = {"from_date": FROM, "to_date": TO}
_ENTRIES: Any = {"from_date": FROM, "to_date": report_sql.LAST_ENTRY}
_BORN: Any = {"born_event": "app_open", "interval_count": 59, **_RANGE}


def _line(series: dict[str, dict[str, Any]]) -> list[Any]:
    """Return what is not zero, by segment and day."""
    return [[*at, n] for name, days in series.items() for *at, n in _points(name, days) if n]


def _points(name: str, days: dict[str, Any]) -> list[list[Any]]:
    return [[name, day, n] for day, n in days.items()]


def _cohorts(reports: Reports, **options: Any) -> list[Any]:
    cohorts = reports.retention(**_BORN, **options).cohorts
    return [[c.date, n, users] for c in cohorts for n, users in enumerate(c.counts) if users]


def _sessions(reports: Reports) -> list[Any]:
    return [list(row) for row in reports.sessions(**_RANGE).df.itertuples(index=False)]


QUESTIONS: dict[str, Callable[[Reports], Any]] = {
    "daily uniques": lambda r: _line(r.segmentation(measure="unique", **_RANGE).series),
    "MAU line": lambda r: _line(r.segmentation(measure="mau", **_RANGE).series),
    "funnel, uniques": lambda r: [step.count for step in r.funnel(STEPS, **_ENTRIES).steps],
    "funnel, totals": lambda r: [
        step.count for step in r.funnel(STEPS, count="totals", **_ENTRIES).steps
    ],
    "retention, birth": _cohorts,
    "retention, recurring": lambda r: _cohorts(r, retention_type="recurring"),
    "sessions": _sessions,
    "breakdown by a property": lambda r: _line(
        r.segmentation("page_view", on="country", **_RANGE).series
    ),
}


def plain(value: Any) -> Any:
    """Return an answer's rows in order, of lists, text and numbers."""
    if isinstance(value, (list, tuple)):
        rows = [plain(item) for item in value]
        return sorted(rows) if rows and isinstance(rows[0], list) else rows
    if isinstance(value, date):
        return value.isoformat()[:10]
    return value if isinstance(value, str) else float(value)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return one == other if isinstance(one, str) else math.isclose(one, other, rel_tol=1e-9)


def agreed(folder: Path, question: str, answer: Any) -> None:
    """Check an answer against that of the engine that was asked first.

    Raises:
        ValueError: they differ.
    """
    file = folder / SHARED / f"{question}.json"
    # Who does not name a line's only segment has one column less.
    found = [row[-2:] if question in _LINES else row for row in plain(answer)]
    if not file.exists():
        file.write_text(json.dumps(found))
    elif not _same(first := json.loads(file.read_text()), found):
        pair = next((pair for pair in zip(first, found) if not _same(*pair)), None)
        raise ValueError(f"Answers of {question} differ: {len(first)}, {len(found)} rows, {pair}")


_LINES = ("daily uniques", "MAU line")


def _cpu(action: Answer) -> tuple[float, Any]:
    """Return the least CPU seconds of three, and what *action* returns."""
    seconds = []
    for _ in range(3):
        start = time.process_time()
        answer = action()
        seconds.append(time.process_time() - start)
    return min(seconds), answer


def _ours(question: str, file: str) -> Run:
    def run(folder: Path, count: int) -> float:
        from mixpanel_data import StorageEngine

        with StorageEngine(folder / SHARED / file, read_only=True) as storage:
            reports = storage.reports("events")
            seconds, answer = _cpu(lambda: QUESTIONS[question](reports))
        if file == "skewed.db":
            agreed(folder, question, answer)
        return seconds

    return run


def _by_hand(question: str) -> Run:
    def run(folder: Path, count: int) -> float:
        import duckdb

        with duckdb.connect(str(folder / SHARED / "skewed.db"), read_only=True) as connection:
            text = report_sql.DUCKDB[question]
            seconds, answer = _cpu(lambda: connection.execute(text).fetchall())
        agreed(folder, question, answer[0] if question.startswith("funnel") else answer)
        return seconds

    return run


def _clickhouse(question: str) -> Run:
    def run(folder: Path, count: int) -> float:
        from chdb.session import Session

        session = Session(str(folder / SHARED / "skewed.ch"))
        text = report_sql.CLICKHOUSE[question]
        seconds, answer = _cpu(lambda: str(session.query(text, "JSONCompactEachRow")))
        rows = [json.loads(line) for line in answer.splitlines()]
        numbers = [[_number(item) for item in row] for row in rows]
        agreed(folder, question, numbers[0] if question.startswith("funnel") else numbers)
        return seconds

    return run


def _number(item: Any) -> Any:
    # 64-bit integers come as text.
    return int(item) if isinstance(item, str) and item.isdecimal() else item


def _polars(question: str) -> Run:
    def run(folder: Path, count: int) -> float:
        import polars as pl

        events = pl.scan_parquet(folder / SHARED / "skewed.parquet")
        seconds, answer = _cpu(lambda: frames.ANSWERS[question](events))
        agreed(folder, question, answer)
        return seconds

    return run


ENGINES: dict[str, tuple[Callable[[str], Run], str]] = {
    "ours": (lambda question: _ours(question, "skewed.db"), "skewed.db"),
    "ours, with a bot": (lambda question: _ours(question, "skewed_bot.db"), "skewed_bot.db"),
    "ours, twice the rows": (lambda question: _ours(question, "twice.db"), "twice.db"),
    "DuckDB by hand": (_by_hand, "skewed.db"),
    "ClickHouse": (_clickhouse, "skewed.ch"),
    "polars": (_polars, "skewed.parquet"),
}

for _question in QUESTIONS:
    for _engine, (_make, _needs) in ENGINES.items():
        # Ten times the rows of the generator's: five times for the others.
        _share = 10 if _needs == "twice.db" else 5
        measure(f"{_question}: {_engine}", unit="CPU s", share=_share, needs=_needs)(
            _make(_question)
        )
