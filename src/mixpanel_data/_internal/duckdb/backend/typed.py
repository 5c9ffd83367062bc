"""Typed rows of a DuckDB file: what makes them, and statements that are answered from them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from mixpanel_data._internal.duckdb import typed_guard
from mixpanel_data._internal.duckdb.backend import serving
from mixpanel_data._internal.duckdb.database import Database, claim_memory
from mixpanel_data._internal.duckdb.dialect import driver_of
from mixpanel_data._internal.duckdb.errors import Failure
from mixpanel_data._internal.duckdb.interrupt import run_interruptible
from mixpanel_data._internal.duckdb.typed_guard import State, can_guard
from mixpanel_data._internal.loading.loader import Loader
from mixpanel_data._internal.schema import catalog, typed
from mixpanel_data._internal.schema.tables import Kind
from mixpanel_data._internal.typed_columns import Column
from mixpanel_data.exceptions import QueryError, UnsupportedError
from mixpanel_data.types import ColumnInfo

logger = logging.getLogger(__name__)

_MEMORY = 128, 1024, 8192  # MiB; with the first DuckDB has 272, the others are for long documents


Path = str | tuple[str, ...]


class TypedRowsMixin:
    """Makes typed rows, and answers from them."""

    database: Database
    loader: Loader
    _may_have_typed_rows: bool
    # The tables that had typed rows when they were last read, in lower case.
    _optimized: AbstractSet[str] = frozenset()

    def optimize(
        self,
        name: str,
        properties: Sequence[Path] | None,
        limit: int,
        progress: Callable[[float], object] | None,
    ) -> list[Path]:
        """Make typed rows of a table, as ``StorageEngine.optimize``."""
        what = f"optimize {name}"
        if self._may_have_typed_rows:
            # Of two that make it in long transactions, one would fail at its end.
            with self.loader.turn(typed_guard.SCHEMA), self.database.write(what) as connection:
                typed_guard.create_schema(connection)
        for memory in _MEMORY:
            try:
                with self.loader.turn(name), self.database.write(what) as connection:
                    claim_memory(connection, memory)
                    found, columns = _optimize(connection, name, properties, limit, progress)
                break
            except QueryError as error:
                failure = error.details.get("failure")
                if failure != Failure.OUT_OF_MEMORY.value or memory == _MEMORY[-1]:
                    raise
        logger.info("Optimized %s: %d properties are columns", found, len(columns))
        return [c.path[0] if len(c.path) == 1 else c.path for c in columns]

    def typed_columns(self, name: str) -> list[ColumnInfo]:
        """Return the columns of the view of a table's typed rows, if they are up to date."""
        with self.database.transaction(f"typed columns of {name}") as connection:
            found = catalog.require(connection, name)
            every = typed.all_current(connection) if self._may_have_typed_rows else []
            return [column for rows in every if rows.table == found for column in rows.shown]

    @contextmanager
    def _served(self, connection: sa.Connection, statement: Any) -> Iterator[Any]:
        """Yield the fastest form of a statement, for its result to be read within the block.

        Whether typed rows are as their table is, is read in the transaction that then reads them.
        """
        names = serving.tables_asked(statement)
        if not names or not self._may_have_typed_rows:
            yield serving.parse_once(statement) if names else statement
            return
        raw, database = driver_of(connection), self.database.name
        only_reads = self.database.thread_connection().only_reads
        if not (only_reads and names <= self._optimized):
            found = typed_guard.registered(raw, database)
            if not found.is_home or names.isdisjoint(found.names):
                yield serving.parse_once(statement)
                return
            if not only_reads and found.transaction == typed_guard.transaction(raw):
                # The user's own, which an error in the rewritten form would abort.
                yield statement
                return
        with typed_guard.snapshot(raw):
            state = typed_guard.state(raw, database, only_reads=only_reads)
            yield _rewritten(statement, names, state)
        self._optimized = state.rows.keys()
        self._drop_changed(state)

    def _drop_changed(self, state: State) -> None:
        """Drop typed rows that are older than their tables: what SQL deleted, too, is gone then."""
        if self.database.read_only or not state.changed:
            return
        for name in sorted(state.changed):
            table = state.rows[name][0]
            # A load or another change of ours does it by itself, and would fail by a conflict.
            with self.loader.turn(table).if_free() as is_free:
                if is_free:
                    self._drop_if_changed(table)

    def _drop_if_changed(self, name: str) -> None:
        try:
            with self.database.write("drop old typed rows") as connection:
                if typed.drop_changed(connection, name):
                    logger.warning("Dropped the typed rows of %s, which SQL has changed", name)
        except QueryError as error:
            # Another transaction uses them: the next time.
            logger.warning("Could not drop old typed rows: %s", error)


def _optimize(
    connection: sa.Connection,
    name: str,
    properties: Sequence[Path] | None,
    limit: int,
    progress: Callable[[float], object] | None,
) -> tuple[str, tuple[Column, ...]]:
    """Make typed rows of a table, and return its name as it is spelled, and their columns."""
    found, kind = _optimizable(connection, name)
    columns = typed.choose(connection, found, kind, properties, limit)
    run_interruptible(
        driver_of(connection), lambda: typed.build(connection, found, kind, columns), progress
    )
    return found, columns


def _optimizable(connection: sa.Connection, name: str) -> tuple[str, Kind]:
    """Return the name and kind of a table that can have typed rows."""
    found = catalog.require(connection, name)
    kind = catalog.kind_of(connection, found)
    if kind is None:
        raise ValueError(f"Cannot optimize '{found}': it was not made by this library.")
    if not can_guard(connection):
        raise UnsupportedError(
            f"Cannot optimize '{found}': typed rows need DuckDB 2.0 and a file in its format."
            " Queries work without, only slower. A new file that a DuckDB from 2.0 on makes, and"
            " the tables loaded into it, can be optimized."
        )
    return found, kind


def _rewritten(statement: Any, names: set[str], state: State) -> Any:
    rows = typed.current(state, names - state.hidden)
    return serving.parse_once(serving.serve(statement, rows))
