"""Reports as pictures: Vega-Lite for notebooks, HTML pages, SVG and PNG.

The packages altair and vl-convert come with the extra ``plot``; they are loaded when a picture is
asked for.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mixpanel_data.reports import results
from mixpanel_data.reports.charts import funnels, paths, retention, sessions, trends
from mixpanel_data.reports.charts.base import Picture, specification
from mixpanel_data.reports.charts.page import Section, converter, page, required

__all__ = ["SUFFIXES", "Section", "chart", "converter", "inline", "page", "pictures", "render"]

SUFFIXES = (".html", ".png", ".svg")

_DRAWN: dict[type[Any], Callable[[Any], list[Picture]]] = {
    results.SegmentationResult: trends.segmentation,
    results.FunnelResult: funnels.funnel,
    results.RetentionResult: retention.retention,
    results.FrequencyResult: trends.frequency,
    results.SessionsResult: sessions.sessions,
    results.FlowsResult: paths.flows,
    results.ActivityFeedResult: paths.activity,
}

logger = logging.getLogger(__name__)


def pictures(result: results.Result) -> list[Picture]:
    """Return the pictures of a result."""
    return _DRAWN[type(result)](result)


def chart(result: results.Result) -> Any:
    """Return a result as an Altair chart.

    Raises:
        ImportError: altair is not installed.
    """
    altair = required("altair")
    return altair.Chart.from_dict(specification([one.view() for one in pictures(result)]))


def render(result: results.Result, suffix: str) -> bytes:
    """Return a picture of a result as a file ``.html``, ``.svg`` or ``.png``; none needs a network.

    Raises:
        ImportError: vl-convert is not installed.
    """
    convert = converter()
    found = pictures(result)
    if suffix == ".html":
        # The first one's title is the page's.
        titles = ["", *(one.title for one in found[1:])]
        sections = [Section(title, one.caption, one) for title, one in zip(titles, found)]
        sections[-1] = replace(sections[-1], table=result.to_html(), sql=result.sql)
        return page(found[0].title, sections).encode()
    views = [one.view() for one in found]
    if suffix == ".svg":
        return str(convert.vegalite_to_svg(specification(views))).encode()
    printed = specification(views, ink="#222222", background="#ffffff")
    return bytes(convert.vegalite_to_png(printed, scale=2))


def inline(result: results.Result) -> str:
    """Return a picture to be put into HTML; nothing where vl-convert is not installed."""
    if importlib.util.find_spec("vl_convert") is None:
        return ""
    try:
        svg = render(result, ".svg").decode()
    except Exception:  # what shows a value never fails: its table is there
        logger.debug("No picture of %s", type(result).__name__, exc_info=True)
        return ""
    return f'<div style="max-width:100%;overflow-x:auto">{svg}</div>'
