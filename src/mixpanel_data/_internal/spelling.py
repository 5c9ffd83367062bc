"""What somebody may have meant who misspelt a name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def closest(name: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """Return the known name that is most like *name*, None where none is like it (0 to 1)."""
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=likeness)
    return close[0] if close else None
