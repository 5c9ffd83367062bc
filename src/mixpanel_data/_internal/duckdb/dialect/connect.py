"""Connect to a database without touching the network, and set up its session."""

from __future__ import annotations

import re
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from mixpanel_data._internal.duckdb import files

# What DuckDB reads as "open this with an extension" (or over the network) rather than as a path.
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9_+]+:")

# Set after connecting: DuckDB refuses a second connection whose configuration differs, so a
# configuration of ours would shut out a plain duckdb.connect() of the same file.
_SESSION = {
    "autoinstall_known_extensions": "false",
    "python_enable_replacements": "false",
    "TimeZone": "UTC",
    # Else DuckDB draws one on stdout, where a program's results go, in any Python it takes for an
    # interactive one: under -c and -m, too. The last, since it may be refused.
    "enable_progress_bar": "false",
}


# The last connection to each path; while one lives, the file is known to be DuckDB's.
_connected: weakref.WeakValueDictionary[str, duckdb.DuckDBPyConnection] = (
    weakref.WeakValueDictionary()
)


def is_open_here(path: Path) -> bool:
    """Return whether this process has connections to the file."""
    return str(path) in _connected


def open_database(
    database: str, config: dict[str, Any], read_only: bool = False
) -> duckdb.DuckDBPyConnection:
    """Connect to a file, or to ``:memory:`` with an optional name.

    Raises:
        ForkedEngineError: the process that forked this one had the file open then.
    """
    chosen = {name.lower(): value for name, value in config.items()}
    ours = {name.lower() for name in _SESSION}
    config = {name: value for name, value in config.items() if name.lower() not in ours}
    with files.opening:
        if not database.startswith(":memory:"):
            files.refuse_inherited(Path(database).expanduser())
            if database not in _connected:
                _refuse_foreign(database)
        raw = duckdb.connect(database, read_only=read_only, config=config)
    try:
        values = {n: str(chosen.get(n.lower(), d)).replace("'", "''") for n, d in _SESSION.items()}
        with no_progress_bar():
            raw.execute("; ".join(f"SET {name} = '{value}'" for name, value in values.items()))
    except BaseException:
        # One that stays open keeps the database open, too, after a fatal error for good.
        raw.close()
        raise
    _connected[database] = raw
    return raw


@contextmanager
def no_progress_bar() -> Iterator[None]:
    """Go on where a setting of the progress bar is refused, in the block, as there is none.

    So it is in notebooks without the package ipywidgets.
    """
    try:
        yield
    except duckdb.InvalidInputException as error:
        if "progress bar" not in str(error):
            raise


def _refuse_foreign(database: str) -> None:
    """Refuse what DuckDB would fetch an extension for: another format, or another protocol."""
    if _SCHEME.match(database):
        raise duckdb.IOException(f'IO Error: "{database}" is not a local DuckDB database file')
    path = Path(database).expanduser()
    if path.is_file() and not files.is_duckdb_file(path):
        size = "" if path.stat().st_size else "empty, and "
        raise duckdb.IOException(f'IO Error: "{path}" is {size}not a DuckDB database file')
