"""Revisions on ClickHouse: from the first to the head, and back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory

import mixpanel_data._internal.maintenance.operations  # noqa: F401
from mixpanel_data._internal.clickhouse.dialect import create_memory_engine
from mixpanel_data._internal.schema import versions
from mixpanel_data._internal.schema.tables import EVENTS, INTERNAL, loads_table, user_table

pytestmark = pytest.mark.clickhouse

pytest.importorskip(
    "mixpanel_data._internal.clickhouse.dialect.alembic",
    reason="clickhouse-connect's part for Alembic needs a later Alembic",
    exc_type=ImportError,
)

SCRIPTS = list(ScriptDirectory(str(versions.script_location())).walk_revisions())[::-1]


@pytest.fixture
def connection() -> Iterator[sa.Connection]:
    """Yield a connection to an empty database."""
    engine = create_memory_engine()
    with engine.connect() as opened:
        yield opened
    engine.dispose()


def _run(connection: sa.Connection, change: str, scripts: list[Any]) -> None:
    context = MigrationContext.configure(connection, opts={"live_connection": connection})
    with Operations.context(context):
        for script in scripts:
            getattr(script.module, change)()


def _columns(connection: sa.Connection, name: str) -> dict[str, str]:
    rows = connection.exec_driver_sql(
        f"SELECT name, type FROM system.columns WHERE database = database() AND table = '{name}'"
    )
    return {str(column): str(type_) for column, type_ in rows}


def _tables(connection: sa.Connection) -> dict[str, dict[str, str]]:
    return {name: _columns(connection, name) for name in sa.inspect(connection).get_table_names()}


def test_every_revision_runs_up_and_down(connection: sa.Connection) -> None:
    users = user_table(EVENTS, "events")
    users.create(connection)
    states = [_tables(connection)]
    for script in SCRIPTS:
        _run(connection, "upgrade", [script])
        if script.revision == "0001":
            connection.exec_driver_sql(
                "INSERT INTO _metadata VALUES ('events', 'events', '2024-01-01 00:00:00.5',"
                " NULL, '2024-01-31', 3)"
            )
        states.append(_tables(connection))

    expected = sa.MetaData()
    for table in INTERNAL:
        found = states[-1][str(table.name)]
        copy = table.to_metadata(expected, name=f"{table.name}_made")
        copy.create(connection)
        assert found == _columns(connection, str(copy.name))
        copy.drop(connection)
    adopted = connection.execute(sa.select(loads_table)).mappings().one()
    assert (adopted["action"], adopted["records"]) == ("adopt", 3)
    assert adopted["finished_at"].replace(tzinfo=None) == datetime(2024, 1, 1, 0, 0, 0, 500000)

    for script, before in zip(SCRIPTS[::-1], states[-2::-1]):
        _run(connection, "downgrade", [script])
        assert _tables(connection) == before, script.revision


def test_altering_a_type_keeps_what_is_said_of_null(connection: sa.Connection) -> None:
    table = sa.Table(
        "t",
        sa.MetaData(),
        sa.Column("a", sa.Integer, nullable=False),
        sa.Column("b", sa.Integer),
    )
    table.create(connection)
    context = MigrationContext.configure(connection)
    with Operations.context(context) as op:
        for name in ("a", "b"):
            op.alter_column("t", name, type_=sa.BigInteger)
        assert _columns(connection, "t") == {"a": "Int64", "b": "Nullable(Int64)"}
        op.alter_column("t", "a", nullable=True, existing_type=sa.BigInteger)
        op.alter_column("t", "b", new_column_name="c")
        op.add_column("t", sa.Column("d", sa.JSON), if_not_exists=True)
        op.add_column("t", sa.Column("d", sa.JSON), if_not_exists=True)
    columns = {"a": "Nullable(Int64)", "c": "Nullable(Int64)", "d": "Nullable(String)"}
    assert _columns(connection, "t") == columns
