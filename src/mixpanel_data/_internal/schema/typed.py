"""Typed rows: beside a table a second one, ``_typed_<table>``, with its properties as columns.

They are for speed only. What stands in a column is exact: each property has a kind, and a row with
a value of another kind keeps its JSON (see ``duckdb.typed_rows``). They count only while no trigger
has noted a change that was not the library's own, and while all triggers are there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import sqlalchemy as sa
from sqlalchemy.schema import CreateTable, DropTable

from mixpanel_data._internal.duckdb import quoting, typed_guard, typed_rows
from mixpanel_data._internal.duckdb.dialect import driver_of
from mixpanel_data._internal.duckdb.typed_guard import State
from mixpanel_data._internal.duckdb.typed_rows import TYPED
from mixpanel_data._internal.schema.tables import (
    KINDS,
    Kind,
    quoted,
    touched_table,
    typed_table,
    user_table,
)
from mixpanel_data._internal.typed_columns import ODD, Column
from mixpanel_data.types import ColumnInfo

Path = str | tuple[str, ...]

_SAMPLE = 20_000
_RAREST = 0.005  # of the rows; rarer properties are no columns unless they are named
_LONGEST = 100  # characters on average
_FEW = 100  # values, among which all different ones tell nothing


@dataclass(frozen=True)
class TypedRows:
    """The typed rows of one table."""

    table: str
    kind: Kind
    columns: tuple[Column, ...]

    @property
    def base(self) -> list[str]:
        """The table's own columns that they have."""
        return [column.name for column in self.kind.template.columns if column.name != "properties"]

    @cached_property
    def rows(self) -> sa.Table:
        """The table that they are."""
        template = self.kind.template
        return sa.Table(
            quoted(TYPED + self.table),
            sa.MetaData(),
            *(sa.Column(name, template.c[name].type) for name in self.base),
            *(sa.Column(quoted(c.stored), typed_rows.TYPES[c.kind]) for c in self.columns),
            sa.Column(ODD, sa.JSON),
        )

    @lru_cache(8)  # noqa: B019 - equal typed rows are one object, of which few are kept
    def alias(self, name: str) -> sa.FromClause:
        """Return the rows under another name: one object, as one has columns only when asked."""
        return self.rows.alias(name)

    @property
    def shown(self) -> list[ColumnInfo]:
        """The columns of the view of them."""
        columns = [self.kind.template.c[name] for name in self.base]
        base = [ColumnInfo(c.name, str(c.type), bool(c.nullable), False) for c in columns]
        return base + [
            ColumnInfo(c.name, typed_rows.shown_type(c), nullable=True, primary_key=False)
            for c in self.columns
        ]

    @cached_property
    def by_path(self) -> dict[tuple[str, ...], Column]:
        """The columns by the property's path."""
        return {column.path: column for column in self.columns}


def choose(
    connection: sa.Connection,
    name: str,
    kind: Kind,
    properties: Sequence[Path] | None = None,
    limit: int = 64,
) -> tuple[Column, ...]:
    """Return the columns for the *properties* of a table, or for its *limit* commonest ones.

    Left out are lists and objects, rare properties, and text that is long, or hardly ever the same.
    """
    paths = None
    if properties is not None:
        paths = list(dict.fromkeys((p,) if isinstance(p, str) else tuple(p) for p in properties))
    most = sa.select(sa.func.count()).select_from(sa.table(quoted(name)))
    least = min(_SAMPLE, connection.scalar(most) or 0) * _RAREST
    taken = {column.name for column in kind.template.columns} | {ODD, "_t", "_x", "rowid"}
    chosen: list[Column] = []
    found = [] if paths == [] else typed_rows.sample(connection, name, _SAMPLE, paths)
    for key, n, integers, fractions, booleans, texts, nested, different, length in found[:]:
        path = (key,) if paths is None else tuple(json.loads(key))
        counts = {"INT": integers, "FLOAT": fractions, "BOOL": booleans, "TEXT": texts}
        counts["NUMBER"] = integers + fractions
        value = next((name for name, count in counts.items() if count == n), "RAW")
        unique = different > 0.9 * n and n > _FEW
        wide = value in ("TEXT", "RAW") and (unique or length > _LONGEST)
        if paths is None and (len(chosen) == limit or n < least or nested * 2 > n or wide):
            continue
        if "\0" not in "".join(path):
            chosen.append(Column(path, _free_name(".".join(path), taken), value))
    return tuple(chosen)


