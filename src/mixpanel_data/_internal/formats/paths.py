"""The sources of a load, as callers name them: files, patterns, binary streams."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path

from mixpanel_data._internal.formats.lines import BinaryStream, Source

Sources = Source | Iterable[Source]


def expand(sources: Sources) -> list[Path | BinaryStream]:
    """Return the files and streams that *sources* name; patterns are those of ``Path.glob``.

    Raises:
        FileNotFoundError: a path is not there, or a pattern matches none.
    """
    found: list[Path | BinaryStream] = []
    for source in _listed(sources):
        if not isinstance(source, (str, PathLike)):
            found.append(source)
            continue
        plain = Path(source)
        matches = [plain] if plain.exists() else sorted(_glob(plain))
        if not matches:
            raise FileNotFoundError(f"There is no file {plain}.")
        found.extend(matches)
    return found


def _listed(sources: Sources) -> Iterable[Source]:
    if isinstance(sources, (str, PathLike, BinaryStream)):
        return [sources]
    return sources


def _glob(pattern: Path) -> Iterator[Path]:
    anchor = Path(pattern.anchor)
    return anchor.glob(str(pattern.relative_to(anchor)))
