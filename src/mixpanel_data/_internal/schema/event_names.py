"""Misspelt names of events: a slip would look like an answer, of zeros."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from mixpanel_data._internal.spelling import closest

logger = logging.getLogger(__name__)


def warn_of_unknown(
    table: sa.FromClause, names: Iterable[str], rows: Callable[[sa.Executable], Sequence[Any]]
) -> None:
    """Log a warning for each of the *names* that no event has, and that is much like one of theirs.

    No error: it may be of an event that nobody has done yet. *rows* runs a statement.
    """
    name = table.c.event_name
    one = sa.select(sa.literal(1)).select_from(table).limit(1)
    for asked in names:
        if rows(one.where(name == asked)):
            continue
        if close := closest(asked, [row[0] for row in rows(sa.select(name).distinct())]):
            logger.warning(
                "No event of table '%s' is named '%s'; did you mean '%s'?",
                *(table.description, asked, close),
                extra={"note": True},
            )
