"""Runs the suite on a new database file and holds it to the list of expected failures."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import sqlalchemy as sa
from sqlalchemy.testing.plugin import plugin_base
from sqlalchemy.testing.provision import (
    delete_from_all_tables,
    set_default_schema_on_connection,
    temp_table_keyword_args,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_EXPECTED = Path(__file__).with_name("expected_failures.txt")
# The plugin of the suite adds the database and its version to the names of the classes.
_DATABASE = re.compile(r"_duckdb\+mixpanel_data[\w.]*(?=::)")

_outcomes: Counter[str] = Counter()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    directory = tempfile.TemporaryDirectory()
    config.add_cleanup(directory.cleanup)
    url = f"duckdb+mixpanel_data:///{directory.name}/suite.db"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.schema.CreateSchema("test_schema"))
        connection.execute(sa.schema.CreateSchema("test_schema_2"))
    engine.dispose()
    config.option.dburi = [url]


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart() -> None:
    # The suite looks for these in a setup.cfg of the working directory.
    requirements = "tests.compliance.requirements:Requirements"
    options = {"requirement_cls": requirements, "profile_file": "unused"}
    plugin_base.file_config.read_dict({"sqla_testing": options})


@temp_table_keyword_args.for_db("duckdb")
def _temporary(cfg: Any, engine: sa.Engine) -> dict[str, list[str]]:
    return {"prefixes": ["TEMPORARY"]}


@set_default_schema_on_connection.for_db("duckdb")
def _set_schema(cfg: Any, dbapi_connection: Any, schema_name: str) -> None:
    dbapi_connection.cursor().execute(f"SET schema = '{schema_name}'")


@delete_from_all_tables.for_db("duckdb")
def _empty(connection: sa.Connection, cfg: Any, metadata: sa.MetaData) -> None:
    if any(table.foreign_keys for table in metadata.tables.values()):
        # DuckDB does not delete parents in the transaction that has deleted their children.
        metadata.drop_all(connection)
        metadata.create_all(connection)
        return
    for table in metadata.tables.values():
        connection.execute(table.delete())


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    expected = dict(_expected_failures())
    for item in items:
        reason = expected.get(_name(item.nodeid))
        if reason is not None:
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))


def _expected_failures() -> Iterator[tuple[str, str]]:
    """Read the list: a reason after ``#``, and below it the tests that fail for it.

    A reason that starts with a version of DuckDB holds for that one only.
    """
    for section in _EXPECTED.read_text(encoding="utf-8").split("# ")[1:]:
        reason, *names = section.split("\n")
        version = re.match(r"DuckDB (\d+):", reason)
        if version is None or duckdb.__version__.startswith(version[1] + "."):
            yield from ((name, reason) for name in names if name)


def _name(nodeid: str) -> str:
    return _DATABASE.sub("", nodeid).partition("::")[2]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call":
        _outcomes["expected" if hasattr(report, "wasxfail") else report.outcome] += 1
    elif report.failed:
        _outcomes["errors"] += 1


def pytest_terminal_summary(terminalreporter: Any) -> None:
    passed, failed = _outcomes["passed"], _outcomes["failed"] + _outcomes["expected"]
    terminalreporter.section("compliance")
    terminalreporter.line(
        f"{passed} of {passed + failed} tests passed ({passed / max(1, passed + failed):.1%});"
        f" {_outcomes['expected']} failed as listed, {_outcomes['failed']} unexpectedly,"
        f" {_outcomes['errors']} errors in set-up or tear-down"
    )
