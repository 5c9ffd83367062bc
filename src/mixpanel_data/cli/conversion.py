"""Values of options without pydantic, which newer versions of typer load for every one of them.

That would take a quarter of the start of a query. Values that need a check are left to typer.
"""

from __future__ import annotations

import os
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
import typer.core

if TYPE_CHECKING:
    from collections.abc import Callable


class _Conversion:
    def __init__(self, build: Callable[[Any], Any], descriptor: Any) -> None:
        self._build = build
        self._descriptor = descriptor

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the value of a parameter for its command."""
        kind = self._descriptor.annotation
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        if isinstance(kind, type):
            if isinstance(value, kind):
                return value
            if issubclass(kind, Enum):
                known = [member.value for member in kind]
                if value in known:
                    return kind(value)
                names = ", ".join(map(repr, known))
                raise typer.BadParameter(f"{value!r} is not one of {names}.", ctx, param)
            # typer checks whether a file that is there may be read.
            may_be = kind is Path and self._descriptor.parameter_info.file_okay
            if may_be and (os.access(value, os.R_OK) or not os.path.lexists(value)):
                return Path(value)
        return self._build(self._descriptor).coerce(value, param=param, ctx=ctx)


def install() -> None:
    """Let typer convert values this way, if it is a version that uses pydantic."""
    module = vars(typer.core)
    build = module.get("build_runtime_param")
    if build is not None and not isinstance(build, partial):
        module["build_runtime_param"] = partial(_Conversion, build)
