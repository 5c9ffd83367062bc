"""Names of events that a table does not have: a slip would look like an answer, of zeros."""

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
    """Log a warning for each of the *names* that no event of a table has; *rows* runs a statement.

    No error: an event may be one that nobody has done yet.
    """
    name = table.c.event_name
    one = sa.select(sa.literal(1)).select_from(table).limit(1)
    for asked in names:
        if rows(one.where(name == asked)):
            continue
        if known := [row[0] for row in rows(sa.select(name).distinct())]:
            close = closest(asked, known)
            hint = f"; did you mean '{close}'?" if close else "."
            logger.warning(
                "No event of table '%s' is named '%s'%s",
                *(table.description, asked, hint),
                extra={"note": True},
            )
