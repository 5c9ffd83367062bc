"""Parse SQL that SQLAlchemy or DuckDB wrote, and rewrite an INSERT of one row."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

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
ROWS = "rows_of_this_insert"

_NAME = r'(?:"(?:[^"]|"")+"|\w+)'
_INSERT = re.compile(rf"INSERT INTO {_NAME}(?:\.{_NAME})* (?=\()")


class ManyRows(NamedTuple):
    """An INSERT … SELECT, and where the parameters of the one-row statement went."""

    sql: str
    # Positions of the parameters that became columns, named by their position.
    columns: list[int]
    # Positions of the parameters that stayed parameters, in their new order.
    constants: list[int]
    # Of a DO UPDATE, the columns of the conflict target and their parameters' positions.
    keys: dict[str, int]


@lru_cache(maxsize=256)
def many_rows(statement: str) -> ManyRows | None:
    """Rewrite the statement; None for one that must be left to run row by row."""
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
    selected = _substitute(values, lambda position: f'{ROWS}."{position}"')
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
        keys[name.strip('"').replace('""', '"')] = int(parameter[1]) - 1
    return keys


def _positions(sql: str) -> list[int]:
    return list(dict.fromkeys(int(token[1]) - 1 for token in TOKEN.finditer(sql) if token[1]))


def _substitute(sql: str, spell: Callable[[int], str]) -> str:
    return TOKEN.sub(lambda token: spell(int(token[1]) - 1) if token[1] else token[0], sql)
