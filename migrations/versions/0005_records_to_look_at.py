"""How many records of a load were of other days, or held a time that is none."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("_loads", sa.Column("outside", sa.BigInteger))
    op.add_column("_loads", sa.Column("invalid_last_seen", sa.BigInteger))


def downgrade() -> None:
    op.drop_column("_loads", "invalid_last_seen")
    op.drop_column("_loads", "outside")
