"""Tables in ClickHouse for tests of statements: what reports and exploration need of a storage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from mixpanel_data import TableNotFoundError
from mixpanel_data._internal import iso8601
from mixpanel_data._internal.clickhouse.dialect import create_memory_engine
from mixpanel_data._internal.schema.tables import EVENTS, PROFILES, Kind, user_table
from mixpanel_data.reports import Reports
from mixpanel_data.types import ColumnInfo, TableMetadata, TableSchema


class ClickHouseTables:
    """Tables in a database of this process."""

    def __init__(self, engine: sa.Engine | None = None) -> None:
        self.engine = engine or create_memory_engine()
        self._metadata: dict[str, TableMetadata] = {}

    def create_events_table(
        self, name: str, records: Iterable[dict[str, Any]], metadata: TableMetadata
    ) -> None:
        """Make a table of events."""
        self._create(EVENTS, name, records, metadata)

    def create_profiles_table(
        self, name: str, records: Iterable[dict[str, Any]], metadata: TableMetadata
    ) -> None:
        """Make a table of profiles."""
        self._create(PROFILES, name, records, metadata)

    def _create(
        self, kind: Kind, name: str, records: Iterable[dict[str, Any]], metadata: TableMetadata
    ) -> None:
        table = user_table(kind, name)
        rows = [{**dict.fromkeys(table.c.keys()), **record} for record in records]
        for row in rows:
            if isinstance(row.get("event_time"), str):
                row["event_time"] = iso8601.parse(row["event_time"])
        with self.engine.begin() as connection:
            table.create(connection)
            if rows:
                connection.execute(sa.insert(table), rows)
        self._metadata[name] = metadata

    def drop_table(self, name: str) -> None:
        """Drop a table."""
        with self.engine.begin() as connection:
            sa.Table(name, sa.MetaData()).drop(connection)

    def table_exists(self, name: str) -> bool:
        """Return whether there is such a table."""
        return sa.inspect(self.engine).has_table(name)

    def get_schema(self, name: str) -> TableSchema:
        """Return the columns of a table."""
        if not self.table_exists(name):
            raise TableNotFoundError(name)
        columns = sa.inspect(self.engine).get_columns(name)
        return TableSchema(
            name, [ColumnInfo(c["name"], str(c["type"]), c["nullable"], False) for c in columns]
        )

    def get_metadata(self, name: str) -> TableMetadata:
        """Return what a table was made with."""
        return self._metadata[name]

    def execute_rows(self, statement: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a statement."""
        return [tuple(row) for row in self.query(statement)]

    def query(self, statement: Any) -> Sequence[Any]:
        """Return the rows of a statement."""
        with self.engine.connect() as connection:
            if isinstance(statement, str):
                return connection.exec_driver_sql(statement).all()
            return connection.execute(statement).all()

    def execute_scalar(self, statement: Any) -> Any:
        """Return the one value of a statement."""
        return self.execute_rows(statement)[0][0]

    def sql_text(self, statement: Any) -> str:
        """Return a statement as SQL text."""
        return str(statement.compile(self.engine, compile_kwargs={"literal_binds": True}))

    def reports(self, name: str, **options: Any) -> Reports:
        """Return reports over a table."""
        return Reports(self, name, **options)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
