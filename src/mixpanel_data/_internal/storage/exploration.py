"""The calls of StorageEngine that show what is in a table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import wraps
from numbers import Integral
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import sqlalchemy as sa

from mixpanel_data._internal.exploration import answers, statements
from mixpanel_data._internal.schema import functions as fn
from mixpanel_data._internal.schema.event_names import warn_of_unknown
from mixpanel_data._internal.schema.properties import event_property, sql_text
from mixpanel_data._internal.schema.tables import converted, over
from mixpanel_data._internal.storage.inspection import InspectionMixin
from mixpanel_data._internal.storage.queries import QueryMixin
from mixpanel_data.exceptions import QueryError
from mixpanel_data.exploration import (
    ColumnStatsResult,
    EventBreakdownResult,
    PropertiesResult,
    PropertyDistributionResult,
    SummaryResult,
    WorkspaceInfo,
)

if TYPE_CHECKING:
    import pandas as pd

_SAMPLE = 20_000  # rows, about, that tell which properties have too many values to count them all
_TOP = 10

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


def _by_own_functions(call: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
    @wraps(call)
    def ask(*args: _Given.args, **kwargs: _Given.kwargs) -> _Result:
        storage: Any = args[0]
        with storage.own_functions():
            return call(*args, **kwargs)

    return ask


class ExplorationMixin(QueryMixin, InspectionMixin):
    """The calls that show what is in a table.

    All raise TableNotFoundError for a table that is not there, and QueryError naming the columns
    for one that lacks those they need. Times are naive and in UTC, percentages 0 to 100.
    """

    distinct_limit: int = 5_000

    @_by_own_functions
    def sample(self, table: str, n: int = 10, seed: int | None = None) -> pd.DataFrame:
        """Return *n* random rows, all where there are fewer; with a *seed* always the same ones.

        Raises:
            ValueError: *n* is negative.
        """
        return self.execute_df(self.sample_statement(table, n, seed))

    def sample_statement(self, table: str, n: int = 10, seed: int | None = None) -> sa.Select[Any]:
        """Return the select of ``sample``."""
        _check_size("n", n)
        return statements.sample(self.table(table), n, seed)

    @_by_own_functions
    def summarize(self, table: str) -> SummaryResult:
        """Return each column's type, range, quartiles and share of NULL; see ``ColumnSummary``."""
        rows = self.table(table)
        statement = fn.summarize(sa.select(rows))
        columns = [answers.summary(row) for row in self.execute_rows(statement)]
        count = columns[0].count if columns else 0
        return SummaryResult(str(rows.name), count, columns, **self._common(statement))

    @_by_own_functions
    def event_breakdown(self, table: str) -> EventBreakdownResult:
        """Return the events of a table by name, the most frequent first, with users and times."""
        rows = self._with_columns(table, "event_name", "event_time", "distinct_id")
        statement = statements.breakdown(rows)
        found = self.execute_rows(statement)
        return answers.breakdown(str(rows.name), found, **self._common(statement))

    @_by_own_functions
    def property_keys(self, table: str, event: str | None = None) -> list[str]:
        """Return the keys of all properties, or of those of one event, sorted."""
        return [row[0] for row in self.execute_rows(self.property_keys_statement(table, event))]

    def property_keys_statement(self, table: str, event: str | None = None) -> sa.Select[Any]:
        """Return the select of ``property_keys``."""
        return statements.keys(statements.rows_of(self._with_properties(table, event), event))

    @_by_own_functions
    def column_stats(
        self, table: str, column: str | sa.ColumnElement[Any], *, top_n: int = 10
    ) -> ColumnStatsResult:
        """Return how often a column is NULL, its different values, the most frequent, its range.

        *column* is the name of a column, one SQL expression over the table's columns
        (``properties->>'$.country'``), or a SQLAlchemy expression over ``table(name).c``.

        Raises:
            QueryError: the database refuses the expression.
            ValueError: *top_n* is negative.
        """
        _check_size("top_n", top_n)
        rows = self.table(table)
        value = self._expression(rows, column)
        dtype, is_number = self._backend.column_type(statements.column_values(rows, value))
        counts = statements.column_counts(rows, value, top_n)
        found = self.execute_rows(counts)
        every, there, different = found[0][2:] if found else (0, 0, 0)
        numbers = statements.column_numbers(rows, value)
        return ColumnStatsResult(
            str(rows.name),
            column if isinstance(column, str) else str(column),
            dtype,
            int(there),
            int(every - there),
            answers.percent(every - there, every),
            different,
            answers.percent(different, there),
            [(row[0], row[1]) for row in found[:top_n] if row[0] is not None],
            *(self.execute_rows(numbers)[0] if is_number else ()),
            **self._common(counts),
        )

    @_by_own_functions
    def properties(
        self, table: str, event: str | None = None, sample: int | None = None
    ) -> PropertiesResult:
        """Return each property's types, presence, values and days; see ``PropertyInfo``.

        Of all rows, of one *event*, or of *sample* random ones. One pass counts the rows; about
        20,000 of them, chosen by the hash of their key, show before it which properties have more
        than ``distinct_limit`` values. Of those ``distinct`` is an estimate, and ``top_values`` are
        the ones that these rows have twice.

        Raises:
            ValueError: *sample* is negative.
        """
        _check_size("sample", sample or 0)
        rows = converted(self._with_properties(table, event), "event_time")
        count = self.execute_scalar(
            sa.select(sa.func.count()).select_from(statements.rows_of(rows, event))
        )
        count = count if sample is None else min(count, sample)
        many: dict[str, list[str]] = {}
        keys: list[str] = []
        if count > _SAMPLE:
            share = -(-count // _SAMPLE)
            few = statements.one_of(rows, event, share)
            known = self._query_text(statements.frequent(few, self.distinct_limit))
            many = answers.frequent(known, self.distinct_limit, _TOP)
            # Where each row has few of all, looking each up in every row costs more than it saves.
            most = 2 * share * answers.usual_width(known, count)
            keys = list(dict.fromkeys(row.key for row in known))
            if sample is not None or len(keys) > most:
                keys = []
        chosen = statements.rows_of(rows, event, sample)
        statement = statements.properties(chosen, _TOP, many, keys)
        sql = getattr(self._backend.engine.dialect, "property_sql", sql_text)
        found = answers.properties(self._query_text(statement), count, many, sql)
        return PropertiesResult(str(rows.name), event, count, found, **self._common(statement))

    def property_values(
        self, table: str, key: str, event: str | None = None, limit: int = 255
    ) -> list[str]:
        """Return the most frequent values of a property as text, without null.

        Raises:
            UnknownPropertyError: no row has the property, though there are rows.
        """
        rows = self.property_distribution(table, event, key, limit=limit)
        return [answers.text_of(item.value) for item in rows.values]

    @_by_own_functions
    def property_distribution(
        self,
        table: str,
        event: str | None,
        property_name: str,
        *,
        from_date: str | date | None = None,
        to_date: str | date | None = None,
        limit: int = 20,
    ) -> PropertyDistributionResult:
        """Return the most frequent values of a property, with counts and shares.

        Of one *event*, or of all rows; from *from_date* to *to_date*, both inclusive, days of UTC.

        Raises:
            UnknownPropertyError: no row has the property, though there are rows.
            ValueError: a date is none from 1900 to 2199, or *limit* is negative.
        """
        _check_size("limit", limit)
        first, last = _day(from_date, "from_date"), _day(to_date, "to_date")
        dated = [] if first is last is None else ["event_time"]
        rows = self._with_properties(table, event, *dated)
        where = [] if event is None else [rows.c.event_name == event]
        if first is not None:
            where.append(rows.c.event_time >= first)
        if last is not None:
            where.append(rows.c.event_time < last + timedelta(days=1))
        statement = statements.values(rows, property_name, limit, where)
        found = self.execute_rows(statement)
        if not found:
            self._check_property(rows, property_name, event)
        return PropertyDistributionResult(
            event,
            property_name,
            None if first is None else first.isoformat(),
            None if last is None else last.isoformat(),
            int(found[0][2]) if found else 0,
            answers.value_counts(found),
            **self._common(statement),
        )

    def info(self) -> WorkspaceInfo:
        """Return the path, tables, their time zones, size and age of the database.

        ``created_at`` is aware, in UTC: the first load, or the file's own time where that is
        earlier; None for an empty database in memory.
        """
        size, since = self._backend.size()
        begun = [load.started_at for load in self.load_history()]
        begun += [] if since is None else [since]
        names = [table.name for table in self.list_tables()]
        found = {name: self._backend.metadata(name).time_zone for name in names}
        zones = {name: zone for name, zone in found.items() if zone is not None}
        return WorkspaceInfo(
            self._backend.path, names, round(size / 2**20, 2), min(begun, default=None), zones
        )

    def _query_text(self, statement: sa.Select[Any]) -> list[Any]:
        # With parameters in it DuckDB takes half as long again, or three times as long.
        return self.query(self.sql_text(statement))

    def _common(self, statement: sa.ClauseElement) -> dict[str, Any]:
        return {"statement": statement, "render": self.sql_text}

    def _with_properties(self, table: str, event: str | None, *others: str) -> sa.Table:
        named = [] if event is None else ["event_name"]
        rows = self._with_columns(table, "properties", *named, *others)
        if event is not None:
            warn_of_unknown(rows, [event], self.execute_rows)
        return rows

    def _with_columns(self, table: str, *needed: str) -> sa.Table:
        rows = self.table(table)
        if missing := [name for name in needed if name not in rows.c]:
            from mixpanel_data.reports.errors import NotEventsTableError

            raise NotEventsTableError(str(rows.name), missing)
        return converted(rows, *needed)

    def _expression(
        self, rows: sa.Table, column: str | sa.ColumnElement[Any]
    ) -> sa.ColumnElement[Any]:
        if not isinstance(column, str):
            return over(rows, column)
        if column in rows.c:
            return rows.c[column]
        # The line break ends a comment.
        text = f"({column}\n)"
        problem = self._backend.expression_problem(text)
        if problem is not None or not column.strip():
            problem = problem or "one expression is needed"
            raise QueryError(f"Invalid column expression {column!r}: {problem}", query=column)
        return sa.literal_column(text)

    def _check_property(self, rows: sa.Table, key: str, event: str | None) -> None:
        chosen = statements.rows_of(rows, event)
        one = sa.select(sa.literal(1)).select_from(chosen).limit(1)
        there = one.where(event_property(chosen, key).is_not(None))
        if self.execute_rows(one) and not self.execute_rows(there):
            from mixpanel_data.reports.errors import UnknownPropertyError

            known = [row[0] for row in self.execute_rows(statements.keys(chosen))]
            raise UnknownPropertyError(key, None if event is None else [event], known)


def _check_size(name: str, size: int) -> None:
    if not isinstance(size, Integral) or size < 0:
        raise ValueError(f"{name} must be a whole number, 0 or more, not {size!r}.")


def _day(day: str | date | None, what: str) -> date | None:
    if day is None:
        return None
    from mixpanel_data.reports.times import check_range

    found = date.fromisoformat(day) if isinstance(day, str) else day
    check_range(found, what)
    return found
