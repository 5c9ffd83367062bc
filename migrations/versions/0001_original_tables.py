"""The tables as the original library made them.

Its files have them, and no version table. Of events and profiles there are any number, named by
users and made when they are filled:

events: event_name VARCHAR NOT NULL, event_time TIMESTAMP NOT NULL, distinct_id VARCHAR NOT NULL,
    insert_id VARCHAR PRIMARY KEY, properties JSON
profiles: distinct_id VARCHAR PRIMARY KEY, properties JSON, last_seen TIMESTAMP
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "_metadata",
        sa.Column("table_name", sa.String, primary_key=True),
        sa.Column("type", sa.String, nullable=False),
        sa.Column("fetched_at", sa.TIMESTAMP, nullable=False),
        sa.Column("from_date", sa.Date),
        sa.Column("to_date", sa.Date),
        sa.Column("row_count", sa.Integer, nullable=False),
        if_not_exists=True,
    )


def downgrade() -> None:
    # The users' own tables stay.
    op.drop_table("_metadata")
