"""Mixpanel's raw files, parsed by DuckDB's own reader: the set-based twin of ``formats``.

Regular lines never pass through Python. A line that is out of the ordinary (ids that are numbers,
a missing id, the flat form, a time that is no integer) leaves a placeholder: a row with the line as
its properties, for ``formats`` to read and for ``fill_placeholders`` to replace.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from mixpanel_data._internal.deferral import Package
from mixpanel_data._internal.duckdb.dialect import arrow_source, driver_of
from mixpanel_data._internal.duckdb.interrupt import run_interruptible
from mixpanel_data._internal.zones import WallClock

if TYPE_CHECKING:
    import pyarrow as pa
else:
    pa = Package("pyarrow")

# The key of a placeholder. A line whose own id this is leaves a placeholder, too.
_PLACEHOLDER = "\0held"
# Their lines are gathered in memory; past this many the files are better read line by line.
_MOST_PLACEHOLDERS = 50_000

# What DuckDB reads and JSON forbids (NaN, infinities, trailing commas), and numbers that may leave
# the range of a double. A harmless line that matches only takes the slower way.
_ODD_VALUE = r"(-?([nN][aA]|[iI][nN])|-?[0-9.]+[eE]\+?[0-9]{3}|-?[0-9]{309})"
DUBIOUS = rf"[:,\[]\s*{_ODD_VALUE}|,\s*[}}\]]"
# The same in three: a pattern that begins with one certain byte skips what lies between two.
_DUBIOUS_AFTER = {
    "after_colon": rf":\s*{_ODD_VALUE}",
    "after_comma": rf",\s*({_ODD_VALUE}|[}}\]])",
    "after_bracket": rf"\[\s*{_ODD_VALUE}",
}
_IS_DUBIOUS = " OR ".join(f"regexp_matches(line, :{name})" for name in _DUBIOUS_AFTER)

# Deeper documents are for ``formats`` to refuse; only a long line can hold one. DuckDB works out
# both sides of an AND for every line, but a branch of CASE only where it is taken.
_MOST_OPENED, _LONG = 400, 800
_NOT_DEEP = f"""CASE WHEN strlen(line) > {_LONG}
                THEN strlen(line) - strlen(replace(replace(line, '{{', ''), '[', ''))
                     < {_MOST_OPENED}
                ELSE true END"""

_ISO = r"[1-9]\d{3}-\d\d-\d\d[T ](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d"

# Microseconds since 1970, by the clock that an event's time was read from.
_AS_UTC = "wall AS utc"

# Lines as text: DuckDB's reader of JSON needs 64 MB for each thread.
_LINES = r"""read_csv(:files, columns = {'line'\: 'VARCHAR'}, auto_detect = false, header = false,
                      hive_partitioning = false, new_line = :newline, delim = :delim, quote = '',
                      escape = '', max_line_size = 4194304, buffer_size = 8388608)"""


def _without(pairs: str, key: str, value: str) -> str:
    """Return *pairs*, an object as DuckDB writes it, without *key* and its *value*."""
    pair = rf"""'"{key}"\:', {value}"""
    return f"""CASE WHEN starts_with({pairs}, '{{"{key}"')
                    THEN replace({pairs}, concat('{{', {pair}, ','), '{{')
                    ELSE replace({pairs}, concat(',', {pair}), '') END"""


_PAIRS = len(',"distinct_id":,"$insert_id":')

_EVENTS = f"""
SELECT CASE WHEN regular THEN x[1] ->> '$' ELSE '' END AS event_name,
       make_timestamp(CASE WHEN regular THEN utc ELSE 0 END) AS event_time,
       CASE WHEN regular THEN x[3] ->> '$' ELSE '' END AS distinct_id,
       CASE WHEN regular THEN x[4] ->> '$' ELSE :placeholder END AS insert_id,
       CASE WHEN NOT regular THEN line WHEN moved THEN rest
            ELSE json_merge_patch(x[5], CAST(:moved AS JSON)) END AS properties
