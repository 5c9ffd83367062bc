"""A stream of batches into one table, without duplicates, inside the caller's transaction.

Set-based SQL keeps the key unique, so the table needs no index while it is filled. A new table
gets its primary key at the end, where DuckDB builds the index in bulk; a table past *index_limit*
rows has none, because the index must fit in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import AddConstraint, CreateTable, DropTable

from mixpanel_data._internal.tables import Kind, quoted

# A derived key is the taken one, this mark, and a fingerprint of the event. Mixpanel's own ids
# never hold the mark: [A-Za-z0-9-] only.
_MARK = "~"
_FINGERPRINT = 16

Feed = Callable[[sa.Connection, sa.Table], int]
"""Puts all records of a load into a table without a key, and says how many they were."""


@dataclass(frozen=True)
class Counts:
    """What became of the records of one load, and how many rows made way for them."""

    read: int
    stored: int
    collisions: int
    replaced: int = 0

    @property
    def duplicates(self) -> int:
        """The records that were skipped."""
        return self.read - self.stored


def create(
    connection: sa.Connection, table: sa.Table, kind: Kind, feed: Feed, index_limit: int
) -> Counts:
    """Make *table* and fill it."""
    connection.execute(CreateTable(_keyless(table.columns, table.name)))
    read = feed(connection, table)
    collisions = _settle(connection, kind, _rows(table), None)
    stored = _count(connection, table)
    if stored <= index_limit:
        connection.execute(AddConstraint(table.primary_key))
    return Counts(read, stored, collisions)


def append(
    connection: sa.Connection,
    table: sa.Table,
    kind: Kind,
    feed: Feed,
    index_limit: int,
    *,
    making_way: sa.ColumnElement[bool] | None = None,
    newer_by: str | None = None,
) -> Counts:
    """Add to *table* what it does not hold yet.

    The rows that fulfil *making_way* are deleted first. With *newer_by*, the name of a time column,
    a row also makes way for one of the same key that is later in it.
    """
    staging = _keyless(table.columns, f"_staging_{table.name}", temporary=True)
    connection.execute(CreateTable(staging))
    read = feed(connection, staging)
    before = _count(connection, table)
    if making_way is not None:
        connection.execute(sa.delete(table).where(making_way))
    if newer_by is not None:
        _prefer_newer(connection, kind, _rows(staging), _rows(table), newer_by)
    left = _count(connection, table)
    collisions = _settle(connection, kind, _rows(staging), table)
    stored = _count(connection, staging)
    if left + stored > index_limit:
        _shed_key(connection, table)
    _copy(connection, sa.select(staging), table)
    connection.execute(DropTable(staging))
    return Counts(read, stored, collisions, replaced=before - left)


def _shed_key(connection: sa.Connection, table: sa.Table) -> None:
    """Rebuild *table* without its primary key, which DuckDB cannot drop.

    What users added (columns, comments, indexes of their own) stays.
    """
    found = sa.Table(str(table.name), sa.MetaData(), autoload_with=connection)
    if not found.primary_key.columns:
        return
    bare = found.to_metadata(sa.MetaData(), name=quoted(f"_unkeyed_{table.name}"))
    for column in bare.primary_key.columns:
        column.primary_key = False
    bare.append_constraint(sa.PrimaryKeyConstraint())
    bare.indexes.clear()
    bare.create(connection)
    _copy(connection, sa.select(found), bare)
    connection.execute(DropTable(table))
    quote = connection.dialect.identifier_preparer.quote_identifier
    connection.execute(sa.text(f"ALTER TABLE {quote(bare.name)} RENAME TO {quote(table.name)}"))
    # Names of indexes are the schema's, and a table with an index cannot be renamed.
    for index in found.indexes:
        index.create(connection)


def _copy(connection: sa.Connection, rows: sa.Select[Any], target: sa.Table) -> None:
    connection.execute(sa.insert(target).from_select(list(target.columns), rows))


def _keyless(columns: Iterable[sa.Column[Any]], name: str, temporary: bool = False) -> sa.Table:
    copies = [sa.Column(c.name, c.type, nullable=c.nullable) for c in columns]
    prefixes = ["OR REPLACE TEMPORARY"] if temporary else []
    return sa.Table(name, sa.MetaData(), *copies, quote=True, prefixes=prefixes)


def _rows(table: sa.Table) -> sa.TableClause:
    """Give *table* with DuckDB's rowid, which counts up in the order of insertion."""
    columns = [sa.column(c.name, c.type) for c in table.columns]
    return sa.table(table.name, *columns, sa.column("rowid", sa.BigInteger))


def _settle(
    connection: sa.Connection, kind: Kind, fresh: sa.TableClause, table: sa.Table | None
) -> int:
    """Make the keys of *fresh* unique, within itself and against *table*.

    Rows equal in the kind's identity are duplicates: the first stays. A different row whose key
    is taken gets a derived key. That key may itself be taken, so this repeats until none is.
    Gives the number of colliding rows that were kept.
    """
    collisions = renamed = 0
    held = _gather(connection, kind, fresh, table)
    if held is not None:
        connection.execute(_delete_equal(kind, fresh, held, _derived_key(kind, fresh)))
    while True:
        rows = _count(connection, fresh)
        contested = []
        if held is not None:
            connection.execute(_delete_equal(kind, fresh, held, fresh.c[kind.key]))
            contested.append(fresh.c[kind.key].in_(sa.select(held.c[kind.key])))
        if _any_repeated(connection, kind, fresh):
            connection.execute(_delete_later(fresh, kind.identity))
            contested.append(fresh.c.rowid.in_(_later(fresh, (kind.key,))))
        if renamed:
            # A row that was renamed a round ago and now met its like is a duplicate after all.
            collisions -= rows - _count(connection, fresh)
        renamed = _rename(connection, kind, fresh, contested)
        collisions += renamed
        if not renamed:
            break
        held = _gather(connection, kind, fresh, table)
    if held is not None:
        connection.execute(DropTable(held))
    return collisions


