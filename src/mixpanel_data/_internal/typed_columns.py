"""What the columns of typed rows are, apart from any database."""

from __future__ import annotations

from typing import NamedTuple

# No name in anybody's statement means one of these by chance.
_PREFIX = "_typed_"
ODD = f"{_PREFIX}odd"
# Beyond 2**53 the fraction's zero stays.
DECIMAL = (
    "CASE WHEN system.main.floor({p}) = {p} AND system.main.abs({p}) < 9007199254740992.0"
    " THEN CAST(CAST({p} AS BIGINT) AS VARCHAR) ELSE CAST({p} AS VARCHAR) END"
)
# Written as 1.0 or 1e3, a number may still be whole.
HAS_FRACTION = "regexp_matches({0}, '^-?[0-9].*[.eE]') AND TRY_CAST({0} AS DOUBLE) IS NOT NULL"
_NUMBER = DECIMAL.replace("{p}", "TRY_CAST({0} AS DOUBLE)")
# Of the JSON text of a value: text that equal values share, and the text that stands for it.
KEY = f"CASE WHEN {HAS_FRACTION} THEN {_NUMBER} ELSE {{0}} END"
LABEL = f"CASE WHEN starts_with({{0}}, '\"') THEN json_extract_string({{0}}, '$') ELSE {KEY} END"
# Of a list's JSON text: the keys of its items, and the labels of the different ones.
_EACH = "FOR _x IN CAST(json_extract({0}, '$[*]') AS VARCHAR[]) IF _x != 'null'"
ITEMS = f"[{KEY.replace('{0}', '_x')} {_EACH}]"
SEGMENTS = f"list_sort(list_distinct([{LABEL.replace('{0}', '_x')} {_EACH}]))"


class Column(NamedTuple):
    """One property as a column; *odd* where some row's value is not exact."""

    path: tuple[str, ...]
    name: str
    kind: str
    odd: bool = False

    @property
    def stored(self) -> str:
        """The column's name in the table of typed rows; *name* is that in the view."""
        return _PREFIX + self.name
