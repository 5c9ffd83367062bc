"""In which zone the times of a table were written, and how many of a load did not tell."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_COUNTS = ("ambiguous_times", "missing_times", "time_offset")


def upgrade() -> None:
    op.add_column("_metadata", sa.Column("time_zone", sa.String))
    op.add_column("_loads", sa.Column("time_zone", sa.String))
    for name in _COUNTS:
        op.add_column("_loads", sa.Column(name, sa.BigInteger))


def downgrade() -> None:
    for name in (*reversed(_COUNTS), "time_zone"):
        op.drop_column("_loads", name)
    op.drop_column("_metadata", "time_zone")
