"""Typed rows beside tables: which there are, and which of their tables others have changed."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "_typed",
        sa.Column("table_name", sa.String, primary_key=True),
        sa.Column("type", sa.String, nullable=False),
        sa.Column("columns", sa.JSON, nullable=False),
        sa.Column("definition", sa.String, nullable=False),
    )
    op.create_table("_touched", sa.Column("table_name", sa.String, nullable=False))


def downgrade() -> None:
    op.drop_typed_rows()
    op.drop_table("_touched")
    op.drop_table("_typed")
