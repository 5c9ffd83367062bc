"""A result as csv, json, jsonl or parquet, into a file that appears only once it is whole."""

from __future__ import annotations

import csv
import io
import os
import secrets
import sys
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any, cast

import orjson

from mixpanel_data.cli.console import printable
from mixpanel_data.exceptions import MixpanelDataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mixpanel_data.cli.views.arrow_result import ArrowResult
    from mixpanel_data.cli.views.results import Result as DuckDBResult

    Result = DuckDBResult | ArrowResult


class OutputError(MixpanelDataError):
    """The result cannot be written in the format asked for."""

    code = "OUTPUT"


def write_csv(result: Result, out: IO[bytes]) -> None:
    """Write RFC 4180: a header, CRLF, quotes where they are needed, NULL as nothing."""
    text = io.StringIO(newline="")
    lines = csv.writer(text)
    lines.writerow(result.columns)
    for rows in result.text_rows():
        lines.writerows(rows)
        out.write(text.getvalue().encode())
        text.seek(0)
        text.truncate()
    out.write(text.getvalue().encode())


def write_jsonl(result: Result, out: IO[bytes]) -> None:
    """Write one object a line."""
    for objects in _objects(result):
        out.write("\n".join(objects).encode() + b"\n")


def write_json(result: Result, out: IO[bytes]) -> None:
    """Write one array of objects, each on a line of its own."""
    before = b"[\n"
    for objects in _objects(result):
        out.write(before + ",\n".join(objects).encode())
        before = b",\n"
    out.write(b"[]\n" if before == b"[\n" else b"\n]\n")


def write_parquet(result: Result, out: IO[bytes]) -> None:
    """Write Parquet, a row group at a time.

    Raises:
        OutputError: a column is of a type that Parquet does not know.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema, batches = result.arrow()
    try:
        with pq.ParquetWriter(out, schema, compression="zstd") as writer:
            for batch in batches:
                writer.write_batch(batch)
    except pa.ArrowException as error:
        raise OutputError(
            f"Parquet cannot hold this result: {error}. CAST the column to another type."
        ) from error


def _objects(result: Result) -> Iterator[list[str]]:
    # Keys are written once: the cells come as JSON already.
    keys = [orjson.dumps(name).decode() + ":" for name in result.columns]
    for rows in result.json_rows():
        yield ["{" + ",".join(map(_member, keys, row)) + "}" for row in rows]


def _member(key: str, cell: str | None) -> str:
    return key + ("null" if cell is None else cell)


class _Terminal(io.RawIOBase):
    """A terminal, which no control character of the data reaches."""

    def write(self, data: Any) -> int:
        text = bytes(data).decode()
        lines = (printable(line.rstrip("\r")) for line in text.split("\n"))
        return sys.stdout.write("\n".join(lines))


def is_picture(path: Path | None) -> bool:
    """Return whether a file is to hold a picture, by its suffix."""
    return path is not None and path.suffix.lower() in (".html", ".png", ".svg")


@contextmanager
def output(path: Path | None) -> Iterator[IO[bytes]]:
    """Yield stdout, or a file that takes the place of *path* when the block ends well."""
    if path is None:
        yield cast("IO[bytes]", _Terminal()) if sys.stdout.isatty() else sys.stdout.buffer
        return
    if path.exists() and not path.is_file():
        # A pipe or a device is written to, not replaced.
        with path.open("wb") as device:
            yield device
        return
    target = path.resolve()
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial")
    try:
        with partial.open("xb") as file:
            yield file
        os.replace(partial, target)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise
