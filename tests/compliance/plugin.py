"""Runs the suite on a new database file and holds it to the list of expected failures."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.testing.plugin import plugin_base
from sqlalchemy.testing.provision import (
    delete_from_all_tables,
    set_default_schema_on_connection,
    temp_table_keyword_args,
)

from tests.compliance.expected import ExpectedFailures
from tests.compliance.verdict import Verdict

_EXPECTED_FAILURES = Path(__file__).with_name("expected_failures.txt")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Make the database with the schemas that the suite wants, for as long as the run lasts."""
    directory = tempfile.TemporaryDirectory(prefix="compliance-", ignore_cleanup_errors=True)
    config.add_cleanup(directory.cleanup)
    url = f"duckdb+mixpanel_data:///{directory.name}/suite.db"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.schema.CreateSchema("test_schema"))
        connection.execute(sa.schema.CreateSchema("test_schema_2"))
    engine.dispose()
    config.option.dburi = [url]
    config.pluginmanager.register(Verdict(ExpectedFailures(_EXPECTED_FAILURES)))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart() -> None:
    """Return the suite what it looks for in a setup.cfg of the working directory."""
    requirements = "tests.compliance.requirements:Requirements"
    options = {"requirement_cls": requirements, "profile_file": "unused"}
    plugin_base.file_config.read_dict({"sqla_testing": options})


@temp_table_keyword_args.for_db("duckdb")
def _make_temporary(cfg: Any, engine: sa.Engine) -> dict[str, list[str]]:
    return {"prefixes": ["TEMPORARY"]}


@set_default_schema_on_connection.for_db("duckdb")
def _set_schema(cfg: Any, dbapi_connection: Any, schema_name: str) -> None:
    dbapi_connection.cursor().execute(f"SET schema = '{schema_name}'")


@delete_from_all_tables.for_db("duckdb")
def _empty_tables(connection: sa.Connection, cfg: Any, metadata: sa.MetaData) -> None:
    if any(table.foreign_keys for table in metadata.tables.values()):
        # DuckDB does not delete parents in the transaction that has deleted their children.
        metadata.drop_all(connection)
        metadata.create_all(connection)
        return
    for table in metadata.tables.values():
        connection.execute(table.delete())
