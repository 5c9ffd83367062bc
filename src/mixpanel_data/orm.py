"""Declarative classes over the tables of events and profiles.

``event("events_jan")`` is the class over a table, always the same one. With a name and members of
its own, a class is a subclass of Event, which may be declared again, as by a notebook's cell::

    class JanuaryEvent(Event):
        __tablename__ = "events_jan"

In a project with a declarative base of its own, the class takes the columns of the mixin::

    class JanuaryEvent(EventMixin, Base):
        __tablename__ = "events_jan"
"""

from __future__ import annotations

import warnings
from datetime import datetime
from functools import cache
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedColumn, mapped_column

from mixpanel_data._internal.display import brief, html_table

__all__ = ["Base", "Event", "EventMixin", "Profile", "ProfileMixin", "event", "profile"]


class Base(DeclarativeBase):
    """The registry that subclasses of Event and Profile share.

    A table that is declared again is the same as before, unless the class has columns of its own.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        """Map the class."""
        table = cls.metadata.tables.get(vars(cls).get("__tablename__", ""))
        if table is not None and "__table__" not in vars(cls):
            if _declares_columns(cls) or set(table.columns.keys()) != _inherited_columns(cls):
                cls.metadata.remove(table)
            else:
                cls.__table__ = table
        with warnings.catch_warnings():
            # Names that relationships are looked up by: the last class has it.
            warnings.filterwarnings("ignore", "This declarative base already contains a class")
            super().__init_subclass__(**options)

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


def _declares_columns(cls: type) -> bool:
    members = vars(cls)
    return (
        bool(cls.__annotations__)
        or "__table_args__" in members
        or any(isinstance(member, _COLUMNS) for member in members.values())
    )


def _inherited_columns(cls: type) -> set[str]:
    members = [member for base in cls.__mro__[1:] for member in vars(base).items()]
    return {name for name, value in members if isinstance(value, _COLUMNS)}


_COLUMNS = (sa.Column, MappedColumn)


class EventMixin:
    """The columns of an event; ``event_time`` is naive and in UTC."""

    # Alembic leaves these tables out: loads make them.
    __table_args__: ClassVar[Any] = {"info": {"mixpanel_data": "events"}}

    event_name: Mapped[str] = mapped_column(sa.String)
    event_time: Mapped[datetime] = mapped_column(sa.TIMESTAMP(timezone=False))
    distinct_id: Mapped[str] = mapped_column(sa.String)
    insert_id: Mapped[str] = mapped_column(sa.String, primary_key=True)
    properties: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON)


class ProfileMixin:
    """The columns of a user profile; ``last_seen`` is naive and in UTC, or None."""

    __table_args__: ClassVar[Any] = {"info": {"mixpanel_data": "profiles"}}

    distinct_id: Mapped[str] = mapped_column(sa.String, primary_key=True)
    properties: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON)
    last_seen: Mapped[datetime | None] = mapped_column(sa.TIMESTAMP(timezone=False))


class Event(EventMixin, Base):
    """One event, to be subclassed with a ``__tablename__``."""

    __abstract__ = True


class Profile(ProfileMixin, Base):
    """One user profile, to be subclassed with a ``__tablename__``."""

    __abstract__ = True


@cache
def event(table: str) -> type[Event]:
    """Return the class over the events table of this name, always the same."""
    return type(f"Event_{table}", (Event,), {"__tablename__": table, "__module__": __name__})


@cache
def profile(table: str) -> type[Profile]:
    """Return the class over the profiles table of this name, always the same."""
    return type(f"Profile_{table}", (Profile,), {"__tablename__": table, "__module__": __name__})
