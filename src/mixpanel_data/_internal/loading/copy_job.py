"""A table of another database, as it is to be stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from mixpanel_data._internal.schema.tables import KINDS, Kind
from mixpanel_data.exceptions import CopyMismatchError

if TYPE_CHECKING:
    from mixpanel_data.types import LoadInfo, TableMetadata

# What loads add to a key that is taken. An engine without unique keys does not, so the checksum of
# a row leaves it out.
DERIVED = "(~[0-9a-f]{16})+$"


class Fingerprint(NamedTuple):
    """The number of a table's rows, and a checksum of them that their order does not change.

    Each row is the text of its columns: of a text its length in bytes, a colon and the text, of a
    time its microseconds since 1970, "-" for NULL. The checksum is the sum of the last eight bytes
    of the rows' MD5s, as little-endian numbers, so that every engine computes the same.
    """

    rows: int
    checksum: int

    def __str__(self) -> str:
        return f"{self.rows:,} rows, checksum {self.digits}"

    @property
    def digits(self) -> str:
        """The checksum in hexadecimal digits."""
        return f"{self.checksum:032x}"


@dataclass(frozen=True)
class CopyJob:
    """A table as another database has it: all but its rows."""

    name: str
    metadata: TableMetadata
    history: list[LoadInfo]
    fingerprint: Fingerprint
    index_limit: int

    @property
    def kind(self) -> Kind:
        """The kind of the table."""
        return KINDS[self.metadata.type]

    def check(self, stored: Fingerprint) -> None:
        """Refuse rows that are not those of the source.

        Raises:
            CopyMismatchError: they are not.
        """
        if stored != self.fingerprint:
            raise CopyMismatchError(
                f"Not the same rows of table '{self.name}' arrived that the source has:"
                f" {self.fingerprint} there, {stored} here. Nothing of the table was stored. If"
                " something wrote into the source meanwhile, copy again.",
                table_name=self.name,
                source=str(self.fingerprint),
                target=str(stored),
            )
