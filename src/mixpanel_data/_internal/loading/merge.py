"""What becomes of the records of a load, by set-based SQL in the load's own transaction.

Records are deduplicated among themselves and against the table, and replace what the job says: a
window of days, or, by upsert, the profiles of the same key. The table needs no index meanwhile. A
new table gets its primary key at the end, where an index is built in bulk; a table past
``index_limit`` rows has none, which must fit in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import AddConstraint, DropTable

from mixpanel_data._internal.duckdb import staging
from mixpanel_data._internal.loading import outcome
from mixpanel_data._internal.loading.job import LoadJob, LoadResult
from mixpanel_data._internal.loading.outcome import count
from mixpanel_data._internal.schema import typed
from mixpanel_data._internal.schema.tables import Kind

# A derived key is the taken one, this mark, and a fingerprint of the event. Mixpanel's own ids
# never hold the mark: [A-Za-z0-9-] only.
_MARK = "~"
_FINGERPRINT = 16


def open_target(connection: sa.Connection, job: LoadJob, table: sa.Table) -> sa.Table:
    """Return the table that takes the records: *table* itself if it is new, or a staging table."""
    if job.action == "create":
        staging.create_without_key(connection, table)
        return table
    return staging.create_staging(connection, f"_staging_{table.name}", table.columns)


def apply(
    connection: sa.Connection, job: LoadJob, table: sa.Table, target: sa.Table, read: int
) -> LoadResult:
    """Merge the *read* records in *target* into *table*, and count what became of them."""
    outside = _count_outside(connection, job, target)
    invalid = outcome.count_invalid_last_seen(connection, job, target)
    if target is table:
        collisions = deduplicate(connection, job.kind, table, None)
        stored = count(connection, table)
        if stored <= job.index_limit:
            connection.execute(AddConstraint(table.primary_key))
        return LoadResult(read, stored, collisions, 0, outside, invalid)
    before = count(connection, table)
    typed_rows = typed.pause(connection, table.name)
    changed = [table] if typed_rows is None else [table, typed_rows.rows]
    for rows in changed:
        condition = job.replace_condition(rows)
        if condition is not None:
            connection.execute(sa.delete(rows).where(condition))
    if job.on_conflict != "ignore":
        _keep_latest(connection, job, target, table)
        for rows in changed:
            replaced = rows.c[job.kind.key].in_(sa.select(target.c[job.kind.key]))
            connection.execute(sa.delete(rows).where(replaced))
    left = count(connection, table)
    collisions = deduplicate(connection, job.kind, target, table)
    stored = count(connection, target)
    if left + stored > job.index_limit:
        staging.drop_primary_key(connection, table)
    _copy(connection, sa.select(*(target.c[c.name] for c in table.columns)), table)
    if typed_rows is not None:
        typed.append(connection, typed_rows, target)
        typed.resume(connection, typed_rows)
    connection.execute(DropTable(target))
    return LoadResult(read, stored, collisions, before - left, outside, invalid)


def _count_outside(connection: sa.Connection, job: LoadJob, fresh: sa.Table) -> int:
    outside = outcome.count_outside(connection, job, fresh)
    if outside and job.needs_window:
        fresh = staging.add_positions(connection, fresh)
        raise outcome.outside_refusal(connection, job, fresh, staging.POSITION, outside)
    return outside


def deduplicate(
    connection: sa.Connection, kind: Kind, fresh: sa.Table, table: sa.Table | None
) -> int:
    """Make the keys of *fresh* unique, within itself and against *table*.

    Rows equal in the kind's identity are duplicates: the first stays (Mixpanel's own four columns,
    https://docs.mixpanel.com/reference/event-deduplication). A different row whose key is taken
    gets a derived key. That key may itself be taken, so this repeats until none is.
    Returns the number of colliding rows that were kept.
    """
    collisions = renamed = 0
    existing = _existing_matches(connection, kind, fresh, table)
    if existing is not None:
        connection.execute(_delete_equal(kind, fresh, existing, _derived_key(kind, fresh)))
    while True:
        rows = count(connection, fresh)
        if staging.POSITION not in fresh.c and any_repeated(connection, kind, fresh):
            fresh = staging.add_positions(connection, fresh)
        contested = []
        if existing is not None:
            connection.execute(_delete_equal(kind, fresh, existing, fresh.c[kind.key]))
            contested.append(fresh.c[kind.key].in_(sa.select(existing.c[kind.key])))
        if staging.POSITION in fresh.c:
            connection.execute(_delete_repeats(fresh, kind.identity))
            contested.append(fresh.c[staging.POSITION].in_(_repeats(fresh, (kind.key,))))
        if renamed:
            # A row that was renamed a round ago and now met its like is a duplicate after all.
            collisions -= rows - count(connection, fresh)
        renamed = _assign_derived_keys(connection, kind, fresh, contested)
        collisions += renamed
        if not renamed:
            break
        existing = _existing_matches(connection, kind, fresh, table)
    if existing is not None:
        connection.execute(DropTable(existing))
    if staging.POSITION in fresh.c:
        staging.drop_positions(connection, fresh)
    return collisions


def _existing_matches(
    connection: sa.Connection, kind: Kind, fresh: sa.Table, table: sa.Table | None
) -> sa.Table | None:
    """Copy the rows of *table* that some of *fresh* may match, by their keys or derived keys.

    Everything else asks the copy: a load looks through the keys of *table* only here.
    """
    if table is None:
        return None
    keys: sa.SelectBase = sa.select(fresh.c[kind.key])
    if kind.identity != (kind.key,):
        keys = sa.union_all(keys, sa.select(_derived_key(kind, fresh)))
    columns = [table.c[name] for name in kind.identity]
    matches = staging.create_staging(connection, f"_existing_{table.name}", columns)
    _copy(connection, sa.select(*columns).where(table.c[kind.key].in_(keys)), matches)
    return matches


def _keep_latest(connection: sa.Connection, job: LoadJob, fresh: sa.Table, table: sa.Table) -> None:
    """Leave of each key the row that wins by the job's ``on_conflict``, if it beats the table's.

    With "update" that is the later in the kind's version column, where no time is earlier than any;
    equal ones, and all with "replace", are settled by order: the newer load, the later record.
    A row that equals what is there is left out as a duplicate.
    """
    kind, version = job.kind, job.kind.version
    if any_repeated(connection, kind, fresh):
        numbered = staging.add_positions(connection, fresh)
        order = [numbered.c[staging.POSITION].desc()]
        if job.on_conflict == "update" and version is not None:
            order.insert(0, numbered.c[version].desc().nulls_last())
        connection.execute(_delete_repeats(numbered, (kind.key,), *order))
        staging.drop_positions(connection, numbered)
    equal = [table.c[c.name].is_not_distinct_from(fresh.c[c.name]) for c in table.columns]
    loses = sa.and_(*equal)
    if job.on_conflict == "update" and version is not None:
        there, new = table.c[version], fresh.c[version]
        loses = sa.or_(loses, there > new, sa.and_(there.is_not(None), new.is_(None)))
    same_key = table.c[kind.key] == fresh.c[kind.key]
    connection.execute(sa.delete(fresh).where(sa.exists().where(same_key, loses).correlate(fresh)))


def _delete_equal(
    kind: Kind, fresh: sa.Table, existing: sa.FromClause, key: sa.ColumnElement[str]
) -> sa.Delete:
    """Delete the rows of *fresh* that *existing* has under *key*, equal in the identity."""
    rest = [existing.c[name] == fresh.c[name] for name in kind.identity if name != kind.key]
    return sa.delete(fresh).where(
        sa.exists().where(existing.c[kind.key] == key, *rest).correlate(fresh)
    )


def _delete_repeats(
    fresh: sa.Table, columns: Sequence[str], *order: sa.ColumnElement[Any]
) -> sa.Delete:
    position = fresh.c[staging.POSITION]
    return sa.delete(fresh).where(position.in_(_repeats(fresh, columns, *order)))


def _repeats(
    fresh: sa.Table, columns: Sequence[str], *order: sa.ColumnElement[Any]
) -> sa.Select[int]:
    """Select the positions of rows that one before them, in *order*, equals in *columns*."""
    key, position = fresh.c[columns[-1]], fresh.c[staging.POSITION]
    rank = sa.func.row_number().over(
        partition_by=[fresh.c[name] for name in columns], order_by=[*order, position]
    )
    repeated = key.in_(sa.select(key).group_by(key).having(sa.func.count() > 1))
    ranked = sa.select(position, rank.label("rank")).where(repeated).subquery()
    return sa.select(ranked.c[staging.POSITION]).where(ranked.c.rank > 1)


def any_repeated(connection: sa.Connection, kind: Kind, fresh: sa.Table) -> bool:
    """Return whether two rows have one key."""
    key = fresh.c[kind.key]
    repeated = sa.select(key).group_by(key).having(sa.func.count() > 1)
    return connection.scalar(repeated.limit(1)) is not None


def _assign_derived_keys(
    connection: sa.Connection,
    kind: Kind,
    fresh: sa.Table,
    contested: Sequence[sa.ColumnElement[bool]],
) -> int:
    """Assign derived keys to the *contested* rows, and return how many there were."""
    if not contested or kind.identity == (kind.key,):
        return 0
    chosen = sa.or_(*contested)
    renamed = count(connection, fresh, chosen)
    if renamed:
        new = _derived_key(kind, fresh)
        connection.execute(sa.update(fresh).where(chosen).values({kind.key: new}))
    return renamed


def _derived_key(kind: Kind, rows: sa.Table) -> sa.ColumnElement[str]:
    """Return the taken key and what makes another one of it."""
    return rows.c[kind.key] + _suffix(kind, rows)


def original_key(kind: Kind, rows: sa.Table) -> sa.ColumnElement[str]:
    """Return the key that a row came with, where it has a derived one."""
    key, suffix = rows.c[kind.key], _suffix(kind, rows)
    original = sa.func.regexp_replace(key, "(" + suffix + ")+$", "", type_=sa.String)
    return sa.case((sa.func.contains(key, _MARK), original), else_=key)


def _suffix(kind: Kind, rows: sa.Table) -> sa.ColumnElement[str]:
    """Return the mark, and a fingerprint of the identity without the key.

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
    return _MARK + fingerprint


def _copy(connection: sa.Connection, rows: sa.Select[Any], target: sa.Table) -> None:
    connection.execute(sa.insert(target).from_select(list(target.columns), rows))
