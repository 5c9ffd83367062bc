"""A history of loads, which starts with the tables as they are."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "_loads",
        sa.Column("table_name", sa.String, nullable=False),
        sa.Column("type", sa.String, nullable=False),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("source", sa.String),
        sa.Column("started_at", sa.TIMESTAMP, nullable=False),
        sa.Column("finished_at", sa.TIMESTAMP, nullable=False),
        sa.Column("from_date", sa.Date),
        sa.Column("to_date", sa.Date),
        sa.Column("filters", sa.JSON),
        sa.Column("records", sa.BigInteger, nullable=False),
        sa.Column("stored", sa.BigInteger, nullable=False),
        sa.Column("duplicates", sa.BigInteger, nullable=False),
        sa.Column("collisions", sa.BigInteger, nullable=False),
        sa.Column("replaced", sa.BigInteger, nullable=False),
        sa.Column("library_version", sa.String, nullable=False),
        sa.Column("duckdb_version", sa.String, nullable=False),
    )
    # What was loaded before is known in sum only.
    op.execute(
        """
        INSERT INTO _loads
        SELECT table_name, type, 'adopt', NULL, fetched_at, fetched_at, from_date, to_date, filters,
               row_count + coalesce(duplicates, 0), row_count, coalesce(duplicates, 0),
               coalesce(collisions, 0), 0, 'unknown', 'unknown'
        FROM _metadata ORDER BY fetched_at, table_name
        """
    )


def downgrade() -> None:
    op.drop_table("_loads")
