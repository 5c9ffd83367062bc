"""What shaped a fetch, what became of its records, and counts past two thousand million."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.alter_column("_metadata", "row_count", type_=sa.BigInteger, existing_nullable=False)
    op.add_column("_metadata", sa.Column("filters", sa.JSON))
    op.add_column("_metadata", sa.Column("duplicates", sa.BigInteger))
    op.add_column("_metadata", sa.Column("collisions", sa.BigInteger))


def downgrade() -> None:
    for name in ("collisions", "duplicates", "filters"):
        op.drop_column("_metadata", name)
    op.alter_column("_metadata", "row_count", type_=sa.Integer, existing_nullable=False)
