"""Reading SQL text that SQLAlchemy or DuckDB has written."""

from __future__ import annotations

import re

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
