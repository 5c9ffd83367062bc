"""Members of JSON objects that one parse finds together, as compiled constructs.

As in ``functions``, the default spelling is DuckDB's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from mixpanel_data._internal.schema.functions import _TEXT_LIST, _Construct, _grouped


class json_members(_Construct):  # noqa: N801
    """Return the JSON text of members of a JSON object by one parse: ``(column, name, …)``.

    What else is in the list is for ``json_has_others``.
    """

    type = _TEXT_LIST


class json_has_others(_Construct):  # noqa: N801
    """Check whether a JSON object has others than these members: ``(column, members, name, …)``.

    The members are what ``json_members`` gives of the same object and names.
    """

    type = sa.Boolean()


@compiles(json_members)
def _compile_json_members(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    object_, *names = element.clauses
    whole = sa.literal((), sa.JSON.JSONPathType())
    found = _extracted("json_extract", [object_, *names, whole], compiler, **kw)
    return f"CAST({found} AS VARCHAR[])"


@compiles(json_has_others)
def _compile_json_has_others(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    # By the length of the text, as counting the keys would parse the object once more. All is
    # written anew in the same way, without spaces: {"name":value,"name":value}.
    _, members, *names = _grouped(element, compiler, **kw)
    sizes = [
        f"strlen({members}[{n}]) + strlen(CAST(to_json({name}) AS VARCHAR)) + 2"
        for n, name in enumerate(names, 1)
    ]
    # The sum of those that are there is dearer, and only where one is missing.
    there = _sum([f"coalesce({size}, 0)" for size in sizes])
    return f"(strlen({members}[{len(names) + 1}]) <> 1 + coalesce({_sum(sizes)}, {there}))"


def _sum(terms: list[str]) -> str:
    # By halves: the depth of an expression is limited.
    half = len(terms) // 2
    return f"({_sum(terms[:half])} + {_sum(terms[half:])})" if half else terms[0]


class json_at(_Construct):  # noqa: N801
    """Return the values at several keys or paths of a JSON document, as a list: one parse."""

    type: sa.types.TypeEngine[Any] = sa.ARRAY(sa.JSON)
    _function = "json_extract"


class json_texts_at(json_at):  # noqa: N801
    """Return the text of the values, as ``json_at``."""

    type = _TEXT_LIST
    _function = "json_extract_string"


@compiles(json_at)
def _compile_json_at(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    return _extracted(element._function, element.clauses, compiler, **kw)


def _extracted(function: str, clauses: Iterable[Any], compiler: SQLCompiler, **kw: Any) -> str:
    document, *steps = clauses
    paths = (compiler.process(step, **{**kw, "literal_execute": True}) for step in steps)
    return f"{function}({compiler.process(document, **kw)}, [{', '.join(paths)}])"
