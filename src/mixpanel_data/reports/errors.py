"""What can be wrong with a question."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from mixpanel_data._internal.spelling import closest
from mixpanel_data.exceptions import MixpanelDataError, QueryError


class NotEventsTableError(QueryError, ValueError):
    """A question about events was asked of a table without their columns."""

    code = "NOT_EVENTS_TABLE"

    def __init__(self, table_name: str, missing: Sequence[str], kind: str = "events") -> None:
        super().__init__(
            f"Table '{table_name}' is no table of {kind}: it has no column"
            f" {', '.join(map(repr, missing))}.",
            table_name=table_name,
            missing=list(missing),
        )
        self.table_name = table_name


class UnknownPropertyError(MixpanelDataError, ValueError):
    """A property that no event of the question has."""

    code = "UNKNOWN_PROPERTY"

    def __init__(self, name: str, events: Sequence[str] | None, known: Iterable[str]) -> None:
        known = list(known)
        close = closest(name, known)
        hint = f"; did you mean '{close}'?" if close else "."
        first, *rest = name.split(".")
        if rest and first in known:
            keys = "".join(f"[{json.dumps(key)}]" for key in (first, *rest))
            close = f"properties{keys}"
            hint = f"; a value within '{first}' is {close}."
        whom = "the table" if events is None else ", ".join(f"'{event}'" for event in events)
        super().__init__(
            f"no event of {whom} has a property '{name}'{hint}",
            property=name,
            events=None if events is None else list(events),
            suggestion=close,
        )
        self.property = name
        self.suggestion = close


class ExpressionError(MixpanelDataError, ValueError):
    """A segmentation expression that cannot be read; ``position`` counts characters from 0."""

    code = "BAD_EXPRESSION"

    def __init__(self, problem: str, text: str, position: int) -> None:
        first = text.rfind("\n", 0, position) + 1
        line = text[first:].split("\n", 1)[0]
        super().__init__(
            f"{problem} at position {position}:\n  {line}\n  {' ' * (position - first)}^",
            expression=text,
            position=position,
        )
        self.position = position
