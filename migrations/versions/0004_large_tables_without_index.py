"""Tables of more than a million rows carry no index, which would have to fit in memory.

DuckDB needs about 200 MB of memory for a million rows of it, and keeps it in the file. The loads
keep the key unique without it.
"""

from alembic import op

revision = "0004"
down_revision = "0003"

LIMIT = 1_000_000


def upgrade() -> None:
    for table in op.managed_tables():
        if table.info["rows"] > LIMIT and table.primary_key:
            with op.rebuild_table(table, primary_key=False):
                pass


def downgrade() -> None:
    keys = {"events": "insert_id", "profiles": "distinct_id"}
    for table in op.managed_tables():
        if not table.primary_key:
            with op.rebuild_table(table, primary_key=keys[table.info["kind"]]):
                pass
