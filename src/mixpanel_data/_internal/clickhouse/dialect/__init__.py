"""ClickHouse through SQLAlchemy: clickhouse-connect's dialect, with what statements here need.

A database is named by ``clickhousedb://user:password@host:port/database``, or in-process, by chdb,
by ``clickhousedb:///database?interface=chdb``, with ``&path=FOLDER`` for one that stays.
"""

from mixpanel_data._internal.clickhouse import functions as _functions  # noqa: F401
from mixpanel_data._internal.clickhouse import summary as _summary  # noqa: F401
from mixpanel_data._internal.clickhouse.dialect.base import ClickHouseDialect
from mixpanel_data._internal.clickhouse.dialect.connect import create_engine, create_memory_engine

__all__ = ["ClickHouseDialect", "create_engine", "create_memory_engine"]
