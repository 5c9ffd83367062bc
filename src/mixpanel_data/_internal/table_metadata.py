"""What was fetched into a table, validated; ``mixpanel_data.types`` has it."""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, NonNegativeInt, model_validator

from mixpanel_data._internal.zones import zone_of


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        return moment.replace(tzinfo=timezone.utc)
    return moment.astimezone(timezone.utc)


def _day(text: str) -> str:
    # fromisoformat alone would accept "20240101" on newer Pythons only.
    if len(text) != 10 or date.fromisoformat(text).isoformat() != text:
        raise ValueError("must be a date as YYYY-MM-DD")
    return text


Day = Annotated[str, AfterValidator(_day)]


def _zone(name: str) -> str:
    return zone_of(name).key


class TableMetadata(BaseModel):
    """What was fetched into a table: its kind, when, which days, and through which filters.

    ``fetched_at`` is UTC (a naive value is taken as UTC). ``from_date`` and ``to_date`` are both
    inclusive. ``duplicates`` and ``collisions`` are filled in by the library: they say how many
    records of the last load were skipped as duplicates, and how many were different events under
    an ``insert_id`` already taken, kept under one of their own.

    ``time_zone``, an IANA name, is for events of Mixpanel projects from before 2023, whose times
    are the wall clock of the project's zone: times without an offset are read in that zone, and
    stored in UTC. A time that comes twice when clocks go back is the first of the two; one that is
    skipped when they go forward is read by the offset before the change. ``from_date`` and
    ``to_date`` are then days of that zone, which stays the table's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["events", "profiles"]
    fetched_at: Annotated[datetime, AfterValidator(_utc)]
    from_date: Day | None = None
    to_date: Day | None = None
    filter_events: list[str] | None = None
    filter_where: str | None = None
    filter_cohort_id: str | int | None = None
    filter_output_properties: list[str] | None = None
    filter_group_id: str | int | None = None
    filter_behaviors: Any = None
    duplicates: NonNegativeInt = 0
    collisions: NonNegativeInt = 0
    time_zone: Annotated[str, AfterValidator(_zone)] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> TableMetadata:
        if self.time_zone and self.type != "events":
            raise ValueError("time_zone is for events; $last_seen of profiles is in UTC")
        if self.from_date and self.to_date and self.from_date > self.to_date:
            raise ValueError(f"from_date {self.from_date} is after to_date {self.to_date}")
        return self

    @property
    def filters(self) -> dict[str, Any]:
        """The filter fields that were given."""
        fields = self.model_dump(exclude_none=True)
        return {name: value for name, value in fields.items() if name.startswith("filter_")}

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {**self.model_dump(), "fetched_at": self.fetched_at.isoformat()}


# Where it is public, and where pickles name it; the model was built with the names from here.
TableMetadata.__module__ = "mixpanel_data.types"
