"""${message[0].upper() + message[1:]}."""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


# Users name their tables, so a change of shape goes through those in the catalogue:
#
#     for table in op.managed_tables("events"):
#         op.add_column(table.name, sa.Column("…", sa.String))
#
# DuckDB refuses to change a column, or to add one that is NOT NULL, where an index depends on the
# table. Then the table is built anew, with its rows, key, indexes, comments and order:
#
#     for table in op.managed_tables("events"):
#         with op.rebuild_table(table) as batch:
#             batch.alter_column("…", nullable=False)


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