FROM (SELECT *, coalesce(starts_with(x[1], '"') AND x[2] = CAST(t AS VARCHAR)
                         AND starts_with(x[3], '"') AND starts_with(x[4], '"')
                         AND starts_with(x[5], '{{') AND len(json_keys(line)) = 2
                         AND utc IS NOT NULL
                         AND x[4] <> '""' AND x[4] <> :placeholder_json
                         AND CASE WHEN moved THEN true
                             ELSE list_unique(json_keys(x[5])) = len(json_keys(x[5])) END
                         AND NOT ({_IS_DUBIOUS})
                         AND {_NOT_DEEP}, false) AS regular
      FROM (SELECT *, {_AS_UTC},
                   strlen(rest) = strlen(x[5]) - strlen(x[3]) - strlen(x[4]) - {_PAIRS} AS moved
            FROM (SELECT *, {_without("without_user", "$insert_id", "x[4]")} AS rest,
                         CASE WHEN t BETWEEN -62135596800000 AND 253402300799999
                                 THEN t * CASE WHEN abs(t) < 10000000000 THEN 1000000
                                          ELSE 1000 END END AS wall
                  FROM (SELECT *, TRY_CAST(x[2] AS BIGINT) AS t,
                               {_without("x[5]", "distinct_id", "x[3]")} AS without_user
                        FROM (SELECT line, CAST(json_extract(line, ['$.event', '$.properties.time',
                                         '$.properties.distinct_id', '$.properties."$insert_id"',
                                         '$.properties']) AS VARCHAR[]) AS x
                              FROM {_LINES} WHERE line IS NOT NULL)))))
"""  # noqa: S608 - put together from constants

_PROFILES = f"""
SELECT CASE WHEN regular THEN x[1] ELSE :placeholder END AS distinct_id,
       CASE WHEN regular THEN json_extract(line, '$."$properties"') ELSE line END AS properties,
       CASE WHEN regular THEN last_seen END AS last_seen
FROM (SELECT *, coalesce(types[1] = 'VARCHAR' AND types[2] = 'OBJECT' AND len(json_keys(line)) = 2
                         AND (types[3] IS NULL OR last_seen IS NOT NULL)
                         AND x[1] <> :placeholder
                         AND NOT ({_IS_DUBIOUS})
                         AND {_NOT_DEEP}, false) AS regular
      FROM (SELECT *, CASE WHEN regexp_full_match(x[2], :iso)
                           THEN TRY_CAST(x[2] AS TIMESTAMP) END AS last_seen
            FROM (SELECT line,
                         json_extract_string(line, ['$."$distinct_id"',
                             '$."$properties"."$last_seen"']) AS x,
                         json_type(line, ['$."$distinct_id"', '$."$properties"',
                             '$."$properties"."$last_seen"']) AS types
                  FROM (SELECT CAST(unnest(CASE WHEN json_type(json, '$.results') = 'ARRAY'
                                           AND json_type(json, '$."$distinct_id"') IS NULL
                                           AND list_unique(json_keys(json)) = len(json_keys(json))
                                           AND NOT regexp_matches(CAST(json AS VARCHAR), :dubious)
                                      THEN json_extract(json, '$.results[*]')
                                      ELSE [json] END) AS VARCHAR) AS line
                        FROM read_ndjson_objects(:files)))))
