"""SQLAlchemy engines for a server, and for a database within this process."""

from __future__ import annotations

import itertools
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import registry

_PACKAGE = "mixpanel_data._internal.clickhouse.dialect"

# Without the entry points of an installed package, too.
for _name in ("clickhousedb.mixpanel_data", "clickhouse.mixpanel_data"):
    registry.register(_name, _PACKAGE, "ClickHouseDialect")

_numbers = itertools.count(1)


def create_engine(url: str | sa.URL, *, read_only: bool = False, **options: Any) -> sa.Engine:
    """Return an engine on a database of a server, or in-process.

    *url* is ``clickhousedb://user:password@host:port/database``, or for chdb
    ``clickhousedb:///database?interface=chdb&path=FOLDER``, without a path in memory. With
    *read_only* the server refuses what is no query. *options* are ``sqlalchemy.create_engine``'s.
    """
    address = sa.make_url(url).set(drivername="clickhousedb+mixpanel_data")
    if read_only:
        # 1 would refuse the settings that come with each request.
        address = address.update_query_dict({"ch_readonly": "2"})
    return sa.create_engine(address, **options)


def create_memory_engine(name: str | None = None, **options: Any) -> sa.Engine:
    """Return an engine on a new database in this process's memory, which all its engines share."""
    name = name or f"memory_{next(_numbers)}"
    first = create_engine("clickhousedb://?interface=chdb")
    with first.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} ENGINE = Atomic")
        engine = create_engine(f"clickhousedb:///{name}?interface=chdb", **options)
        # What is in memory stays while some connection is open.
        engine.connect().close()
    first.dispose()
    return engine
