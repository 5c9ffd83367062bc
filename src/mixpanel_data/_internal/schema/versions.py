"""The revisions of the schema, by their files, and whether this library works with one."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import sqlalchemy as sa

from mixpanel_data.exceptions import SchemaVersionError

# In the installed package, and beside src/ in a checkout.
_PLACES = (Path(__file__).parents[2] / "migrations", Path(__file__).parents[4] / "migrations")

version_table = sa.Table(
    "_alembic_version",
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), primary_key=True),
)


@cache
def script_location() -> Path:
    """Return the directory of the migrations."""
    return next(place for place in _PLACES if (place / "versions").is_dir())


@cache
def revision_ids() -> tuple[str, ...]:
    """Return the ids of all revisions, the oldest first; each file's name starts with its own."""
    files = (script_location() / "versions").glob("[0-9]*_*.py")
    return tuple(sorted(file.name.partition("_")[0] for file in files))


def head() -> str:
    """Return the revision that this library works with."""
    return revision_ids()[-1]


def refusal(place: str | Path, found: str, *, read_only: bool) -> SchemaVersionError | None:
    """Return why a database of a revision cannot be used, None where it can.

    An older one can be read.
    """
    older = found in revision_ids()[:-1]
    if found == head() or (older and read_only):
        return None
    return SchemaVersionError(place, found, head(), older=older)
