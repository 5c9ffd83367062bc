"""Commands of two functions: one has what several commands share, one what is its own."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature, signature
from typing import Any, get_args

from typer.models import ArgumentInfo

Command = Callable[..., None]


def with_options_of(run: Command, ask: Callable[..., Any], *, own: int) -> Command:
    """Return *run* under the name of *ask*, with its parameters from *own* on in place of ``**``.

    They come after the arguments of *run*, and what it must be given, and before its options.
    """
    mine = list(signature(run).parameters.values())[:-1]
    first = [each for each in mine if each.default is Parameter.empty or _is_argument(each)]
    others = list(signature(ask).parameters.values())[own:]
    every = [*first, *others, *(each for each in mine if each not in first)]
    run.__name__, run.__doc__ = ask.__name__, ask.__doc__
    run.__signature__ = Signature(  # type: ignore[attr-defined]
        [each.replace(kind=Parameter.KEYWORD_ONLY) for each in every]
    )
    return run


def _is_argument(parameter: Parameter) -> bool:
    return any(isinstance(each, ArgumentInfo) for each in get_args(parameter.annotation))
