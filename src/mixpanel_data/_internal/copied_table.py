"""What copying a table did."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from mixpanel_data._internal.display import Shown


@dataclass(frozen=True, slots=True, repr=False)
class CopiedTable(Shown):
    """What copying one table did.

    ``copied`` is False where the target had the table already, with the same rows. ``checksum`` is
    that of the rows in both databases, in hexadecimal digits; their order does not matter to it.
    """

    name: str
    type: Literal["events", "profiles"]
    row_count: int
    checksum: str
    copied: bool

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return asdict(self)
