"""${message[0].upper() + message[1:]}."""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


# Users name their tables, so a change of shape goes through those in the catalogue, and not
# through the ones that autogenerate found in one file:
#
#     for table in op.managed_tables("events"):
#         op.add_column(table.name, sa.Column("…", sa.String))
#
# Where an index depends on the table, and users make some, DuckDB refuses to change, rename or drop
# a column, and to add one that is NOT NULL. Then the table is built anew, with its rows, key,
# indexes, comments and order; what is added as NOT NULL needs a default:
#
#     for table in op.managed_tables("events"):
#         with op.rebuild_table(table) as batch:
#             batch.add_column(sa.Column("…", sa.Integer, nullable=False, server_default="0"))
#             batch.drop_column("…")


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}