def _gather(
    connection: sa.Connection, kind: Kind, fresh: sa.TableClause, table: sa.Table | None
) -> sa.Table | None:
    """Copy the rows of *table* that some of *fresh* may meet, by their keys or derived keys.

    Everything else asks the copy: a load looks through the keys of *table* only here.
    """
    if table is None:
        return None
    keys: sa.SelectBase = sa.select(fresh.c[kind.key])
    if kind.identity != (kind.key,):
        keys = sa.union_all(keys, sa.select(_derived_key(kind, fresh)))
    columns = [table.c[name] for name in kind.identity]
    held = _keyless(columns, f"_held_{table.name}", temporary=True)
    connection.execute(CreateTable(held))
    _copy(connection, sa.select(*columns).where(table.c[kind.key].in_(keys)), held)
    return held


def _prefer_newer(
    connection: sa.Connection,
    kind: Kind,
    fresh: sa.TableClause,
    held: sa.TableClause,
    newer_by: str,
) -> None:
    """Leave of each key only the row that is latest in *newer_by*, the first of equals.

    A row without that time is older than any with one.
    """
    connection.execute(_delete_later(fresh, (kind.key,), fresh.c[newer_by].desc().nulls_last()))
    same = held.c[kind.key] == fresh.c[kind.key]
    newer = sa.or_(
        fresh.c[newer_by] > held.c[newer_by],
        sa.and_(fresh.c[newer_by].is_not(None), held.c[newer_by].is_(None)),
    )
    stale = sa.exists().where(same, sa.func.coalesce(newer, False).is_(False)).correlate(fresh)
    connection.execute(sa.delete(fresh).where(stale))
    connection.execute(sa.delete(held).where(held.c[kind.key].in_(sa.select(fresh.c[kind.key]))))


def _count(connection: sa.Connection, rows: sa.FromClause) -> int:
    return connection.scalar(sa.select(sa.func.count()).select_from(rows)) or 0


def _any_repeated(connection: sa.Connection, kind: Kind, fresh: sa.TableClause) -> bool:
    key = fresh.c[kind.key]
    repeated = sa.select(key).group_by(key).having(sa.func.count() > 1)
    return connection.scalar(repeated.limit(1)) is not None


def _delete_equal(
    kind: Kind, fresh: sa.TableClause, held: sa.FromClause, key: sa.ColumnElement[str]
) -> sa.Delete:
    """Delete the rows of *fresh* that *held* has under *key*, all else in the identity equal."""
    rest = [held.c[name] == fresh.c[name] for name in kind.identity if name != kind.key]
    return sa.delete(fresh).where(
        sa.exists().where(held.c[kind.key] == key, *rest).correlate(fresh)
    )


def _later(
    fresh: sa.TableClause, columns: Sequence[str], *order: sa.ColumnElement[Any]
) -> sa.Select[int]:
    """Select the rows of *fresh* that one before it, in *order*, equals in *columns*."""
    key = fresh.c[columns[-1]]
    ranked = sa.select(
        fresh.c.rowid,
        sa.func.row_number()
        .over(partition_by=[fresh.c[name] for name in columns], order_by=[*order, fresh.c.rowid])
        .label("rank"),
    ).where(key.in_(sa.select(key).group_by(key).having(sa.func.count() > 1)))
    rank = ranked.subquery()
    return sa.select(rank.c.rowid).where(rank.c.rank > 1)


def _delete_later(
    fresh: sa.TableClause, columns: Sequence[str], *order: sa.ColumnElement[Any]
) -> sa.Delete:
    return sa.delete(fresh).where(fresh.c.rowid.in_(_later(fresh, columns, *order)))


def _rename(
    connection: sa.Connection,
    kind: Kind,
    fresh: sa.TableClause,
    contested: Sequence[sa.ColumnElement[bool]],
) -> int:
    """Give derived keys to the contested rows, and say how many there were."""
    if not contested or kind.identity == (kind.key,):
        return 0
    chosen = sa.or_(*contested)
    renamed = connection.scalar(sa.select(sa.func.count()).select_from(fresh).where(chosen)) or 0
    if renamed:
        new = _derived_key(kind, fresh)
        connection.execute(sa.update(fresh).where(chosen).values({kind.key: new}))
    return renamed


def _derived_key(kind: Kind, rows: sa.TableClause) -> sa.ColumnElement[str]:
    """Give the taken key, the mark, and a fingerprint of the rest of the identity.

    The fingerprint is the first half of the MD5 of each column's length, a colon and its text.
    """
    identity: sa.ColumnElement[str] = sa.literal("")
    for name in kind.identity:
        if name != kind.key:
            text = sa.cast(rows.c[name], sa.String)
            identity += sa.cast(sa.func.length(text), sa.String) + ":" + text
    fingerprint = sa.func.left(
        sa.func.md5(identity, type_=sa.String), _FINGERPRINT, type_=sa.String
    )
    return rows.c[kind.key] + _MARK + fingerprint
