"""One open database on a server, or in this process: its clients, and what is checked first."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from clickhouse_connect.driver.binding import format_str, quote_identifier
from clickhouse_connect.driver.client import Client

from mixpanel_data._internal.clickhouse.dialect import create_engine
from mixpanel_data._internal.clickhouse.errors import (
    DRIVER_ERRORS,
    UNKNOWN_DATABASE,
    cause_of,
    code_of,
    query_errors,
)
from mixpanel_data.exceptions import DatabaseNotFoundError, UnsupportedError

# What this was tested on; older ones lack statements that loads need.
_OLDEST = (26, 7)
# Of these the names of two tables can be exchanged in one step.
_ENGINES = ("Atomic", "Replicated", "Shared")

# Without a handler of somebody's its notes would be printed, beside the errors that say the same.
logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())

quoted = quote_identifier
literal = format_str


class Database:
    """An open database; any number of threads may use it, each statement by a client of its own."""

    def __init__(self, url: sa.URL, *, read_only: bool) -> None:
        """Connect, and make the database if it is not there and to be written.

        Raises:
            DatabaseNotFoundError: *read_only*, and it is not there.
            UnsupportedError: the server is too old, or the database's engine has no exchange.
            OSError: the server cannot be reached, or refuses.
        """
        self.place = url.render_as_string(hide_password=True)
        self.read_only = read_only
        self._url = url
        self._closed = False
        self.engine = create_engine(url, read_only=read_only)
        try:
            self._reach()
            self.version = self._checked_version()
        except DRIVER_ERRORS as error:
            self.close()
            raise OSError(f"Failed to open {self.place}: {cause_of(error)}") from error
        except BaseException:
            self.close()
            raise

    def _reach(self) -> None:
        try:
            self.engine.connect().close()
        except DRIVER_ERRORS as error:
            if code_of(error) != UNKNOWN_DATABASE or self._url.database is None:
                raise
            if self.read_only:
                raise DatabaseNotFoundError(self.place) from None
            # A connection cannot be to what is not there; in memory, the first one keeps it.
            first = create_engine(self._url.set(database="default"))
            with first.connect() as connection:
                name = quoted(self._url.database)
                connection.exec_driver_sql(f"CREATE DATABASE IF NOT EXISTS {name} ENGINE = Atomic")
                self.engine.connect().close()
            first.dispose()

    def _checked_version(self) -> str:
        row = self.one("SELECT version(), engine FROM system.databases WHERE name = database()")
        version, engine = map(str, row)
        if tuple(map(int, version.split(".")[:2])) < _OLDEST:
            oldest = ".".join(map(str, _OLDEST))
            raise UnsupportedError(
                f"{self.place} is ClickHouse {version}; this library needs {oldest} or newer."
            )
        if engine not in _ENGINES:
            raise UnsupportedError(
                f"The database at {self.place} has the engine {engine}, in which a load cannot"
                " be published in one step. Use one made with ENGINE = Atomic, the default."
            )
        self.database_engine = engine
        return version

    @cached_property
    def sessions(self) -> sa.Engine:
        """An engine that only reads."""
        return create_engine(self._url, read_only=True)

    def ensure_open(self) -> None:
        """Refuse a closed database.

        Raises:
            RuntimeError: it is closed.
        """
        if self._closed:
            raise RuntimeError(f"The engine of {self.place} is closed.")

    @contextmanager
    def client(self) -> Iterator[Client]:
        """Yield a client that nobody else uses meanwhile."""
        self.ensure_open()
        pooled = self.engine.raw_connection()
        try:
            assert pooled.driver_connection is not None
            yield pooled.driver_connection.client
        finally:
            pooled.close()

    @contextmanager
    def connect(self, what: str | sa.Executable) -> Iterator[sa.Connection]:
        """Yield a connection, with the database's errors as QueryErrors that name *what*."""
        self.ensure_open()
        with query_errors(what), self.engine.connect() as connection:
            yield connection

    def command(self, sql: str, settings: dict[str, Any] | None = None) -> None:
        """Run a statement that has no result; the driver's errors are its own."""
        with self.client() as client:
            client.command(sql, settings=settings)

    def all(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query; the driver's errors are its own."""
        with self.client() as client:
            return [tuple(row) for row in client.query(sql).result_rows]

    def one(self, sql: str) -> tuple[Any, ...]:
        """Return the only row of a query."""
        (row,) = self.all(sql)
        return row

    def close(self) -> None:
        """Close every connection."""
        self._closed = True
        self.engine.dispose()
        if "sessions" in vars(self):
            self.sessions.dispose()
