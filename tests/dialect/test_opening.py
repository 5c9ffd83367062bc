"""Opening a file: beside plain connections, read-only, and never through an extension."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa

from mixpanel_data._internal.duckdb.files import open_shared, read_at


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data.db"


def test_an_engine_opens_beside_a_plain_connection(path: Path, engine: sa.Engine) -> None:
    with duckdb.connect(str(path)) as plain:
        plain.execute("CREATE TABLE t AS SELECT 1 AS a")
        with engine.connect() as connection:
            assert connection.exec_driver_sql("FROM t").scalar() == 1
        assert plain.execute("SELECT current_setting('python_enable_replacements')").fetchone() == (
            True,
        )


def test_read_only(path: Path, url: str) -> None:
    with duckdb.connect(str(path)) as plain:
        plain.execute("CREATE TABLE t AS SELECT 1 AS a")
    engine = sa.create_engine(url, connect_args={"read_only": True})
    with engine.connect() as connection:
        assert connection.exec_driver_sql("FROM t").scalar() == 1
        with pytest.raises(sa.exc.DBAPIError, match="read-only"):
            connection.exec_driver_sql("DELETE FROM t")
    engine.dispose()


def test_the_url_may_carry_settings(url: str) -> None:
    engine = sa.create_engine(f"{url}?threads=1&TimeZone=Asia/Tokyo")
    with engine.connect() as connection:
        settings = "SELECT current_setting('threads'), current_setting('TimeZone')"
        assert connection.exec_driver_sql(settings).one() == (1, "Asia/Tokyo")
    engine.dispose()


@pytest.mark.parametrize("content", [b"", b"abc", b"SQLite format 3\0" + bytes(100), b"PAR1" * 9])
def test_other_files_are_refused_and_left_alone(path: Path, url: str, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(sa.exc.OperationalError, match="DuckDB database"):
        sa.create_engine(url).connect()
    assert path.read_bytes() == content


@pytest.mark.parametrize("address", ["https://example.invalid/a.db", "sqlite:a.db", "s3://a/b.db"])
def test_other_protocols_are_refused(address: str) -> None:
    url = sa.URL.create("duckdb+mixpanel_data", database=address)
    with pytest.raises(sa.exc.OperationalError, match="not a local DuckDB database file"):
        sa.create_engine(url).connect()


def test_an_attached_file_of_another_format_fetches_nothing(
    tmp_path: Path, engine: sa.Engine
) -> None:
    foreign, extensions = tmp_path / "foreign.sqlite", tmp_path / "extensions"
    foreign.write_bytes(b"SQLite format 3\0" + bytes(4000))
    with engine.connect() as connection:
        connection.exec_driver_sql(f"SET extension_directory = '{extensions}'")
        with pytest.raises(sa.exc.DBAPIError, match="Install it first") as caught:
            connection.exec_driver_sql(f"ATTACH '{foreign}'")
    assert "download" not in str(caught.value).lower()
    assert not [file for file in extensions.rglob("*") if file.is_file()]


@pytest.mark.parametrize("address", ["duckdb+mixpanel_data://", "duckdb+mixpanel_data:///:memory:"])
def test_each_engine_in_memory_has_a_database_of_its_own(address: str) -> None:
    one, other = sa.create_engine(address), sa.create_engine(address)
    with one.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (a INTEGER)")
    assert sa.inspect(one).get_table_names() == ["t"]
    assert sa.inspect(other).get_table_names() == []
    one.dispose()
    other.dispose()


def test_a_name_shares_a_database_in_memory() -> None:
    url = "duckdb+mixpanel_data:///:memory:shared_by_name"
    one, other = sa.create_engine(url), sa.create_engine(url)
    with one.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (a INTEGER)")
    assert sa.inspect(other).get_table_names() == ["t"]
    one.dispose()
    other.dispose()


def test_plain_duckdb_urls_are_left_alone(path: Path) -> None:
    assert sa.create_engine(f"duckdb:///{path}").dialect.driver == "duckdb_engine"


def test_no_reserved_word_goes_unquoted(engine: sa.Engine) -> None:
    words = "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category = 'reserved'"
    quote = engine.dialect.identifier_preparer.quote
    with engine.connect() as connection:
        for (word,) in connection.exec_driver_sql(words).all():
            assert quote(word) == f'"{word}"'


def test_threads_that_look_into_one_file_do_not_move_each_other(path: Path) -> None:
    content = bytes(range(256)) * 16
    path.write_bytes(content)
    opened, interval = open_shared(path), sys.getswitchinterval()

    def look(at: int) -> bool:
        return all(read_at(opened, 16, at) == content[at : at + 16] for _ in range(2_000))

    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as workers:
            assert all(workers.map(look, range(0, 128, 16)))
    finally:
        sys.setswitchinterval(interval)


def test_extensions_are_loaded_on_connecting(url: str) -> None:
    engine = sa.create_engine(url, connect_args={"preload_extensions": ["json", "parquet"]})
    with engine.connect() as connection:
        loaded = "SELECT bool_and(loaded) FROM duckdb_extensions() WHERE extension_name = 'parquet'"
        assert connection.exec_driver_sql(loaded).scalar() is True
    engine.dispose()


def test_an_extension_that_is_not_installed_is_named(url: str) -> None:
    engine = sa.create_engine(url, connect_args={"preload_extensions": ["nothing_of_this_name"]})
    with pytest.raises(sa.exc.DBAPIError, match="nothing_of_this_name"):
        engine.connect()
