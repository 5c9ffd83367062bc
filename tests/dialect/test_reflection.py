"""What is in the database can be asked of it; duckdb-engine's own reflection fails or misleads."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

TABLE = """
CREATE TABLE Shop (
    id INTEGER PRIMARY KEY,
    name VARCHAR NOT NULL UNIQUE,
    price DECIMAL(10, 2) DEFAULT 1.5 CHECK (price > 0),
    weight DOUBLE,
    "at" TIMESTAMP,
    seen TIMESTAMP WITH TIME ZONE,
    day DATE,
    properties JSON,
    raw BLOB,
    tags VARCHAR[],
    big HUGEINT,
    ok BOOLEAN
)
"""


@pytest.fixture
def inspector(engine: sa.Engine) -> sa.Inspector:
    with engine.begin() as connection:
        connection.exec_driver_sql(TABLE)
        connection.exec_driver_sql("CREATE TABLE parts (shop INTEGER REFERENCES Shop (id), n INT)")
        connection.exec_driver_sql("CREATE INDEX by_n ON parts (n)")
        connection.exec_driver_sql("CREATE VIEW cheap AS SELECT * FROM Shop WHERE price < 2")
        connection.exec_driver_sql("COMMENT ON TABLE Shop IS 'What is for sale'")
        connection.exec_driver_sql("COMMENT ON COLUMN Shop.name IS 'As on the label'")
        connection.exec_driver_sql("CREATE SCHEMA other")
        connection.exec_driver_sql("CREATE TABLE other.elsewhere (a INT)")
    return sa.inspect(engine)


def test_only_the_tables_of_the_schema_are_named(inspector: sa.Inspector) -> None:
    assert sorted(inspector.get_table_names()) == ["Shop", "parts"]
    assert inspector.get_table_names(schema="other") == ["elsewhere"]
    assert inspector.get_view_names() == ["cheap"]
    assert "price < 2" in (inspector.get_view_definition("cheap") or "").replace("(", "")


def test_columns_have_their_types(inspector: sa.Inspector) -> None:
    columns = {column["name"]: column for column in inspector.get_columns("Shop")}
    kinds = {
        "id": sa.Integer,
        "name": sa.String,
        "price": sa.Numeric,
        "weight": sa.Double,
        "at": sa.DateTime,
        "seen": sa.DateTime,
        "day": sa.Date,
        "properties": sa.JSON,
        "raw": sa.LargeBinary,
        "tags": sa.ARRAY,
        "ok": sa.Boolean,
    }
    for name, kind in kinds.items():
        assert isinstance(columns[name]["type"], kind), (name, columns[name]["type"])
    price = columns["price"]["type"]
    assert isinstance(price, sa.Numeric)
    assert (price.precision, price.scale) == (10, 2)
    zones = {name: getattr(columns[name]["type"], "timezone", None) for name in ("seen", "at")}
    assert zones == {"seen": True, "at": False}
    assert not isinstance(columns["big"]["type"], sa.types.NullType)


def test_columns_know_whether_they_may_be_null(inspector: sa.Inspector) -> None:
    nullable = {column["name"]: column["nullable"] for column in inspector.get_columns("Shop")}
    assert (nullable["id"], nullable["name"], nullable["price"]) == (False, False, True)


def test_constraints_are_found(inspector: sa.Inspector) -> None:
    assert inspector.get_pk_constraint("Shop")["constrained_columns"] == ["id"]
    assert [u["column_names"] for u in inspector.get_unique_constraints("Shop")] == [["name"]]
    assert "price" in inspector.get_check_constraints("Shop")[0]["sqltext"]
    (key,) = inspector.get_foreign_keys("parts")
    assert (key["constrained_columns"], key["referred_table"]) == (["shop"], "Shop")
    (index,) = inspector.get_indexes("parts")
    assert (index["name"], index["column_names"]) == ("by_n", ["n"])


def test_comments_are_found(inspector: sa.Inspector) -> None:
    assert inspector.get_table_comment("Shop") == {"text": "What is for sale"}
    columns = {column["name"]: column for column in inspector.get_columns("Shop")}
    assert columns["name"]["comment"] == "As on the label"


def test_a_whole_schema_can_be_reflected(engine: sa.Engine, inspector: sa.Inspector) -> None:
    metadata = sa.MetaData()
    metadata.reflect(engine, views=True)
    assert set(metadata.tables) == {"Shop", "parts", "cheap"}
    shop = sa.Table("Shop", sa.MetaData(), autoload_with=engine)
    assert [column.name for column in shop.primary_key] == ["id"]


@pytest.mark.parametrize("place", ["other schema", "attached database", "temporary"])
def test_a_table_of_the_same_name_elsewhere_is_not_ours(
    engine: sa.Engine, tmp_path: object, place: str
) -> None:
    table = sa.Table("foo", sa.MetaData(), sa.Column("a", sa.String))
    with engine.begin() as connection:
        if place == "other schema":
            connection.exec_driver_sql("CREATE SCHEMA s2")
            connection.exec_driver_sql("CREATE TABLE s2.foo (b INT)")
        elif place == "attached database":
            connection.exec_driver_sql(f"ATTACH '{tmp_path}/second.db' AS second")
            connection.exec_driver_sql("CREATE TABLE second.foo (b INT)")
        else:
            connection.exec_driver_sql("CREATE TEMP TABLE foo (b INT)")
    with engine.begin() as connection:
        assert sa.inspect(connection).get_table_names() == []
        assert sa.inspect(connection).has_table("foo") is (place == "temporary")
        table.metadata.create_all(connection)
        made = connection.exec_driver_sql(
            "SELECT database_name FROM duckdb_tables()"
            " WHERE table_name = 'foo' AND schema_name = 'main' AND NOT temporary"
            " AND database_name = current_database()"
        )
        assert made.all() == [("data",)]
