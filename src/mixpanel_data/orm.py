"""Abstract declarative classes over the tables, to be subclassed with a ``__tablename__``.

class JanuaryEvent(Event):
    __tablename__ = "events_jan"

``event("events_jan")`` and ``profile("users")`` make such a class, always the same one of a name:
a notebook's cell with them can run twice.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from mixpanel_data._internal.display import brief, html_table


class Base(DeclarativeBase):
    """The registry that subclasses of Event and Profile share."""

    def _loaded(self) -> dict[str, Any]:
        # Not by attribute: that would ask the database for what has expired.
        names = [column.key for column in sa.inspect(type(self)).column_attrs]
        return {name: vars(self)[name] for name in names if name in vars(self)}

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={brief(value)}" for name, value in self._loaded().items())
        return f"{type(self).__name__}({values})"

    def _repr_html_(self) -> str:
        values = self._loaded()
        return html_table(list(values), [list(values.values())], type(self).__name__)


class Event(Base):
    """One event; ``event_time`` is naive and in UTC."""

    __abstract__ = True

    event_name: Mapped[str] = mapped_column(sa.String)
    event_time: Mapped[datetime] = mapped_column(sa.TIMESTAMP(timezone=False))
    distinct_id: Mapped[str] = mapped_column(sa.String)
    insert_id: Mapped[str] = mapped_column(sa.String, primary_key=True)
    properties: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON)


class Profile(Base):
    """One user profile; ``last_seen`` is naive and in UTC, or None."""

    __abstract__ = True

    distinct_id: Mapped[str] = mapped_column(sa.String, primary_key=True)
    properties: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON)
    last_seen: Mapped[datetime | None] = mapped_column(sa.TIMESTAMP(timezone=False))


@cache
def event(table: str) -> type[Event]:
    """Return the class of the events in *table*, the same one at every call."""
    return _named(Event, table)


@cache
def profile(table: str) -> type[Profile]:
    """Return the class of the profiles in *table*, the same one at every call."""
    return _named(Profile, table)


def _named(kind: type[Any], table: str) -> type[Any]:
    # With metadata of its own: a class of the caller's may have the same table.
    parts = {"__tablename__": table, "metadata": sa.MetaData(), "__module__": f"{__name__}.made"}
    return type(f"{kind.__name__}_{table}", (kind,), parts)