"""  # noqa: S608 - put together from constants

_CONSTANTS = {
    "placeholder": _PLACEHOLDER,
    "placeholder_json": json.dumps(_PLACEHOLDER),
    "moved": '{"distinct_id":null,"$insert_id":null}',
    "dubious": DUBIOUS,
    "iso": _ISO,
    **_DUBIOUS_AFTER,
    # No JSON holds one of these, and no line ends with all: that DuckDB would take for no column.
    "delim": "\x01\x02\x03\x04",
}
_QUERIES = {"events": _EVENTS, "profiles": _PROFILES}

_LEFT_OUT = {"events": ["distinct_id", "$insert_id"], "profiles": []}
# The lines that rows came from.
_LINES_OF_ROWS = {
    "events": r"""concat('{"event"\:', to_json(event_name), ',"properties"\:{"distinct_id"\:',
                          to_json(distinct_id), ',"$insert_id"\:', to_json(insert_id), ',',
                          substr(CAST(properties AS VARCHAR), 2), '}')""",
    "profiles": r"""concat('{"$distinct_id"\:', to_json(distinct_id), ',"$properties"\:',
                           properties, '}')""",
}
# The lists of keys of all objects; DuckDB has written the documents without white space.
_KEY_LISTS = """
WITH documents AS NOT MATERIALIZED (SELECT rowid AS r, CAST(properties AS VARCHAR) AS p
                                    FROM {table} WHERE {key} <> :placeholder),
     nested AS NOT MATERIALIZED (SELECT r, unnest(json_extract(p, '$.**')) AS p FROM documents
                   WHERE contains(p, '}},') OR contains(p, '}}]') OR contains(p, '}}}}')),
     key_lists AS NOT MATERIALIZED (SELECT r, json_keys(p) AS k, true AS top FROM documents
                   UNION ALL
                   SELECT r, json_keys(p), false FROM nested
                   WHERE starts_with(p, '{{') AND contains(p, ',')),
     hashes AS NOT MATERIALIZED (SELECT *, hash(k, top) AS h FROM key_lists),
     bad AS NOT MATERIALIZED (SELECT h FROM (SELECT h, any_value(k) AS k, any_value(top) AS top
                                             FROM hashes GROUP BY h)
                              WHERE len(k) <> list_unique(k)
                                 OR (top AND list_has_any(k, CAST(:left_out AS VARCHAR[]))))
