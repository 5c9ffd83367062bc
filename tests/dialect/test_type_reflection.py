"""Types and details of DuckDB's own survive reflection and come back as DDL."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

TYPES = {
    "tiny": "TINYINT",
    "small": "SMALLINT",
    "unsigned": "UBIGINT",
    "huge": "HUGEINT",
    "single": "FLOAT",
    "double": "DOUBLE",
    "price": "DECIMAL(9,4)",
    "mood": "ENUM('ok', 'it''s, (odd)')",
    "uid": "UUID",
    "clock": "TIME",
    "zoned": "TIME WITH TIME ZONE",
    "instant": "TIMESTAMP WITH TIME ZONE",
    "nanos": "TIMESTAMP_NS",
    "span": "INTERVAL",
    "bits": "BIT",
    "numbers": "INTEGER[]",
    "grid": "DECIMAL(5,2)[][]",
    "vector": "FLOAT[3]",
    "record": 'STRUCT("a b" INTEGER, c VARCHAR[], d STRUCT(x DOUBLE))',
    "pairs": "MAP(VARCHAR, DECIMAL(3,1))",
    "either": "UNION(n INTEGER, s VARCHAR)",
    "doc": "JSON",
}


@pytest.fixture
def made(engine: sa.Engine) -> sa.Engine:
    columns = ", ".join(f"{name} {type_}" for name, type_ in TYPES.items())
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE TABLE zoo ({columns})")
    return engine


def test_every_type_makes_the_same_table_again(made: sa.Engine) -> None:
    zoo = sa.Table("zoo", sa.MetaData(), autoload_with=made)
    assert not any(isinstance(column.type, sa.types.NullType) for column in zoo.c)
    copy = zoo.to_metadata(sa.MetaData(), name="copy")
    with made.begin() as connection:
        copy.create(connection)
        kinds = (
            "SELECT column_name, data_type FROM duckdb_columns()"
            " WHERE table_name = 'copy' ORDER BY column_index"
        )
        made_again = connection.exec_driver_sql(kinds).all()
    assert [tuple(row) for row in made_again] == list(TYPES.items())


def test_statements_over_such_a_table_are_cached(made: sa.Engine) -> None:
    zoo = sa.Table("zoo", sa.MetaData(), autoload_with=made)
    with made.begin() as connection:
        connection.execute(sa.insert(zoo).values(record={"a b": 1, "c": ["x"], "d": {"x": 2.0}}))
        for _ in range(2):
            assert connection.execute(sa.select(zoo.c.record)).scalar_one()["c"] == ["x"]


def test_defaults_and_computed_columns(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE t (a INTEGER DEFAULT 3, b VARCHAR DEFAULT 'it''s',"
            ' "c d" INTEGER GENERATED ALWAYS AS (a + 1))'
        )
    a, b, computed = sa.inspect(engine).get_columns("t")
    assert (a["default"], b["default"]) == ("3", "'it''s'")
    assert computed["computed"] == {"sqltext": "a + 1", "persisted": False}
    sa.Table("t", sa.MetaData(), autoload_with=engine).to_metadata(
        sa.MetaData(), name="copy"
    ).create(engine)
    assert sa.inspect(engine).get_columns("copy")[2]["computed"] == computed["computed"]


def test_indexes_over_expressions(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql('CREATE TABLE t (a INTEGER, "b, c" VARCHAR)')
        connection.exec_driver_sql('CREATE UNIQUE INDEX pair ON t ("b, c", (a + 1))')
    (index,) = sa.inspect(engine).get_indexes("t")
    assert index["column_names"] == ["b, c", None]
    assert index["expressions"] == ["b, c", "a + 1"]
    assert index["unique"]


def test_temporary_things_and_sequences(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TEMP TABLE passing (a INTEGER)")
        connection.exec_driver_sql("CREATE TEMP VIEW glance AS SELECT 1 AS one")
        connection.exec_driver_sql("CREATE SEQUENCE counter")
        inspector = sa.inspect(connection)
        assert inspector.get_table_names() == []
        assert inspector.get_temp_table_names() == ["passing"]
        assert inspector.get_temp_view_names() == ["glance"]
        assert inspector.get_view_definition("glance") == "SELECT 1 AS one"
        assert inspector.get_sequence_names() == ["counter"]
        assert [column["name"] for column in inspector.get_columns("passing")] == ["a"]


def test_temporary_tables_are_created_and_dropped_like_others(engine: sa.Engine) -> None:
    metadata = sa.MetaData()
    key = sa.Column("id", sa.Integer, primary_key=True)
    sa.Table("Passing", metadata, key, prefixes=["TEMPORARY"])
    with engine.begin() as connection:
        for _ in range(2):
            metadata.create_all(connection)
            assert sa.inspect(connection).get_temp_table_names() == ["Passing"]
        for _ in range(2):
            metadata.drop_all(connection)
            assert sa.inspect(connection).get_temp_table_names() == []


def test_a_boolean_default(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE t (yes BOOLEAN DEFAULT true, no BOOLEAN DEFAULT false)"
        )
    assert [column["default"] for column in sa.inspect(engine).get_columns("t")] == [
        "true",
        "false",
    ]


def test_schemas_of_attached_databases_are_qualified(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("ATTACH ':memory:' AS \"my.other\"")
        connection.exec_driver_sql('CREATE TABLE "my.other".main.t AS SELECT 5 AS five')
        assert sa.inspect(connection).get_schema_names() == ["main", '"my.other".main']
        table = sa.Table("t", sa.MetaData(), schema='"my.other".main', autoload_with=connection)
        assert connection.execute(sa.select(table)).all() == [(5,)]


def test_a_missing_table_is_an_error(engine: sa.Engine) -> None:
    inspector = sa.inspect(engine)
    for ask in (inspector.get_columns, inspector.get_indexes, inspector.get_view_definition):
        with pytest.raises(sa.exc.NoSuchTableError):
            ask("nowhere")
