"""A DataFrame on the screen, or as csv, json, jsonl or parquet."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from mixpanel_data.cli.console import console, print_grid
from mixpanel_data.cli.options import Format
from mixpanel_data.cli.views import writers

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def write_frame(frame: pd.DataFrame, format_: Format, output: Path | None = None) -> None:
    """Write every row of a frame to stdout, or to a file that appears once it is whole.

    Cells are as those of ``query``: times ISO 8601, NULL and NaN empty in csv and null in JSON.
    Lists and dicts are values in JSON, and their JSON text elsewhere.
    """
    with writers.output(output) as out:
        if format_ is Format.TABLE:
            screen = console(None if output is None else io.TextIOWrapper(out, "utf-8"))
            _write_table(frame, screen)
            screen.file.flush()
        else:
            _WRITERS[format_](frame, out)


def _write_table(frame: pd.DataFrame, screen: Any) -> None:
    numbers = [kind.kind in "iufb" for kind in map(_dtype, frame.dtypes)]
    rows = [[None if cell is None else _shown(cell) for cell in row] for row in _rows(frame)]
    print_grid(screen, list(map(str, frame.columns)), rows, numbers=numbers)


def _write_csv(frame: pd.DataFrame, out: IO[bytes]) -> None:
    text = io.StringIO(newline="")
    lines = csv.writer(text)
    lines.writerow(frame.columns)
    lines.writerows(["" if cell is None else text_of(cell) for cell in row] for row in _rows(frame))
    out.write(text.getvalue().encode())


def _write_json(frame: pd.DataFrame, out: IO[bytes]) -> None:
    objects = ",\n".join(_objects(frame))
    out.write(f"[\n{objects}\n]\n".encode() if objects else b"[]\n")


def _write_jsonl(frame: pd.DataFrame, out: IO[bytes]) -> None:
    out.writelines(f"{line}\n".encode() for line in _objects(frame))


def _write_parquet(frame: pd.DataFrame, out: IO[bytes]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays = {str(name): _array(column) for name, column in frame.items()}
    pq.write_table(pa.table(arrays), out, compression="zstd")


_WRITERS = {
    Format.CSV: _write_csv,
    Format.JSON: _write_json,
    Format.JSONL: _write_jsonl,
    Format.PARQUET: _write_parquet,
}


def _objects(frame: pd.DataFrame) -> Iterable[str]:
    names = list(map(str, frame.columns))
    return (_json(dict(zip(names, row))) for row in _rows(frame))


def _rows(frame: pd.DataFrame) -> Iterable[list[Any]]:
    columns = [map(_plain, column.astype(object)) for _, column in frame.items()]
    return map(list, zip(*columns))


def _plain(value: Any) -> Any:
    """Return a cell as a value that JSON has; None for what pandas takes as missing."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    # NaN, NaT and NA are the values that do not equal themselves.
    if value is None or str(value) in ("NaT", "<NA>") or value != value:
        return None
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (float, Decimal)):
        return float(value) if math.isfinite(value) else None
    return value if isinstance(value, (bool, int)) else str(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def text_of(cell: Any) -> str:
    """Return a cell as text: text as it is, all else as JSON."""
    return cell if isinstance(cell, str) else _json(cell)


def _shown(cell: Any) -> str:
    """Return a cell for people: whole numbers are grouped, others short."""
    if isinstance(cell, bool) or not isinstance(cell, (int, float)):
        return text_of(cell)
    return f"{cell:,}" if isinstance(cell, int) else f"{cell:,.6g}"


def _dtype(kind: Any) -> Any:
    return getattr(kind, "numpy_dtype", kind)


def _array(column: pd.Series[Any]) -> pa.Array:
    import pyarrow as pa

    try:
        return pa.Array.from_pandas(column)
    except (pa.ArrowException, OverflowError):
        # Of several types: a list's items, or a property's values. As text then.
        return pa.array(
            [None if c is None else text_of(c) for c in map(_plain, column)], pa.string()
        )
