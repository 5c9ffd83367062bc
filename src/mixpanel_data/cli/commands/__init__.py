"""The commands: arguments in, a call of the library, something printed.

The help of all needs none of them: each module is loaded when one of its commands is used.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

import typer.main

import mixpanel_data

# By name: the module, and the first line of the help.
COMMANDS = {
    "demo": ("demo", "Make a month of example data, load it, and ask it some questions."),
    "load": ("load", "Load exported files into a table."),
    "tables": ("tables", "List the tables with their rows and days."),
    "schema": (
        "tables",
        "Show the columns of a table, or those of the view of its typed columns.",
    ),
    "loads": ("history", "List the loads that finished, the newest last."),
    "coverage": (
        "history",
        "Show which days were loaded into a table, and which between them are missing.",
    ),
    "query": ("query", "Run SQL, read-only, and print its result."),
    "sample": ("explore", "Show random rows of a table."),
    "summarize": ("explore", "Describe the columns of a table: type, range, quartiles, NULLs."),
    "breakdown": ("explore", "Count events and users by event name."),
    "keys": ("explore", "List the keys of the properties."),
    "values": ("explore", "Count the values of a property, the most frequent first."),
    "column": (
        "explore",
        "Count the values of a column or an SQL expression, the most frequent first.",
    ),
    "properties": (
        "explore",
        "Describe the properties: types, how many rows have them, values, days, the SQL to use.",
    ),
    "segmentation": (
        "reports",
        "Show a measure of events by time: events, users, active users, sums of a property.",
    ),
    "funnel": ("reports", "Show how many got how far through steps, and where they dropped out."),
    "retention": ("reports", "Show who came back, and when, of those who did an event."),
    "frequency": (
        "reports",
        "Show how many users were active in how many hours or days of each unit.",
    ),
    "sessions": ("reports", "Show how many sessions there were, and how long they lasted."),
    "flows": ("reports", "Show what users did after an event, and before it."),
    "overview": (
        "overview",
        "Write a page about a database: tables, days, events, properties, users, and who returns.",
    ),
    "optimize": ("tables", "Keep properties of a table as typed columns, for fast queries."),
    "copy": (
        "copy",
        "Copy tables of events and profiles into another database, each of them as a whole.",
    ),
    "drop": ("tables", "Drop a table, after asking."),
    "db": ("db", "Look after database files: upgrade, back up, compact, check."),
}


def load_library(name: str) -> None:
    """Load the library for a command: Ctrl-C ends an import at once, which a command may not."""
    # TableMetadata with pydantic.
    for part in ("StorageEngine", "TableMetadata")[: 1 if name == "query" else 2]:
        getattr(mixpanel_data, part)


class Commands(Mapping[str, Any]):
    """All commands by name, each built when it is first used."""

    def __init__(self) -> None:
        self._built: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._built:
            app = importlib.import_module(f"{__name__}.{COMMANDS[name][0]}").app
            group = typer.main.get_group(app)
            self._built |= {name: group} if app.info.name == name else group.commands
        return self._built[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)
