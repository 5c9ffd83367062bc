"""Typed rows: what they cost and save, in CPU time of the process, on realistic events."""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import realistic
from benchmarks.loads import EXPORT, TABLE
from benchmarks.measure import SHARED, measure
from benchmarks.rows import metadata

if TYPE_CHECKING:
    from mixpanel_data import StorageEngine

FILE, DATABASE = "realistic.jsonl", "typed.db"
PROPERTIES = ("$browser", "mp_country_code", "plan", "$os")
# As one would make them by hand, beside the columns of events.
HAND = """CREATE TABLE hand AS SELECT *, properties->>'$."$browser"' AS browser,
    properties->>'mp_country_code' AS country, properties->>'plan' AS plan,
    properties->>'$."$os"' AS os, CAST(properties->>'revenue' AS DOUBLE) AS revenue,
    CAST(properties->>'$."$screen_width"' AS BIGINT) AS width FROM e"""


def cpu(action: Callable[[], object]) -> float:
    """Return the seconds of CPU time, of all threads, that *action* takes."""
    before = time.process_time()
    action()
    return time.process_time() - before


def write_typed(path: Path, count: int) -> None:
    """Write a database of realistic events ``e`` with typed rows, and ``hand`` beside them."""
    from mixpanel_data import StorageEngine

    with StorageEngine(path) as storage:
        file = path.with_name(FILE)
        if not file.exists():
            realistic.write_export(file, count)
        storage.load_export("e", file, metadata())
        storage.execute_rows(HAND)
        storage.optimize("e")


@measure("realistic: by hand, keyed", unit="CPU s", needs=FILE)
def by_hand(folder: Path, count: int) -> float:
    import duckdb

    connection = duckdb.connect(str(folder / "native.db"))
    connection.execute(TABLE.format(key="PRIMARY KEY"))
    insert = "INSERT INTO e " + EXPORT.format(path=folder / SHARED / FILE)
    return cpu(lambda: connection.execute(insert))


@measure("realistic: an export", unit="CPU s", needs=FILE)
def export(folder: Path, count: int) -> float:
    from mixpanel_data import StorageEngine

    with StorageEngine(folder / "ours.db") as storage:
        return cpu(lambda: storage.load_export("e", folder / SHARED / FILE, metadata()))


@measure("realistic: create from an iterator", unit="CPU s", share=0.5)
def create(folder: Path, count: int) -> float:
    from mixpanel_data import StorageEngine

    rows = realistic.events(count)
    with StorageEngine(folder / "ours.db") as storage:
        return cpu(lambda: storage.create_events_table("e", rows, metadata()))


@measure("realistic: optimize", unit="CPU s", needs=DATABASE)
def optimize(folder: Path, count: int) -> float:
    with _copied(folder) as storage:
        storage.optimize("e", limit=0)
        return cpu(lambda: storage.optimize("e"))


@measure("realistic: size of the file with typed rows / without", unit="ratio", needs=DATABASE)
def size(folder: Path, count: int) -> float:
    from mixpanel_data import maintenance

    sizes = []
    for typed in (True, False):
        with _copied(folder) as storage:
            storage.execute_rows("DROP TABLE hand")
            if not typed:
                storage.optimize("e", limit=0)
        sizes.append(maintenance.compact(folder / "ours.db")[1])
    return sizes[0] / sizes[1]


