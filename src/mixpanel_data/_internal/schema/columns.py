"""Column types of the internal tables, whose values are those of the public types."""

from __future__ import annotations

from datetime import date, datetime, timezone

import sqlalchemy as sa


class UtcTime(sa.TypeDecorator[datetime]):
    """An aware datetime in UTC, stored naive: a DuckDB TIMESTAMP has no zone."""

    impl = sa.TIMESTAMP(timezone=False)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Return a stored time as an aware one."""
        return value.replace(tzinfo=timezone.utc) if value else None


class DateText(sa.TypeDecorator[str]):
    """A date as YYYY-MM-DD, stored as a DATE."""

    impl = sa.Date
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> date | None:
        """Return the date that the text names."""
        return date.fromisoformat(value) if value else None

    def process_result_value(self, value: date | None, dialect: sa.Dialect) -> str | None:
        """Return the text of a stored date."""
        return value.isoformat() if value else None
