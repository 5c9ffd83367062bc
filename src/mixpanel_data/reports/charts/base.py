"""What all pictures share: Vega-Lite as plain values, colours that everybody can tell apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["LEGEND", "PALETTE", "WIDTH", "Picture", "Spec", "days", "number", "time_axis", "top"]

Spec = dict[str, Any]
Number = int | float

# Okabe and Ito's colours, without yellow and black: told apart by the colour-blind, on white and
# on black.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C8C8C", "#A6761D")
WIDTH = 640
_HEIGHT = 300
_GRID = "#8888884d"
_APART = {"color": "independent", "strokeDash": "independent"}
_OWN = {"scale": _APART, "legend": _APART}
LEGEND: Spec = {"orient": "top", "columns": 3, "labelLimit": 150}


@dataclass(frozen=True)
class Picture:
    """One view, in Vega-Lite, with what is written above it.

    ``parts`` are ``data``, and ``layer`` or ``mark`` and ``encoding``; ``height`` is in pixels.
    """

    title: str
    caption: tuple[str, ...]
    parts: Spec
    height: int = _HEIGHT

    def view(self, *, width: int | str = WIDTH, titled: bool = True) -> Spec:
        """Return the view as Vega-Lite; a *width* of "container" follows the page's."""
        title = {"title": {"text": self.title, "subtitle": list(self.caption)}} if titled else {}
        return {**title, "width": width, "height": self.height, **self.parts}


def specification(
    views: Sequence[Spec], *, ink: str = "currentColor", background: str = "transparent"
) -> Spec:
    """Return one specification of some views, written in *ink*: by default the page's colour."""
    one = views[0] if len(views) == 1 else {"vconcat": list(views), "resolve": _OWN}
    lines = {
        **{"labelColor": ink, "titleColor": ink, "titleFontWeight": "normal"},
        # Else labels that are told apart by a hair's breadth are all kept.
        "labelSeparation": 8,
    }
    # Beside one another, titles begin where the plots do; alone, at the left.
    title = {"color": ink, "subtitleColor": ink, "anchor": "start", "fontSize": 15}
    frame = "bounds" if len(views) == 1 else "group"
    config = {
        # Browsers draw it as wide as it was measured without one.
        "font": "Arial, Helvetica, Liberation Sans, sans-serif",
        "axis": {
            **{"gridColor": _GRID, "domainColor": _GRID, "tickColor": _GRID},
            **{**lines, "labelFlush": False},
        },
        "legend": {**lines, "labelOverlap": "parity"},
        "title": {**title, "frame": frame},
        "text": {"color": ink},
        "mark": {"color": PALETTE[0]},
        "view": {"stroke": None},
        "range": {"category": list(PALETTE)},
        "concat": {"spacing": 40},
    }
    fit = {"type": "fit-x", "contains": "padding"} if len(views) == 1 else "pad"
    return {"background": background, "config": config, "autosize": fit, **one}


def days(result: Any) -> str:
    """Return the range of a result, and the zone whose days they are."""
    if result.from_date is None or result.to_date is None:
        return f"all days, times in {result.timezone}"
    return f"{result.from_date} to {result.to_date}, days of {result.timezone}"


def number(value: Number) -> str:
    """Return a number as people write it."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def instant(label: str) -> str:
    """Return the label of an interval as a time that JavaScript reads as it is, without a zone."""
    return f"{label.replace(' ', 'T')}Z" if " " in label else label


def time_axis(unit: str, zone: str) -> Spec:
    """Return the x encoding of intervals: ``t``, of the zone's calendar."""
    shown = "%b %d, %H:%M" if unit == "hour" else "%b %d"
    axis = {"title": f"{unit} ({zone})", "labelOverlap": True, "grid": False, "format": shown}
    return {"field": "t", "type": "temporal", "scale": {"type": "utc"}, "axis": axis}


def top(totals: Mapping[str, Number], what: str) -> tuple[list[str], tuple[str, ...]]:
    """Return the largest segments, as many as there are colours, and a note on the others."""
    ranked = sorted(totals, key=lambda name: -abs(totals[name]))
    kept = ranked[: len(PALETTE)]
    note = f"the {len(kept)} largest of {len(ranked):,} {what}"
    return kept, (note,) if len(ranked) > len(kept) else ()
