"""Loads that are stopped: what they do, and what a table holds before and after them."""

from __future__ import annotations

from dataclasses import dataclass

from mixpanel_data import StorageEngine
from tests.support.factories import EVENTS, events, metadata

DAY = metadata(from_date="2024-01-01", to_date="2024-01-01")
ACTIONS = ("create", "append", "replace")


@dataclass(frozen=True)
class Load:
    """A load of so many records into a table that has as many, or is not there."""

    action: str
    count: int
    table: str = "data"

    def prepare(self, engine: StorageEngine) -> None:
        """Make the table that the load is into, and one beside it."""
        if self.action != "create":
            EVENTS.create(engine, EVENTS.records(self.count), self.table, DAY)

    def run(self, engine: StorageEngine) -> int:
        """Load."""
        data = events(self.count, self.count // 2)
        if self.action == "create":
            return engine.create_events_table(self.table, data, DAY)
        return engine.append_events_table(self.table, data, DAY, replace=self.action == "replace")

    @property
    def before(self) -> list[str] | None:
        """The keys that the table holds before the load, None where it is not there."""
        return None if self.action == "create" else _keys(0, self.count)

    @property
    def after(self) -> list[str]:
        """The keys that it holds after the load."""
        first = 0 if self.action == "append" else self.count // 2
        return _keys(first, self.count // 2 + self.count)

    def found(self, engine: StorageEngine) -> list[str] | None:
        """Return the keys that the table holds."""
        if not engine.table_exists(self.table):
            return None
        keys = f"SELECT insert_id FROM {self.table} ORDER BY insert_id"
        return [key for (key,) in engine.execute_rows(keys)]

    def is_in_history(self, engine: StorageEngine) -> bool:
        """Return whether the load, or all that the table holds, is in the load history."""
        loads = engine.load_history(self.table)
        assert len({load.finished_at for load in loads}) == len(loads) <= 2
        return len(loads) == (1 if self.action == "create" else 2)


def leftovers(engine: StorageEngine) -> list[str]:
    """Return the tables that loads work with, which none should leave."""
    names = [name for (name,) in engine.execute_rows("SHOW TABLES")]
    return [name for name in names if name.startswith(("_lock", "_next", "_staging"))]


def _keys(first: int, end: int) -> list[str]:
    return [f"id-{n:06}" for n in range(first, end)]
