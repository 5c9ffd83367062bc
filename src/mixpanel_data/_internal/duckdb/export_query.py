"""Mixpanel's raw files, parsed by DuckDB's own reader: the set-based twin of ``formats``.

Regular lines never pass through Python. A line that is out of the ordinary (ids that are numbers,
a missing id, the flat form, a time that is no integer) leaves a placeholder: a row with the line as
its properties, for ``formats`` to read and for ``fill_placeholders`` to replace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import sqlalchemy as sa

from mixpanel_data._internal.duckdb.dialect import arrow_source, driver_of
from mixpanel_data._internal.duckdb.interrupt import run_interruptible

# The key of a placeholder. A line whose own id this is leaves a placeholder, too.
_PLACEHOLDER = "\0held"
# Their lines are gathered in memory; past this many the files are better read line by line.
_MOST_PLACEHOLDERS = 50_000

# NaN, infinities and trailing commas, which DuckDB reads and JSON forbids, and exponents that may
# leave the range of a double. A harmless line that matches only takes the slower way.
_DUBIOUS = r"[:,\[]\s*(-?([nN][aA]|[iI][nN])|[}\]]|-?[0-9.]+[eE]\+?[0-9]{3})"

# A key that may be there twice: DuckDB takes the first, JSON parsers the last.
_TWICE = "|".join(
    rf'"{key}"\s*:.*"{key}"\s*:' for key in ("time", "distinct_id", r"\$insert_id", r"\$last_seen")
)

# One pass over a line finds either. DuckDB works out both sides of an OR for every line, but a
# branch of CASE only where it is taken.
_SUSPECT = f"{_DUBIOUS}|{_TWICE}"

_ISO = r"[1-9]\d{3}-\d\d-\d\d[T ](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d"

_EVENTS = """
SELECT CASE WHEN regular THEN x[1] ELSE '' END AS event_name,
       CASE WHEN regular
            THEN make_timestamp(t * CASE WHEN abs(t) < 10000000000 THEN 1000000 ELSE 1000 END)
            ELSE make_timestamp(0) END AS event_time,
       CASE WHEN regular THEN x[3] ELSE '' END AS distinct_id,
       CASE WHEN regular THEN x[4] ELSE :placeholder END AS insert_id,
       CASE WHEN regular THEN json_merge_patch(p, '{"distinct_id"\\:null,"$insert_id"\\:null}')
            ELSE line END AS properties
FROM (SELECT *, coalesce(types[1] = 'VARCHAR' AND types[2] IN ('BIGINT', 'UBIGINT')
                         AND types[3] = 'VARCHAR' AND types[4] = 'VARCHAR' AND types[5] = 'OBJECT'
                         AND len(json_keys(line)) = 2
                         AND t BETWEEN -62135596800000 AND 253402300799999
                         AND x[4] <> '' AND x[4] <> :placeholder
                         AND CASE WHEN regexp_matches(CAST(line AS VARCHAR), :suspect)
                             THEN NOT regexp_matches(CAST(line AS VARCHAR), :dubious)
                                  AND list_unique(json_keys(p)) = len(json_keys(p))
                             ELSE true END, false) AS regular
      FROM (SELECT *, TRY_CAST(x[2] AS BIGINT) AS t
            FROM (SELECT json AS line,
                         json_extract_string(json, ['$.event', '$.properties.time',
                             '$.properties.distinct_id', '$.properties."$insert_id"']) AS x,
                         json_type(json, ['$.event', '$.properties.time',
                             '$.properties.distinct_id', '$.properties."$insert_id"',
                             '$.properties']) AS types,
                         json_extract(json, '$.properties') AS p
                  FROM read_ndjson_objects(:files))))
"""

_PROFILES = """
SELECT CASE WHEN regular THEN x[1] ELSE :placeholder END AS distinct_id,
       CASE WHEN regular THEN json_extract(line, '$."$properties"') ELSE line END AS properties,
       CASE WHEN regular THEN last_seen END AS last_seen
FROM (SELECT *, coalesce(types[1] = 'VARCHAR' AND types[2] = 'OBJECT' AND len(json_keys(line)) = 2
                         AND (types[3] IS NULL OR last_seen IS NOT NULL)
                         AND x[1] <> :placeholder
                         AND NOT regexp_matches(CAST(line AS VARCHAR), :suspect), false) AS regular
      FROM (SELECT *, CASE WHEN regexp_full_match(x[2], :iso)
                           THEN TRY_CAST(x[2] AS TIMESTAMP) END AS last_seen
            FROM (SELECT line,
                         json_extract_string(line, ['$."$distinct_id"',
                             '$."$properties"."$last_seen"']) AS x,
                         json_type(line, ['$."$distinct_id"', '$."$properties"',
                             '$."$properties"."$last_seen"']) AS types
                  FROM (SELECT unnest(CASE WHEN json_type(json, '$.results') = 'ARRAY'
                                           AND json_type(json, '$."$distinct_id"') IS NULL
                                      THEN json_extract(json, '$.results[*]')
                                      ELSE [json] END) AS line
                        FROM read_ndjson_objects(:files)))))
"""

_QUERIES = {"events": _EVENTS, "profiles": _PROFILES}
_MAGIC = {b"\x1f\x8b": {".gz"}, b"\x28\xb5\x2f\xfd": {".zst"}}


def insert(
    connection: sa.Connection,
    target: sa.Table,
    kind: str,
    files: Sequence[Path],
    meanwhile: Iterable[object],
    progress: Callable[[int], object] | None = None,
) -> None:
    """Put a row for every record of *files* into *target*, which has no key.

    Goes through *meanwhile* beside it: DuckDB takes a cut .zst, and before 2.0 a cut .gz, for a
    shorter one, and looks at no checksum. *progress* gets the bytes read so far, as stored.

    Raises:
        QueryError: DuckDB cannot read a file, or the database failed.
    """
    names = [column.name for column in target.columns]
    values = {
        "files": list(map(str, files)),
        "placeholder": _PLACEHOLDER,
        "dubious": _DUBIOUS,
        "suspect": _SUSPECT,
        "iso": _ISO,
    }
    query = sa.text(_QUERIES[kind])
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
        new = {column.name: fresh.c[column.name] for column in target.columns}
        connection.execute(sa.update(rows).where(rows.c.rowid == fresh.c._row).values(new))


def can_read(file: Path) -> bool:
    """Return whether its name lets DuckDB find this very file, and how it is compressed."""
    if not file.is_file() or any(mark in str(file) for mark in "*?[{") or ":" in str(file):
        return False
    with file.open("rb") as stream:
        start = stream.read(4)
    endings = next((e for magic, e in _MAGIC.items() if start.startswith(magic)), set())
    compressed = {".gz", ".zst"}
    return (file.suffix in endings) if endings else file.suffix not in compressed


def _with_rowid(table: sa.Table) -> sa.TableClause:
    columns = [sa.column(c.name, c.type) for c in table.columns]
    return sa.table(table.name, *columns, sa.column("rowid", sa.BigInteger))
