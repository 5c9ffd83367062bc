"""Fail on docstrings that begin with a verb of speech or giving, in place of a plain one.

``python .ci/docstrings.py FOLDER…`` prints each of them with its file and line.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

_INSTEAD = {"give": "Return or Yield", "say": "Write or Describe", "tell": "Return or Report"}
_BEGINNING = re.compile(rf"\s*({'|'.join(_INSTEAD)})s?\b", re.IGNORECASE)
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def faults(folder: Path) -> Iterator[str]:
    """Yield a line for each docstring in *folder* that begins with such a verb."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, _DOCUMENTED):
                continue
            if verb := _BEGINNING.match(ast.get_docstring(node, clean=False) or ""):
                line = node.body[0].lineno
                yield f"{path}:{line}: {verb[0].strip()!r}: {_INSTEAD[verb[1].lower()]}?"


if __name__ == "__main__":
    folders = [Path(name) for name in sys.argv[1:]]
    found = [f"{folder}: no such folder" for folder in folders if not folder.is_dir()]
    found += [line for folder in folders for line in faults(folder)]
    print(*found, sep="\n", end="\n" * bool(found))
    sys.exit(bool(found))
