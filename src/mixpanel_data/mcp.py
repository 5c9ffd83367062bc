"""A read-only MCP server over a database file, on stdin and stdout, for agents.

``python -m mixpanel_data.mcp PATH`` runs it, with the extra ``mcp``. Each call opens the file, so
that loads may come between them, and reads and writes nothing outside of it.
"""

import inspect
import json
import logging
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from functools import partial, wraps
from logging.handlers import BufferingHandler
from typing import Any, Literal

from pydantic_core import to_json

from mixpanel_data import MixpanelDataError, StorageEngine, __version__

_ROWS, _DAYS, _SAMPLE, _BYTES, _WAIT, _LONGEST = 1_000, 100, 20_000, 100_000, 10, 60
_json = partial(to_json, bytes_mode="base64", inf_nan_mode="strings", fallback=str)

Answer = dict[str, Any]
Unit = Literal["hour", "day", "week", "month", "total"]
Measure = Literal["total", "unique", "dau", "wau", "mau", "sum", "average", "median", "min", "max"]


def tables(storage: StorageEngine) -> Answer:
    """List the tables: their columns, rows, time zone, and which days were loaded."""
    found = []
    for info in storage.list_tables():
        days, known = storage.coverage(info.name), storage.get_metadata(info.name).to_dict()
        missing = {"days_missing": len(days.missing), "first_missing": days.missing[:_DAYS]}
        columns = storage.get_schema(info.name).to_dict()
        found.append({**known, **columns, **info.to_dict(), "days": len(days.loaded), **missing})
    return {"tables": found}


def properties(storage: StorageEngine, table: str, event: str | None = None) -> Answer:
    """Describe the JSON properties of a table, or of one event: types, values, SQL to use."""
    return storage.properties(table, event, sample=_SAMPLE).to_dict()


def query(storage: StorageEngine, sql: str, max_rows: int = 100) -> Answer:
    """Run a statement of DuckDB's SQL that only reads; truncated says that there are more rows.

    Events have event_name, event_time (UTC), distinct_id, insert_id and properties (JSON), profiles
    distinct_id, properties and last_seen. properties->>'$."key"' is a value as text.
    """
    relation = storage.execute(sql)
    if relation is None:
        raise ValueError("The statement gives no rows.")
    most = max(1, min(max_rows, _ROWS))
    with storage.query_errors(sql):
        found = relation.limit(most + 1).fetchall()
    rows = json.loads(_json(found[:most]))
    while len(rows) > 1 and len(_json(rows)) > _BYTES // 2:
        rows = rows[: len(rows) // 2]
    return {"columns": relation.columns, "rows": rows, "truncated": len(rows) < len(found)}


def segmentation(
    storage: StorageEngine, table: str, from_date: str, to_date: str,
    events: list[str] | None = None, unit: Unit = "day", measure: Measure = "total",
    of: str | None = None, on: str | None = None, where: str | None = None, timezone: str = "UTC",
) -> Answer:  # fmt: skip
    """Count events or users, or measure `of` a property, by time, and `on` a property by value.

    Dates are YYYY-MM-DD, both inclusive; where is such as properties["plan"] == "pro".
    """
    asked: Any = {"unit": unit, "measure": measure, "of": of, "on": on, "where": where}
    reports = storage.reports(table, timezone=timezone)
    return reports.segmentation(events, from_date=from_date, to_date=to_date, **asked).to_dict()


def funnel(
    storage: StorageEngine, table: str, steps: list[str], from_date: str, to_date: str,
    window_days: float = 7, on: str | None = None, where: str | None = None, timezone: str = "UTC",
) -> Answer:  # fmt: skip
    """Count how many users got how far through steps, which are names of events, in order."""
    asked: Any = {"window": timedelta(days=window_days), "on": on, "where": where}
    reports = storage.reports(table, timezone=timezone)
    return reports.funnel(steps, from_date=from_date, to_date=to_date, **asked).to_dict()


def retention(
    storage: StorageEngine, table: str, from_date: str, to_date: str,
    born_event: str | None = None, return_event: str | None = None, unit: Unit = "day",
    interval_count: int = 10, timezone: str = "UTC",
) -> Answer:  # fmt: skip
    """Count who did return_event when, of those who did born_event; null is any event."""
    asked: Any = {"born_event": born_event, "return_event": return_event, "unit": unit}
    asked |= {"from_date": from_date, "to_date": to_date, "interval_count": interval_count}
    return storage.reports(table, timezone=timezone).retention(**asked).to_dict()


def _answer(path: str, tool: Callable[..., Answer], asked: Answer) -> Answer:
    said, logger = BufferingHandler(_ROWS), logging.getLogger("mixpanel_data")
    logger.addHandler(said)
    with ExitStack() as stack:
        stack.callback(logger.removeHandler, said)
        storage = stack.enter_context(StorageEngine.open_existing(path, timeout=_WAIT))
        connection = storage.connection
        # Another one to look up what an error suggests: none can be opened after the lock.
        storage.engine.connect().close()
        connection.execute("SET enable_external_access = false; SET lock_configuration = true")
        stop = threading.Timer(_LONGEST, connection.interrupt)
        stack.callback(stop.cancel)
        stop.start()
        text = _json(tool(storage, **asked))
    if len(text) > _BYTES:
        raise ValueError(f"The answer has {len(text):,} bytes: ask for fewer days, or one event.")
    notes = [record.getMessage() for record in said.buffer if getattr(record, "note", False)]
    return {**json.loads(text), **({"notes": notes} if notes else {})}


def server(path: str) -> Any:
    """Return the MCP server over a file, whose ``run()`` answers; it needs the extra ``mcp``."""
    from mcp.server import MCPServer
    from mcp.server.mcpserver.exceptions import ToolError

    # Settings are shared by all that a process has open of one file: one call at a time.
    turn = threading.Lock()

    def answering(tool: Callable[..., Answer]) -> Callable[..., Answer]:
        @wraps(tool)
        def call(**asked: Any) -> Answer:
            try:
                with turn:
                    return _answer(path, tool, asked)
            except (MixpanelDataError, OSError, TypeError, ValueError) as error:
                raise ToolError(str(error)) from None

        _, *given = inspect.signature(tool).parameters.values()
        vars(call)["__signature__"] = inspect.signature(tool).replace(parameters=given)
        return call

    made = MCPServer("mixpanel_data", version=__version__, log_level="WARNING")
    for tool in (tables, properties, query, segmentation, funnel, retention):
        made.add_tool(answering(tool))
    return made


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Usage: python -m mixpanel_data.mcp PATH")
    server(sys.argv[1]).run()
