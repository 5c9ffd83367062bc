"""What the library logs for people, and no result tells, as notes beside the results."""

from __future__ import annotations

import logging

from mixpanel_data.cli.errors import say


class _Notes(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, "note", False):
            say(f"Note: {record.getMessage()}")


def print_notes_of(package: str) -> None:
    """Print the notes that a package of the library logs from now on, and nothing else of it."""
    logger = logging.getLogger(package)
    if not any(isinstance(handler, _Notes) for handler in logger.handlers):
        logger.addHandler(_Notes())
