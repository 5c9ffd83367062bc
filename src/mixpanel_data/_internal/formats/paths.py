"""The sources of a load, as callers name them: files, patterns, binary streams."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path

from mixpanel_data._internal.formats.text import BinaryStream, Source

Sources = Source | Iterable[Source]


def expand(sources: Sources) -> list[Path | BinaryStream]:
    """Return the files and streams that *sources* name, each file once.

    Patterns are those of ``Path.glob``.

    Raises:
        FileNotFoundError: a path is not there, or a pattern matches none.
    """
    found: list[Path | BinaryStream] = []
    seen: set[Path] = set()
    for source in _listed(sources):
        if not isinstance(source, (str, PathLike)):
            found.append(source)
            continue
        plain = Path(source)
        matches = [plain] if plain.exists() else sorted(_glob(plain))
        if not matches:
            raise FileNotFoundError(f"There is no file {plain}.")
        for match in matches:
            # One file under two names, or in two patterns, is one file.
            if (place := match.resolve()) not in seen:
                seen.add(place)
                found.append(match)
    return found


def is_empty(path: Path) -> bool:
    """Return whether a path is a file of no bytes."""
    return path.is_file() and path.stat().st_size == 0


def names_of(sources: Iterable[Path | BinaryStream]) -> str | None:
    """Return the paths among *sources* as text, also where they are not UTF-8; None without any."""
    paths = (s if isinstance(s, Path) else getattr(s, "path", None) for s in sources)
    names = ", ".join(str(path) for path in paths if isinstance(path, Path))
    return names.encode(errors="backslashreplace").decode() or None


def _listed(sources: Sources) -> Iterable[Source]:
    if isinstance(sources, (str, PathLike, BinaryStream)):
        return [sources]
    return sources


def _glob(pattern: Path) -> Iterator[Path]:
    anchor = Path(pattern.anchor)
    return anchor.glob(str(pattern.relative_to(anchor)))
