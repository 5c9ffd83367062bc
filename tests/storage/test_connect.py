"""``connect`` opens a database by its URL: a file of DuckDB's, or ClickHouse."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from mixpanel_data import (
    DamagedDatabaseError,
    DatabaseLockedError,
    DatabaseNotFoundError,
    QueryError,
    SchemaVersionError,
    StorageEngine,
    UnsupportedError,
    maintenance,
)
from mixpanel_data._internal.schema.versions import head
from tests.support import clickhouse
from tests.support.factories import EVENTS, NeverStarted
from tests.support.processes import run

on_clickhouse = pytest.mark.clickhouse


@pytest.mark.parametrize("url", ["{}", "duckdb:///{}", "duckdb+mixpanel_data:///{}"])
def test_a_file_by_its_path_or_url(db_path: Path, url: str) -> None:
    with StorageEngine.connect(url.format(db_path)) as engine:
        assert engine.path == db_path
    with StorageEngine.connect(url.format(db_path), read_only=True) as engine:
        assert engine.read_only


@pytest.mark.parametrize("url", ["duckdb://", "duckdb:///:memory:"])
def test_a_database_in_memory(url: str) -> None:
    with StorageEngine.connect(url) as engine:
        assert engine.path is None


@pytest.mark.parametrize("url", ["postgresql://host/db", "sqlite:///a.db"])
def test_other_engines_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="clickhousedb://"):
        StorageEngine.connect(url)


@on_clickhouse
def test_clickhouse_is_the_same_class() -> None:
    url = clickhouse.new_url()
    with StorageEngine.connect(url) as engine:
        assert isinstance(engine, StorageEngine)
        assert engine.path is None
        assert repr(engine) == f"<StorageEngine {url}, for writing>"
        with StorageEngine.connect(sa.make_url(url), read_only=True) as reader:
            assert EVENTS.create(engine, EVENTS.records(3)) == 3
            assert [table.row_count for table in reader.list_tables()] == [3]
    with pytest.raises(RuntimeError, match="closed"):
        engine.list_tables()
    engine.close()


@pytest.mark.slow
@on_clickhouse
def test_clickhouse_needs_nothing_of_duckdb(tmp_path: Path) -> None:
    url = f"clickhousedb:///d?interface=chdb&path={tmp_path}"
    code = f"""
import json, sys
import sqlalchemy as sa
from tests.support.factories import EVENTS
from mixpanel_data import StorageEngine
with StorageEngine.connect({url!r}) as engine:
    EVENTS.create(engine, EVENTS.records(3))
    EVENTS.append(engine, EVENTS.records(5))
    engine.execute_df(sa.select(engine.table("data")))
    engine.event_breakdown("data")
    engine.reports("data").segmentation(from_date="2024-01-01", to_date="2024-01-02")
print(json.dumps(sorted(sys.modules)))
"""
    loaded = json.loads(run(code))
    assert "mixpanel_data._internal.clickhouse.load" in loaded
    assert not [name for name in loaded if "duckdb" in name]


@pytest.mark.slow
def test_without_the_extra_it_is_named() -> None:
    code = """
import sys
from mixpanel_data import StorageEngine
from mixpanel_data.cli import main
sys.modules["clickhouse_connect"] = None
try:
    StorageEngine.connect("clickhousedb://localhost/db")
except ImportError as error:
    print(error)
sys.stderr = sys.stdout
sys.argv = ["mixpanel-data", "tables", "--db", "clickhousedb://localhost/db"]
try:
    main()
except SystemExit as end:
    print(end.code)
