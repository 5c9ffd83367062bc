"""Abstract declarative classes over the tables, to be subclassed with a ``__tablename__``.

class JanuaryEvent(Event):
    __tablename__ = "events_jan"
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The registry that subclasses of Event and Profile share."""


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
