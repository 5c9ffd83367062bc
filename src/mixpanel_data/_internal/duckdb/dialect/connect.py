"""Connect to a database without touching the network, and set up its session."""

from __future__ import annotations

import re
import sys
import weakref
from functools import cache
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
    # interactive one: under -c and -m, too.
    "enable_progress_bar": "false",
}
_BAR = "enable_progress_bar"

# The last connection to each path; while one lives, the file is known to be DuckDB's.
_connected: weakref.WeakValueDictionary[str, duckdb.DuckDBPyConnection] = (
    weakref.WeakValueDictionary()
)


def is_open_here(path: Path) -> bool:
    """Return whether this process has connections to the file."""
    return str(path) in _connected


@cache
def can_set_bar() -> bool:
    """Return whether DuckDB's progress bar can be turned on and off.

    A notebook without ipywidgets never draws one, and DuckDB refuses to be told so: within a
    transaction that would end it.
    """
    if "IPython" not in sys.modules:
        return True
    with duckdb.connect(":memory:") as probe:
        try:
            probe.execute(f"SET {_BAR} = false")
        except duckdb.InvalidInputException:
            return False
    return True


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
        session = {n: d for n, d in _SESSION.items() if n != _BAR or can_set_bar()}
        values = {n: str(chosen.get(n.lower(), d)).replace("'", "''") for n, d in session.items()}
        raw.execute("; ".join(f"SET {name} = '{value}'" for name, value in values.items()))
    except BaseException:
        # One that stays open keeps the database open, too, after a fatal error for good.
        raw.close()
        raise
    _connected[database] = raw
    return raw


def _refuse_foreign(database: str) -> None:
    """Refuse what DuckDB would fetch an extension for: another format, or another protocol."""
    if _SCHEME.match(database):
        raise duckdb.IOException(f'IO Error: "{database}" is not a local DuckDB database file')
    path = Path(database).expanduser()
    if path.is_file() and not files.is_duckdb_file(path):
        size = "" if path.stat().st_size else "empty, and "
        raise duckdb.IOException(f'IO Error: "{path}" is {size}not a DuckDB database file')