"""
_ANY_REPEATED = "SELECT count(*) > 0 FROM bad"
_HOLD_REPEATED = """
UPDATE {table} SET {key} = :placeholder, properties = {line}
WHERE rowid IN (SELECT r FROM hashes WHERE h IN (FROM bad))
"""
_EPOCH = datetime(1970, 1, 1)
# Of patterns, of addresses, and what DuckDB takes for a slash.
_MARKS = "*?[{:\\" if os.sep == "/" else "*?[{"
_MAGIC = {b"\x1f\x8b": {".gz"}, b"\x28\xb5\x2f\xfd": {".zst"}}


def insert(
    connection: sa.Connection,
    target: sa.Table,
    kind: str,
    files: Sequence[Path],
    newline: str,
    meanwhile: Iterable[object],
    progress: Callable[[int], object] | None = None,
    clock: WallClock | None = None,
) -> None:
    """Put a row for every record of *files* into *target*, which has no key.

    The times of events are those of *clock*. Ones that it does not show, or that are not within
    its pieces, leave placeholders.

    The lines of all files end with *newline*, as DuckDB spells it. Goes through *meanwhile* beside
    it: DuckDB takes a cut .zst, and before 2.0 a cut .gz, for a shorter one, and looks at no
    checksum. *progress* gets the bytes read so far, as stored.

    Raises:
        QueryError: DuckDB cannot read a file, or the database failed.
    """
    names = [column.name for column in target.columns]
    values = {"files": list(map(str, files)), "newline": newline, **_CONSTANTS}
    query = sa.text(_QUERIES[kind] if clock is None else _in_zone(_QUERIES[kind], clock))
    select = query.bindparams(
        **{name: value for name, value in values.items() if f":{name}" in query.text}
    ).columns(*map(sa.column, names))
    statement = sa.insert(target).from_select(names, select)
    total = sum(file.stat().st_size for file in files)
    run_interruptible(
        driver_of(connection),
        lambda: connection.execute(statement),
        None if progress is None else lambda share: progress(int(total * share)),
        meanwhile,
    )
    if progress is not None:
        progress(total)


def _in_zone(query: str, clock: WallClock) -> str:
    """Return the query of events with their times converted by *clock*."""
    pieces = [(_micros(since - _EPOCH), offset) for since, offset in clock.pieces()]
    utc = f"CASE WHEN wall >= {pieces[0][0]} THEN wall - {_branches(pieces)} END"
    return query.replace(_AS_UTC, f"{utc} AS utc")


def _branches(pieces: Sequence[tuple[int, timedelta | None]]) -> str:
    """Return the offset of ``wall`` as nested cases: as many are looked at as a tree is deep."""
    if len(pieces) == 1:
        offset = pieces[0][1]
        return "NULL" if offset is None else f"({_micros(offset)})"
    half = len(pieces) // 2
    earlier, later = _branches(pieces[:half]), _branches(pieces[half:])
    return f"CASE WHEN wall < {pieces[half][0]} THEN {earlier} ELSE {later} END"


def _micros(length: timedelta) -> int:
    return length // timedelta(microseconds=1)


def count_ambiguous(connection: sa.Connection, target: sa.Table, clock: WallClock) -> int:
    """Return how many rows of *target* but placeholders have a time that came twice by *clock*."""
    time, regular = target.c.event_time, target.c.insert_id != _PLACEHOLDER
    ends = sa.select(sa.func.min(time), sa.func.max(time)).where(regular)
    first, last = connection.execute(ends).one()
    if first is None:
        return 0
    twice = [sa.and_(time >= since, time < end) for since, end in clock.repeated(first, last)]
    count = sa.select(sa.func.count()).where(regular, sa.or_(sa.false(), *twice))
    return connection.scalar(count) or 0


def placeholder_lines(
    connection: sa.Connection, target: sa.Table, key: str
) -> dict[int, str] | None:
    """Return the lines that left placeholders by the row they left, None if they are too many."""
    rows = _with_rowid(target)
    held = rows.c[key] == _PLACEHOLDER
    count = connection.scalar(sa.select(sa.func.count()).select_from(rows).where(held)) or 0
    if count > _MOST_PLACEHOLDERS:
        return None
    line = sa.cast(rows.c.properties, sa.String)
    found = sa.select(rows.c.rowid, line).where(held).order_by(rows.c.rowid)
    return dict(map(tuple, connection.execute(found))) if count else {}


def fill_placeholders(
    connection: sa.Connection, target: sa.Table, rowids: Sequence[int], records: pa.Table
) -> None:
    """Put *records* in the place of the placeholders in the rows *rowids*, in this order."""
    numbered = records.append_column("_row", pa.array(rowids, pa.int64()))
    rows = _with_rowid(target)
    with arrow_source(connection, numbered) as fresh:
        new = {name: fresh.c[name] for name in records.column_names}
        connection.execute(sa.update(rows).where(rows.c.rowid == fresh.c._row).values(new))


def hold_repeated_keys(connection: sa.Connection, target: sa.Table, kind: str, key: str) -> None:
    """Leave a placeholder for each row with a key twice in an object: DuckDB takes the first one.

    Records have few different lists of keys, so each list is looked through once.
    """
    named = connection.dialect.identifier_preparer.format_table(target)
    lists = _KEY_LISTS.format(table=named, key=key)
    values = {"placeholder": _PLACEHOLDER, "left_out": _LEFT_OUT[kind]}
    if connection.scalar(sa.text(lists + _ANY_REPEATED), values):
        hold = _HOLD_REPEATED.format(table=named, key=key, line=_LINES_OF_ROWS[kind])
        connection.execute(sa.text(lists + hold), values)


def can_read(file: Path) -> bool:
    """Return whether its name lets DuckDB find this very file, and how it is compressed."""
    if not file.is_file() or any(mark in str(file) for mark in _MARKS):
        return False
    if any(not character.isprintable() for character in str(file)):
        return False
    with file.open("rb") as stream:
        start = stream.read(4)
    endings = next((e for magic, e in _MAGIC.items() if start.startswith(magic)), set())
    compressed = {".gz", ".zst"}
    return (file.suffix in endings) if endings else file.suffix not in compressed


def _with_rowid(table: sa.Table) -> sa.TableClause:
    columns = [sa.column(c.name, c.type) for c in table.columns]
    return sa.table(table.name, *columns, sa.column("rowid", sa.BigInteger))