def _free_name(name: str, taken: set[str]) -> str:
    """Return a name for a column, with underscores behind it where it is taken."""
    name = name or "_"
    while name.lower() in taken:
        name += "_"
    taken.add(name.lower())
    return name


def build(connection: sa.Connection, name: str, kind: Kind, columns: tuple[Column, ...]) -> None:
    """Make the typed rows of a table anew; without columns there will be none."""
    drop(connection, name)
    if columns:
        typed = TypedRows(name, kind, columns)
        connection.execute(CreateTable(typed.rows))
        append(connection, typed, user_table(kind, name))
        resume(connection, typed)


def pause(connection: sa.Connection, name: str) -> TypedRows | None:
    """Take the triggers away before a change of the library's own, and return the typed rows.

    Typed rows that are older than the table are dropped.
    """
    if typed_guard.NO_TRIGGERS:
        return None
    state, key = _state(connection), name.lower()
    if key not in state.rows and key not in state.guarded:
        return None
    rows = current(state, [key]).get(key)
    typed_guard.unguard(connection, name)
    if rows is None:
        drop(connection, name)
    return rows


def append(connection: sa.Connection, rows: TypedRows, source: sa.Table) -> None:
    """Add the rows of *source* to the typed rows."""
    named = connection.dialect.identifier_preparer.format_table(source)
    typed_rows.append(connection, rows.table, typed_rows.select(rows.columns, rows.base, named))


def resume(connection: sa.Connection, rows: TypedRows) -> None:
    """Set the triggers after a change of the library's own, and record which columns are exact."""
    flags = typed_rows.odd_columns(connection, rows.columns, rows.table)
    columns = [c._replace(odd=odd) for c, odd in zip(rows.columns, flags)]
    _forget(connection, rows.table)
    values = {"table_name": rows.table, "type": rows.kind.name, "columns": columns}
    values["definition"] = typed_guard.definition(connection, rows.table)
    connection.execute(sa.insert(typed_table).values(values))
    typed_guard.create_view(connection, rows.table, columns, rows.base)
    typed_guard.guard(connection, rows.table)


def all_current(connection: sa.Connection) -> list[TypedRows]:
    """Return all typed rows that are as their tables are."""
    state = _state(connection)
    return list(current(state, sorted(state.rows)).values())


def is_exact(connection: sa.Connection, rows: TypedRows) -> bool:
    """Return whether typed rows hold what the JSON of their table does, read in full."""
    named = quoting.quoted(rows.table)
    selected = typed_rows.select(rows.columns, rows.base, named)
    return typed_rows.same_as_json(connection, rows.table, selected)


def drop_changed(connection: sa.Connection, name: str) -> bool:
    """Drop the typed rows of a table if they are older than it, and return whether they were."""
    changed = name.lower() in _state(connection).changed
    if changed:
        drop(connection, name)
    return changed


def drop(connection: sa.Connection, name: str) -> None:
    """Drop the typed rows of a table, if there are any, and all that belongs to them."""
    typed_guard.unguard(connection, name)
    typed_guard.drop_view(connection, name)
    connection.execute(DropTable(sa.Table(quoted(TYPED + name), sa.MetaData()), if_exists=True))
    _forget(connection, name)


def _forget(connection: sa.Connection, name: str) -> None:
    for table in (typed_table, touched_table):
        connection.execute(sa.delete(table).where(table.c.table_name == name))


def _state(connection: sa.Connection) -> State:
    return typed_guard.state(driver_of(connection), typed_guard.database_of(connection))


def current(state: State, names: Iterable[str]) -> dict[str, TypedRows]:
    """Return those of the typed rows of tables that are as their tables are, by lower-case name."""
    usable = [name for name in names if name in state.rows and name not in state.changed]
    return {name: _parsed(*state.rows[name]) for name in usable}


@lru_cache(64)
def _parsed(name: str, kind: str, columns: str) -> TypedRows:
    """Return typed rows of which the registry holds *columns*; equal ones are one object.

    SQLAlchemy's cache of compiled statements goes by the objects that tables are.
    """
    read = (Column(tuple(path), *rest) for path, *rest in json.loads(columns))
    return TypedRows(name, KINDS[kind], tuple(read))
