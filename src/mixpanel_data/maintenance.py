"""Database files as files: their schema revision, backups, and what may be wrong with them.

Each function opens the file, does one thing and closes it, and none can be half done. A file that
another process holds, or this one, is a ``DatabaseLockedError``; one that DuckDB cannot open an
``OSError`` that says why; one of a revision that this library does not know a
``SchemaVersionError``.
"""

from mixpanel_data._internal.maintenance.commands import (
    adopt,
    backup,
    check,
    compact,
    downgrade,
    downgrade_sql,
    history,
    recover,
    status,
    upgrade,
    upgrade_sql,
)

__all__ = [
    "adopt",
    "backup",
    "check",
    "compact",
    "downgrade",
    "downgrade_sql",
    "history",
    "recover",
    "status",
    "upgrade",
    "upgrade_sql",
]