"""
    told, printed, code = run(code).splitlines()
    assert "pip install 'mixpanel-data[clickhouse]'" in told
    assert printed == f"Error: {told}"
    assert code == "3"


@on_clickhouse
def test_a_server_that_is_not_there_is_an_oserror() -> None:
    with pytest.raises(OSError, match=r"Failed to open clickhousedb://me:\*\*\*@127\.0\.0\.1:1/db"):
        StorageEngine.connect("clickhousedb://me:secret@127.0.0.1:1/db")


@on_clickhouse
def test_reading_makes_no_database() -> None:
    url = clickhouse.new_url()
    for _ in range(2):
        with pytest.raises(DatabaseNotFoundError):
            StorageEngine.connect(url, read_only=True)


@on_clickhouse
def test_a_reader_changes_nothing() -> None:
    url = clickhouse.new_url()
    with StorageEngine.connect(url) as engine:
        EVENTS.create(engine, EVENTS.records(3))
    with StorageEngine.connect(url, read_only=True) as reader:
        for change in (
            lambda: EVENTS.append(reader, NeverStarted()),
            lambda: reader.drop_table("data"),
            lambda: reader.execute_rows("INSERT INTO data SELECT * FROM data"),
        ):
            with pytest.raises(QueryError):
                change()
        assert reader.execute_scalar("SELECT count() FROM data") == 3


@on_clickhouse
@pytest.mark.parametrize(
    ("call", "instead"),
    [
        (lambda engine: engine.connection, "execute_arrow"),
        (lambda engine: engine.execute("SELECT 1"), "execute_arrow"),
        (lambda engine: StorageEngine(engine.engine.url.render_as_string()), "connect"),
        (lambda engine: StorageEngine.open_existing(str(engine.engine.url)), "connect"),
    ],
    ids=["connection", "execute", "path", "open_existing"],
)
def test_what_there_is_no_counterpart_of(call: object, instead: str) -> None:
    assert callable(call)
    with clickhouse.connect() as engine, pytest.raises(UnsupportedError, match=instead) as raised:
        call(engine)
    told = raised.value.to_dict()
    assert told["code"] == "UNSUPPORTED"
    assert told["details"]["engine"] == "clickhouse"
    assert "ClickHouse" in told["message"]


@pytest.mark.parametrize("url", ["clickhousedb://host/db", Path("clickhousedb://host/db")])
def test_what_looks_after_files_refuses_urls(url: str | Path) -> None:
    calls = (maintenance.status, maintenance.upgrade, maintenance.check, maintenance.compact)
    for call in calls:
        with pytest.raises(UnsupportedError, match="BACKUP"):
            call(url)
    with pytest.raises(UnsupportedError, match="lock"):
        StorageEngine.unlock("data.db")


@on_clickhouse
def test_sessions_only_read() -> None:
    with clickhouse.connect() as engine:
        EVENTS.create(engine, EVENTS.records(3))
        table = engine.table("data")
        with engine.session() as session:
            assert len(session.execute(sa.select(table.c.insert_id)).all()) == 3
            with pytest.raises(sa.exc.DatabaseError, match="readonly"):
                session.execute(sa.delete(table).where(table.c.insert_id == "id-000001"))
        assert engine.execute_scalar("SELECT count() FROM data") == 3


@on_clickhouse
def test_a_second_writer_is_refused() -> None:
    url = clickhouse.new_url()
    with StorageEngine.connect(url) as engine, StorageEngine.connect(url) as other:
        EVENTS.create(engine, EVENTS.records(3))

        def records() -> Iterator[Any]:
            with pytest.raises(DatabaseLockedError, match="loads into table 'data'") as raised:
                EVENTS.append(other, NeverStarted())
            assert raised.value.host
            assert raised.value.holding_pid
            assert pickle.loads(pickle.dumps(raised.value)).to_dict() == raised.value.to_dict()
            with pytest.raises(DatabaseLockedError):
                other.drop_table("data")
            assert EVENTS.create(other, EVENTS.records(2), "another") == 2
            yield from EVENTS.records(5)

        assert EVENTS.append(engine, records()) == 2
        assert EVENTS.append(other, EVENTS.records(7)) == 2


@on_clickhouse
def test_a_load_that_was_shut_out_publishes_nothing() -> None:
    url = clickhouse.new_url()
    with StorageEngine.connect(url) as engine, StorageEngine.connect(url) as other:
        EVENTS.create(engine, EVENTS.records(3))

        def records() -> Iterator[Any]:
            yield from EVENTS.records(5)
            assert StorageEngine.unlock(url, force=True)
            assert EVENTS.append(other, EVENTS.records(4)) == 1

        with pytest.raises(QueryError):
            EVENTS.append(engine, records())
        assert engine.execute_scalar("SELECT count() FROM data") == 4
        assert StorageEngine.unlock(url) == []


@on_clickhouse
def test_a_history_that_lacks_the_last_load_is_completed() -> None:
    url = clickhouse.new_url()
    with StorageEngine.connect(url) as engine:
        EVENTS.create(engine, EVENTS.records(3))
        before = engine.load_history()
        engine.execute_rows("TRUNCATE TABLE _loads")
        assert engine.load_history() == []
    with StorageEngine.connect(url) as engine:
        assert engine.load_history() == before


@on_clickhouse
@pytest.mark.parametrize(("revision", "reads"), [("0001", True), ("9999", False)])
def test_databases_of_other_revisions_are_not_written(revision: str, reads: bool) -> None:
    url = clickhouse.new_url()
    with StorageEngine.connect(url) as engine:
        EVENTS.create(engine, EVENTS.records(3))
        assert engine.execute_rows("SELECT * FROM _alembic_version") == [(head(),)]
        engine.execute_rows("TRUNCATE TABLE _alembic_version")
        engine.execute_rows(f"INSERT INTO _alembic_version VALUES ('{revision}')")
    with pytest.raises(SchemaVersionError, match=revision):
        StorageEngine.connect(url)
    if reads:
        with StorageEngine.connect(url, read_only=True) as engine:
            assert [table.row_count for table in engine.list_tables()] == [3]
    else:
        with pytest.raises(SchemaVersionError, match=revision):
            StorageEngine.connect(url, read_only=True)


@on_clickhouse
@pytest.mark.parametrize(
    "comment", ['{"mixpanel_data":', '{"mixpanel_data":1}', '{"mixpanel_data":1,"load":[]}']
)
def test_a_comment_that_somebody_changed_is_named(comment: str) -> None:
    with clickhouse.connect() as engine:
        EVENTS.create(engine, EVENTS.records(3))
        engine.execute_rows(f"ALTER TABLE data MODIFY COMMENT '{comment}'")
        for call in (lambda: engine.get_metadata("data"), engine.list_tables):
            with pytest.raises(DamagedDatabaseError, match="comment of table 'data'"):
                call()
        assert engine.execute_scalar("SELECT count() FROM data") == 3
        engine.execute_rows("ALTER TABLE data MODIFY COMMENT 'of my own'")
        assert engine.list_tables() == []
        with pytest.raises(ValueError, match="not made by this library"):
            EVENTS.append(engine, NeverStarted())
