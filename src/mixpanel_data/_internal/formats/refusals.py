"""The errors of the readers: what is wrong where, and what to do about it."""

from __future__ import annotations

from mixpanel_data.exceptions import InvalidRecordError

Place = tuple[str, int] | tuple[str, int, str]
"""A source, and the number of a line in it; or of what the third says, like "row"."""


class WrongContentError(ValueError):
    """A record is none of those asked for, or none at all; knows what to do about it."""

    def __init__(self, problem: str, suggestion: str) -> None:
        super().__init__(problem)
        self.suggestion = suggestion


def invalid(
    source: str, number: int, problem: str, suggestion: str, unit: str = "line"
) -> InvalidRecordError:
    """Build the error for one line of a source, or for the *unit* of that number."""
    return InvalidRecordError(
        f"{source}, {unit} {number}: {problem}. {suggestion}",
        source=source,
        problem=problem,
        suggestion=suggestion,
        **{unit.partition(" ")[0]: number},
    )


def cut_short(source: str, number: int, problem: str, unit: str = "line") -> InvalidRecordError:
    """Build the error for a source that ends too early."""
    return invalid(
        source, number, problem, "The download is incomplete: fetch it again.", unit=unit
    )


def wrong_content(source: str, what: str, suggestion: str) -> InvalidRecordError:
    """Build the error for a source that cannot be read as a whole, as it is something else."""
    return InvalidRecordError(
        f"{source} is {what}. {suggestion}",
        source=source,
        problem=f"it is {what}",
        suggestion=suggestion,
    )


def incorrect(
    place: Place, problem: str | ValueError | RecursionError, within: str = ""
) -> InvalidRecordError:
    """Build the error for something that is no record, *within* what is at *place*."""
    source, number, *unit = place
    suggestion = getattr(problem, "suggestion", None)
    if suggestion is None:
        # The first line is as good as the file: without it there may be nothing left.
        suggestion = (
            "Check what this file holds, or fetch it again."
            if number == 1
            else f"Correct or remove this {(unit or ['line'])[0]}, or fetch the file again."
        )
    return invalid(source, number, f"{within}{problem}", suggestion, *unit)
