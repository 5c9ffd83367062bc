"""Heat maps: rows of shares, the darker the more."""

from __future__ import annotations

from collections.abc import Sequence

from mixpanel_data.reports.charts.base import Picture, Spec

_TEXT_COLUMNS = 13  # with more of them a number has no room in its cell


def heat_map(
    title: str,
    caption: tuple[str, ...],
    cells: list[Spec],
    rows: Sequence[str],
    labels: tuple[str, str, str],
) -> Picture:
    """Return cells with ``row``, ``column``, ``share``, ``n`` and ``mark``, a sign after the share.

    *labels* name the columns, the rows and what ``n`` counts.
    """
    columns = {cell["column"] for cell in cells}
    most = max((cell["share"] for cell in cells), default=0.0) or 1.0
    x = {"field": "column", "type": "ordinal", "title": labels[0], "axis": {"labelAngle": 0}}
    # Its title is in the caption: beside long labels it would overlap them in some fonts.
    y = {"field": "row", "type": "ordinal", "sort": list(rows), "title": None}
    share = {"field": "share", "type": "quantitative"}
    colour = {
        **share,
        "scale": {"scheme": "blues", "domain": [0, most]},
        "legend": {"orient": "top", "format": ".0%", "title": f"share of {labels[2]}"},
    }
    tooltip = [
        {"field": "row", "title": labels[1]},
        {"field": "column", "title": labels[0]},
        {"field": "n", "type": "quantitative", "title": labels[2], "format": ","},
        {**share, "format": ".1%", "title": "share"},
    ]
    layer: list[Spec] = [
        {"mark": "rect", "encoding": {"color": colour, "tooltip": tooltip}},
    ]
    if len(columns) <= _TEXT_COLUMNS:
        layer.append(_text(most, tooltip))
    parts = {"data": {"values": cells}, "encoding": {"x": x, "y": y}, "layer": layer}
    return Picture(title, (*caption, f"rows: {labels[1]}"), parts, 40 + 22 * max(1, len(rows)))


def _text(most: float, tooltip: list[Spec]) -> Spec:
    """Return the layer of the shares as text, white on dark cells."""
    ink = {"condition": {"test": f"datum.share > {most * 0.55}", "value": "white"}}
    shown = {"calculate": "format(datum.share, '.0%') + datum.mark", "as": "shown"}
    text = {"text": {"field": "shown"}, "color": {**ink, "value": "#111"}, "tooltip": tooltip}
    return {
        "transform": [shown],
        "mark": {"type": "text", "fontSize": 10},
        "encoding": text,
    }
