"""Parse SQL that SQLAlchemy or DuckDB wrote, and rewrite a change of one row for many."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from mixpanel_data._internal.duckdb.dialect.preparer import unquoted

if TYPE_CHECKING:
    from collections.abc import Callable

PARAMETER = re.compile(r"\$(\d+)")
# Quoted text first, so that nothing inside it counts.
TOKEN = re.compile(rf"""'(?:[^']|'')*'|"(?:[^"]|"")*"|{PARAMETER.pattern}|[(),]""")


def outer_parentheses(sql: str) -> list[tuple[int, int]]:
    """Find the outermost parentheses."""
    found, depth, start = [], 0, 0
    for token in TOKEN.finditer(sql):
        if token[0] == "(":
            start = token.start() if depth == 0 else start
            depth += 1
        elif token[0] == ")":
            depth -= 1
            if depth == 0:
                found.append((start, token.end()))
    return found


def split_at_commas(sql: str) -> list[str]:
    """Split at the commas that are neither quoted nor inside parentheses."""
    parts, depth, start = [], 0, 0
    for token in TOKEN.finditer(sql):
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        if token[0] == "," and depth == 0:
            parts.append(sql[start : token.start()].strip())
            start = token.end()
    return [*parts, sql[start:].strip()]


# The table that the rewritten statement selects from.
ROWS = "rows_of_this_statement"

_NAME = r'(?:"(?:[^"]|"")+"|\w+)'
_TABLE = rf"{_NAME}(?:\.{_NAME})*"
_INSERT = re.compile(rf"INSERT INTO {_TABLE} (?=\()")
_EQUAL = rf"(?:{_TABLE}\.)?({_NAME}) = \$(\d+)"
_BY_KEY = re.compile(
    rf"(?:UPDATE {_TABLE} SET (?P<values>.+)|DELETE FROM {_TABLE})"  # noqa: S608
    rf" WHERE (?P<key>{_EQUAL}(?: AND {_EQUAL})*)"
)
_OTHER_ROWS = re.compile(r"\b(?:SELECT|FROM|RETURNING)\b")


class ManyRows(NamedTuple):
    """A statement over many rows, and where the parameters of the one-row statement went."""

    sql: str
    # Positions of the parameters that became columns, named by their position.
    columns: list[int]
    # Positions of the parameters that stayed parameters, in their new order.
    constants: list[int]
    # Columns that tell which row a DO UPDATE, UPDATE or DELETE means; their parameters' positions.
    keys: dict[str, int]


@lru_cache(maxsize=256)
def many_rows(statement: str) -> ManyRows | None:
    """Rewrite the statement; None for one that must be left to run row by row."""
    return _insert(statement) or _by_key(statement)


def _by_key(statement: str) -> ManyRows | None:
    """Rewrite an UPDATE or DELETE of the rows whose columns equal parameters."""
    found = _BY_KEY.fullmatch(statement)
    if found is None or _OTHER_ROWS.search(found["values"] or ""):
        return None
    keys = {unquoted(name): int(number) - 1 for name, number in re.findall(_EQUAL, found["key"])}
    where = found.start("key") - len(" WHERE ")
    head = _substitute(statement[:where], _column)
    source = "FROM" if found["values"] else "USING"
    sql = f"{head} {source} {ROWS} WHERE {_substitute(found['key'], _column)}"
    return ManyRows(sql, _positions(statement), [], keys)


def _column(position: int) -> str:
    return f'{ROWS}."{position}"'


def _insert(statement: str) -> ManyRows | None:
    start = _INSERT.match(statement)
    groups = outer_parentheses(statement)
    if start is None or len(groups) < 2:
        return None
    (_, names_end), (values_start, values_end) = groups[:2]
    values, tail = statement[values_start + 1 : values_end - 1], statement[values_end:]
    if statement[names_end:values_start].strip() != "VALUES" or "RETURNING" in tail:
        return None
    items = split_at_commas(values)
    if "DEFAULT" in items:
        return None
    keys: dict[str, int] | None = {}
    if "DO UPDATE" in tail:
        names = re.findall(_NAME, statement[start.end() : names_end])
        keys = _keys(tail, dict(zip(names, items, strict=True)))
    if keys is None:
        return None
    constants = _positions(tail)
    selected = _substitute(values, _column)
    tail = _substitute(tail, lambda position: f"${constants.index(position) + 1}")
    sql = f"{statement[:names_end]} SELECT {selected} FROM {ROWS}{tail}"  # noqa: S608
    return ManyRows(sql, _positions(values), constants, keys)


def _keys(tail: str, items: dict[str, str]) -> dict[str, int] | None:
    """Return which parameters make up the conflict target, if each column of it is just one."""
    target = re.match(rf" ON CONFLICT \(({_NAME}(?:, {_NAME})*)\) DO UPDATE ", tail)
    if target is None:
        return None
    keys = {}
    for name in re.findall(_NAME, target[1]):
        parameter = PARAMETER.fullmatch(items.get(name, ""))
        if parameter is None:
            return None
        keys[unquoted(name)] = int(parameter[1]) - 1
    return keys


def _positions(sql: str) -> list[int]:
    return list(dict.fromkeys(int(token[1]) - 1 for token in TOKEN.finditer(sql) if token[1]))


def _substitute(sql: str, spell: Callable[[int], str]) -> str:
    return TOKEN.sub(lambda token: spell(int(token[1]) - 1) if token[1] else token[0], sql)
