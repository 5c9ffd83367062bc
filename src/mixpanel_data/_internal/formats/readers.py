"""The reader of each kind's files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mixpanel_data._internal.formats.events import read_export
from mixpanel_data._internal.formats.profiles import read_profiles

READERS: dict[str, Callable[..., Iterator[Any]]] = {
    "events": read_export,
    "profiles": read_profiles,
}
