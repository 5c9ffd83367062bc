"""Files that do not say their revision: of this library's first versions, or somebody else's."""

from __future__ import annotations

from pathlib import Path

import pytest

from mixpanel_data import StorageEngine, maintenance
from tests.support.files import EVENTS, HEAD, REVISIONS, asset, contents, do, revision_of, schema

pytestmark = pytest.mark.slow


@pytest.fixture(params=REVISIONS[1:3])
def unrecorded(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a file of a version that had filters, or a history of loads, but no revisions."""
    return do(asset(request.param, tmp_path), "DROP TABLE _alembic_version")


def test_its_tables_tell_the_revision(unrecorded: Path, request: pytest.FixtureRequest) -> None:
    assert revision_of(unrecorded) == request.node.callspec.params["unrecorded"]


@pytest.mark.slow
def test_it_comes_to_the_head(unrecorded: Path, tmp_path: Path) -> None:
    before = contents(unrecorded)["rows"]
    assert maintenance.upgrade(unrecorded).after == HEAD
    StorageEngine(tmp_path / "new.db").close()
    assert schema(unrecorded) == schema(tmp_path / "new.db")
    after = contents(unrecorded)["rows"]
    for name, rows in before.items():
        # Later revisions may add columns.
        assert [row[: len(old)] for row, old in zip(after[name], rows, strict=True)] == rows


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sql", "reached"),
    [
        (maintenance.upgrade_sql, HEAD),
        (lambda path: maintenance.downgrade_sql(path, "0001"), "0001"),
    ],
)
def test_the_sql_for_it_can_be_run_by_hand(unrecorded: Path, sql: object, reached: str) -> None:
    assert callable(sql)
    assert revision_of(do(unrecorded, sql(unrecorded))) == reached


def test_somebody_elses_table_of_the_name_is_no_catalogue(tmp_path: Path) -> None:
    path = do(tmp_path / "theirs.db", "CREATE TABLE _metadata AS SELECT 1 AS id")
    do(path, EVENTS.format("loose"))
    assert maintenance.status(path).unregistered == {"loose": "events"}
    assert [problem.table for problem in maintenance.check(path)] == ["loose"]


def test_adopting_makes_the_file_one_of_ours(tmp_path: Path) -> None:
    path = do(tmp_path / "theirs.db", EVENTS.format("keyed"), "CREATE TABLE loose AS FROM keyed")
    do(path, "DROP TABLE keyed")
    assert revision_of(path) is None
    assert maintenance.adopt(path, "loose").row_count == 0
    assert revision_of(path) == HEAD
