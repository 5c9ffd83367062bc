"""Mixpanel's raw files, parsed by DuckDB's own reader: the set-based twin of ``formats``.

Regular lines never pass through Python. A line that is out of the ordinary (ids that are numbers,
a missing id, the flat form, a time that is no integer) is held back, read by ``formats``, and put
in its place. What DuckDB cannot read at all is for ``formats`` altogether, which then says what is
wrong and in which line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import sqlalchemy as sa

from mixpanel_data._internal.dialect import arrow_source
from mixpanel_data._internal.lines import check_whole
from mixpanel_data._internal.records import batches
from mixpanel_data._internal.tables import Kind, user_table
from mixpanel_data._internal.watching import watched
from mixpanel_data.formats import read_export, read_profiles

READERS: dict[str, Callable[..., Iterator[Any]]] = {
    "events": read_export,
    "profiles": read_profiles,
}

# Stands in the key column of a line that was held back. A line with this very key is held back.
_HELD = "\0held"
# Held lines are gathered in memory; past this many the whole load goes the other way.
_MOST_HELD = 50_000

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
       CASE WHEN regular THEN x[4] ELSE :held END AS insert_id,
       CASE WHEN regular THEN json_merge_patch(p, '{"distinct_id"\\:null,"$insert_id"\\:null}')
            ELSE line END AS properties
FROM (SELECT *, coalesce(types[1] = 'VARCHAR' AND types[2] IN ('BIGINT', 'UBIGINT')
                         AND types[3] = 'VARCHAR' AND types[4] = 'VARCHAR' AND types[5] = 'OBJECT'
                         AND len(json_keys(line)) = 2
                         AND t BETWEEN -62135596800000 AND 253402300799999
                         AND x[4] <> '' AND x[4] <> :held
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
SELECT CASE WHEN regular THEN x[1] ELSE :held END AS distinct_id,
       CASE WHEN regular THEN json_extract(line, '$."$properties"') ELSE line END AS properties,
       CASE WHEN regular THEN last_seen END AS last_seen
FROM (SELECT *, coalesce(types[1] = 'VARCHAR' AND types[2] = 'OBJECT' AND len(json_keys(line)) = 2
                         AND (types[3] IS NULL OR last_seen IS NOT NULL)
                         AND x[1] <> :held
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


class IrregularError(Exception):
    """The files are better read by ``formats``."""


def insert(
    connection: sa.Connection,
    table: sa.Table,
    kind: Kind,
    files: Sequence[Path],
    progress: Callable[[int], object] | None = None,
) -> int:
    """Put all records of *files* into *table*, which has no key yet, and count them.

    *progress* gets the bytes read so far, as stored.

    Raises:
        IrregularError: too many lines are out of the ordinary, or a held line is no record.
        InvalidRecordError: a compressed file is cut short or damaged.
        DBAPIError: DuckDB cannot read a file.
    """
    names = [column.name for column in table.columns]
    values = {
        "files": list(map(str, files)),
        "held": _HELD,
        "dubious": _DUBIOUS,
        "suspect": _SUSPECT,
        "iso": _ISO,
    }
    query = sa.text(_QUERIES[kind.name])
    select = query.bindparams(
        **{name: value for name, value in values.items() if f":{name}" in query.text}
    ).columns(*map(sa.column, names))
    _run(connection, sa.insert(table).from_select(names, select), files, progress)
    _put_back(connection, table, kind)
    return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def _run(
    connection: sa.Connection,
    statement: sa.Insert,
    files: Sequence[Path],
    progress: Callable[[int], object] | None,
) -> None:
    """Run *statement* on a second thread, and see meanwhile that all *files* are whole.

    DuckDB takes a cut .zst, and before 2.0 a cut .gz, for a shorter one, and looks at no checksum.
    """
    raw = connection.connection.driver_connection
    assert isinstance(raw, duckdb.DuckDBPyConnection)
    total = sum(file.stat().st_size for file in files)
    watched(
        raw,
        lambda: connection.execute(statement),
        None if progress is None else lambda share: progress(int(total * share)),
        chain.from_iterable(map(check_whole, files)),
    )
    if progress is not None:
        progress(total)


def _put_back(connection: sa.Connection, table: sa.Table, kind: Kind) -> None:
    """Read the lines that were held back, and put the records where the lines are."""
    rows = sa.table(table.name, *(sa.column(c.name) for c in table.columns), sa.column("rowid"))
    held = rows.c[kind.key] == _HELD
    count = connection.scalar(sa.select(sa.func.count()).select_from(rows).where(held)) or 0
    if not count:
        return
    if count > _MOST_HELD:
        raise IrregularError
    line = sa.cast(rows.c.properties, sa.String)
    found = connection.execute(sa.select(rows.c.rowid, line).where(held).order_by(rows.c.rowid))
    positions, lines = zip(*found.all())
    source = BytesIO("\n".join(lines).encode())
    packed = pa.Table.from_batches(
        batches(READERS[kind.name](source), user_table(kind, str(table.name)))
    )
    if packed.num_rows != count:
        raise IrregularError
    packed = packed.append_column("_position", pa.array(positions, pa.int64()))
    with arrow_source(connection, packed) as fresh:
        new = {column.name: fresh.c[column.name] for column in table.columns}
        connection.execute(sa.update(rows).where(rows.c.rowid == fresh.c._position).values(new))


def expand(paths: str | Path | Iterable[str | Path]) -> list[Path]:
    """Give the files that *paths* name: one or more paths, or patterns as ``Path.glob`` takes them.

    Raises:
        FileNotFoundError: a path is not there, or a pattern fits none.
    """
    files: list[Path] = []
    for path in [paths] if isinstance(paths, (str, Path)) else paths:
        plain = Path(path)
        matches = [plain] if plain.exists() else sorted(_glob(plain))
        if not matches:
            raise FileNotFoundError(f"There is no file {plain}.")
        files.extend(matches)
    return files


def _glob(pattern: Path) -> Iterator[Path]:
    anchor = Path(pattern.anchor)
    return anchor.glob(str(pattern.relative_to(anchor)))


_MAGIC = {b"\x1f\x8b": {".gz"}, b"\x28\xb5\x2f\xfd": {".zst"}}


def suits_duckdb(files: Sequence[Path]) -> bool:
    """Say whether their names let DuckDB find these very files, and how they are compressed."""
    return all(_is_plain(file) for file in files)


def _is_plain(file: Path) -> bool:
    if not file.is_file() or any(mark in str(file) for mark in "*?[{") or ":" in str(file):
        return False
    with file.open("rb") as stream:
        start = stream.read(4)
    endings = next((e for magic, e in _MAGIC.items() if start.startswith(magic)), set())
    compressed = {".gz", ".zst"}
    return (file.suffix in endings) if endings else file.suffix not in compressed