@measure("realistic: a tenth more, typed rows / none", unit="ratio", needs=DATABASE)
def append(folder: Path, count: int) -> float:
    rows = list(realistic.events(count // 10, seed=2))
    spent: dict[bool, list[float]] = {False: [], True: []}
    # By turns, and the first ones do not count: they do what a process does once.
    for typed in (False, True) * 4:
        with _copied(folder) as storage:
            if not typed:
                storage.optimize("e", limit=0)
            spent[typed].append(_appended(storage, rows))
    return statistics.median(spent[True][1:]) / statistics.median(spent[False][1:])


def _appended(storage: StorageEngine, rows: list[Any]) -> float:
    # Past ``index_limit`` rows the first one rebuilds the table.
    storage.append_events_table("e", rows[:10], metadata())
    storage.execute_rows("CHECKPOINT")

    def append_and_write() -> None:
        storage.append_events_table("e", rows[10:], metadata())
        # DuckDB does it by itself once the log is long, sooner or later in the one or the other.
        storage.execute_rows("CHECKPOINT")

    return cpu(append_and_write)


@contextmanager
def _copied(folder: Path) -> Iterator[StorageEngine]:
    from mixpanel_data import StorageEngine

    shutil.copy(folder / SHARED / DATABASE, folder / "ours.db")
    with StorageEngine(folder / "ours.db") as storage:
        yield storage


def _ratio(one: Callable[[], object], other: Callable[[], object], times: int = 9) -> float:
    """Return the ratio of CPU times, each of several runs together, taken by turns."""
    one(), other()

    def several(action: Callable[[], object]) -> None:
        for _ in range(5):
            action()

    return statistics.median(
        cpu(lambda: several(one)) / cpu(lambda: several(other)) for _ in range(times)
    )


@contextmanager
def _asked(folder: Path) -> Iterator[tuple[StorageEngine, Any, Any]]:
    """Yield an engine with ``e`` and ``hand`` in memory, and both as tables."""
    import sqlalchemy as sa

    with _copied(folder) as storage:
        hand = sa.Table("hand", sa.MetaData(), autoload_with=storage.engine)
        yield storage, storage.table("e"), hand


def _select(table: Any, columns: list[Any], *where: Any, value: Any = None) -> Any:
    import sqlalchemy as sa

    counted = sa.func.count() if value is None else sa.func.sum(value)
    return sa.select(*columns, counted).select_from(table).where(*where).group_by(*columns)


def _statements(e: Any, hand: Any) -> dict[str, tuple[Any, Any]]:
    p = e.c.properties
    texts = [p[name].as_string() for name in PROPERTIES]
    columns = [hand.c.browser, hand.c.country, hand.c.plan, hand.c.os]
    purchase = e.c.event_name == "purchase", hand.c.event_name == "purchase"
    width = p["$screen_width"].as_float() > 2500, hand.c.width > 2500
    return {
        "group by one": (_select(e, texts[:1]), _select(hand, columns[:1])),
        "one event, group by one": (
            _select(e, texts[1:2], purchase[0]),
            _select(hand, columns[1:2], purchase[1]),
        ),
        "sum of a number": (
            _select(e, texts[2:3], purchase[0], value=p["revenue"].as_float()),
            _select(hand, columns[2:3], purchase[1], value=hand.c.revenue),
        ),
        "numeric filter": (_select(e, [], width[0]), _select(hand, [], width[1])),
        "group by four": (_select(e, texts), _select(hand, columns)),
    }


def _register_questions() -> None:
    for name in ("group by one", "one event, group by one", "sum of a number", "numeric filter",
                 "group by four"):  # fmt: skip

        def question(folder: Path, count: int, name: str = name) -> float:
            with _asked(folder) as (storage, e, hand):
                ours, theirs = _statements(e, hand)[name]
                return _ratio(lambda: storage.query(ours), lambda: storage.query(theirs))

        def with_json(folder: Path, count: int, name: str = name) -> float:
            with _asked(folder) as (storage, e, hand):
                ours, theirs = _statements(e, hand)[name]
                json = storage.engine.connect()
                return _ratio(lambda: json.execute(ours).all(), lambda: storage.query(theirs), 3)

        measure(f"typed: {name} / by hand", unit="ratio", needs=DATABASE)(question)
        measure(f"JSON: {name} / by hand", unit="ratio", needs=DATABASE)(with_json)


_register_questions()


@measure("typed: four in SQL text over the view / by hand", unit="ratio", needs=DATABASE)
def view(folder: Path, count: int) -> float:
    names = ", ".join(f'"{name}"' for name in PROPERTIES)
    ours = f"SELECT {names}, count(*) FROM typed.e GROUP BY ALL"
    theirs = "SELECT browser, country, plan, os, count(*) FROM hand GROUP BY ALL"
    with _asked(folder) as (storage, _, _):
        return _ratio(lambda: storage.execute_rows(ours), lambda: storage.execute_rows(theirs))


@measure("JSON: four by one parse / each by its own", unit="ratio", needs=DATABASE)
def one_parse(folder: Path, count: int) -> float:
    with _asked(folder) as (storage, e, hand):
        storage.optimize("e", limit=0)
        ours = _statements(e, hand)["group by four"][0]
        json = storage.engine.connect()
        return _ratio(lambda: storage.query(ours), lambda: json.execute(ours).all(), 3)


def _column(name: str, type_: type = str) -> Any:
    import sqlalchemy as sa

    return sa.column(name, {str: sa.String, int: sa.BigInteger, float: sa.Double}[type_])


def _report(folder: Path, ask: Callable[[Any, Any], dict[str, Any]], by: Any) -> float:
    with _asked(folder) as (storage, _, _):
        days = {"from_date": "2025-01-01", "to_date": "2025-03-31", "unit": "total"}
        ours, theirs = storage.reports("e"), storage.reports("hand")
        return _ratio(
            lambda: ours.segmentation(**ask(None, days)),
            lambda: theirs.segmentation(**ask(by, days)),
            times=5,
        )


@measure("typed: a report by one property / by hand", unit="ratio", needs=DATABASE)
def report_by(folder: Path, count: int) -> float:
    def ask(column: Any, days: Any) -> dict[str, Any]:
        return {**days, "event": None, "on": "$browser" if column is None else column}

    return _report(folder, ask, _column("browser"))


@measure("typed: a report of a sum by one property / by hand", unit="ratio", needs=DATABASE)
def report_of(folder: Path, count: int) -> float:
    def ask(columns: Any, days: Any) -> dict[str, Any]:
        of, on = ("revenue", "plan") if columns is None else columns
        return {**days, "event": "purchase", "measure": "sum", "of": of, "on": on}

    return _report(folder, ask, (_column("revenue", float), _column("plan")))


@measure("typed: a report with a numeric filter / by hand", unit="ratio", needs=DATABASE)
def report_where(folder: Path, count: int) -> float:
    def ask(column: Any, days: Any) -> dict[str, Any]:
        ours = 'properties["$screen_width"] > 2500'
        return {**days, "event": None, "where": ours if column is None else column > 2500}

    return _report(folder, ask, _column("width", int))


@measure("typed: looking the registry up", unit="ms", needs=DATABASE)
def registry(folder: Path, count: int) -> float:
    from mixpanel_data._internal.duckdb import typed_guard

    with _asked(folder) as (storage, _, _):
        raw, name = storage.connection, _database(storage)
        return 1000 * _median(lambda: typed_guard.state(raw, name))


@measure("typed: rewriting a statement", unit="ms", needs=DATABASE)
def rewriting(folder: Path, count: int) -> float:
    from mixpanel_data._internal.duckdb import typed_guard
    from mixpanel_data._internal.duckdb.backend import serving
    from mixpanel_data._internal.schema import typed

    with _asked(folder) as (storage, e, hand):
        state = typed_guard.state(storage.connection, _database(storage))
        statement = _statements(e, hand)["group by four"][0]
        return 1000 * _median(lambda: serving.serve(statement, typed.current(state, ["e"])))


def _database(storage: StorageEngine) -> str:
    return str(storage.execute_scalar("SELECT current_database()"))


def _median(action: Callable[[], object]) -> float:
    return statistics.median(cpu(lambda: [action() for _ in range(20)]) / 20 for _ in range(9))
