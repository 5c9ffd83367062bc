"""The repository: ``StorageEngine``, every call of the library."""

import sys

from mixpanel_data._internal.duckdb.dialect import Dialect
from mixpanel_data._internal.storage.engine import StorageEngine

__all__ = ["StorageEngine"]


def _register_with_alembic() -> None:
    # Alembic looks for no dialect by itself. Where it is loaded it may be for this one.
    if "alembic.ddl" in sys.modules:
        import mixpanel_data.alembic  # noqa: F401


Dialect.on_use.append(_register_with_alembic)
