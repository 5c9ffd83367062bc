"""Alembic's way in: the connection that is given, or one to ``-x db=PATH`` or the URL."""

import logging
import os

import sqlalchemy as sa
from alembic import context

from mixpanel_data._internal.maintenance import migrate

config = context.config


def run(connection: sa.Connection) -> None:
    """Run the migrations that were asked for; each is a transaction of its own."""
    with migrate.protected(connection):
        context.configure(connection=connection, **migrate.options(config, connection))
        with context.begin_transaction():
            context.run_migrations()


given = config.attributes.get("connection")
if given is not None:
    run(given)
else:
    logging.basicConfig(format="%(message)s")
    logging.getLogger("alembic.runtime.migration").setLevel(logging.INFO)
    # A file that this makes is its owner's alone.
    os.umask(0o077)
    engine = sa.create_engine(migrate.url(config, context.get_x_argument(as_dictionary=True)))
    with engine.connect() as connection:
        run(connection)
    engine.dispose()
