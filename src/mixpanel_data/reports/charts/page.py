"""Pages of pictures that need no network: readable in the light, in the dark and on a phone."""

from __future__ import annotations

import html
import importlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from mixpanel_data.reports.charts.base import Picture, specification

__all__ = ["Section", "converter", "page", "required"]

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
    " script-src 'unsafe-inline' 'unsafe-eval'"
)
_STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #fff; --line: #8884; --soft: #8881 }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e8; --paper: #16181c } }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin: 2.5rem 0 0 }
.caption { margin: 0 0 .5rem; opacity: .75 }
.chart { width: 100%; color: var(--ink) }
.wide { overflow-x: auto }
table { border-collapse: collapse; border: 0; font-size: .9rem }
th, td { border: 0; border-bottom: 1px solid var(--line); padding: .2rem .6rem; text-align: left }
pre { background: var(--soft); padding: .8rem; overflow-x: auto; font-size: .8rem }
summary { cursor: pointer; opacity: .75 }
a { color: inherit } nav { font-size: .9rem; opacity: .85 }
#vg-tooltip-element { color: #111 }
"""
_DRAW = """
for (const [id, spec] of Object.entries(JSON.parse(document.getElementById("specs").textContent)))
  vegaEmbed("#" + id, spec, {mode: "vega-lite", renderer: "svg", actions: false});
"""


def required(package: str) -> Any:
    """Return a package of the extra ``plot``.

    Raises:
        ImportError: it is not installed; names the extra.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise ImportError(
            "Pictures need more packages: pip install 'mixpanel-data[plot]'", name=error.name
        ) from error


def converter() -> Any:
    """Return the package that draws Vega-Lite without a browser."""
    return required("vl_convert")


@cache
def _scripts(convert: Any) -> str:
    return str(convert.javascript_bundle())


@dataclass(frozen=True)
class Section:
    """A part of a page: a picture, a table in HTML, and the SQL behind them, each if there is one.

    ``folded`` hides the table until it is asked for.
    """

    title: str
    caption: Sequence[str] = ()
    picture: Picture | None = None
    table: str = ""
    sql: str = ""
    folded: bool = True


def page(title: str, sections: Sequence[Section]) -> str:
    """Return an HTML page of its own.

    Raises:
        ImportError: vl-convert is not installed.
    """
    specs = {
        f"chart{number}": specification([part.picture.view(width="container", titled=False)])
        for number, part in enumerate(sections)
        if part.picture is not None
    }
    # No text of the data may end the script that it is in.
    data = json.dumps(specs).replace("<", "\\u003c")
    links = " · ".join(
        f'<a href="#part{number}">{html.escape(part.title)}</a>'
        for number, part in enumerate(sections)
        if part.title and len(sections) > 4
    )
    body = "".join(_section(number, part) for number, part in enumerate(sections))
    shown = html.escape(title)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>{shown}</title><style>{_STYLE}</style></head><body><main><h1>{shown}</h1><nav>{links}</nav>{body}"
        f'</main><script type="application/json" id="specs">{data}</script>'
        f"<script>{_scripts(converter())}</script><script>{_DRAW}</script></body></html>\n"
    )


def _section(number: int, part: Section) -> str:
    lines = " · ".join(map(html.escape, part.caption))
    title = f"<h2>{html.escape(part.title)}</h2>" if part.title else ""
    text = f'<section id="part{number}">{title}<p class="caption">{lines}</p>'
    if part.picture is not None:
        text += f'<div class="chart" id="chart{number}"></div>'
    if part.table:
        table = f'<div class="wide">{part.table}</div>'
        text += f"<details><summary>Table</summary>{table}</details>" if part.folded else table
    if part.sql:
        text += f"<details><summary>SQL</summary><pre>{html.escape(part.sql)}</pre></details>"
    return f"{text}</section>"
