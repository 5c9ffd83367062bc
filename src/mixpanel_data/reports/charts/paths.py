"""Pictures of flows and of single users."""

from __future__ import annotations

import math
from collections import defaultdict

from mixpanel_data.reports.charts.base import LEGEND, PALETTE, Picture, Spec, days
from mixpanel_data.reports.results import ActivityFeedResult, FlowsResult

_GAP = 0.03  # between two events of a step, as a share of the height
_THICK = 0.04  # of an event, as a share of the way to the next step
_CURVE = 24  # points of a ribbon's edge
_QUIET = {"Drop-off": "#8C8C8C", "Other events": "#B8B8B8"}

Place = dict[tuple[int, str], tuple[float, float]]


def flows(result: FlowsResult) -> list[Picture]:
    """Return a Sankey diagram: events of each step, and ribbons as wide as many went there."""
    places = _places(result)
    names = list(dict.fromkeys(node.event for node in sorted(result.nodes, key=lambda n: -n.count)))
    loud = [name for name in names if name not in _QUIET]
    colours = [_QUIET.get(n) or PALETTE[loud.index(n) % len(PALETTE)] for n in names]
    colour = {
        "field": "event",
        "type": "nominal",
        "scale": {"domain": names, "range": colours},
        "legend": None,
    }
    last = max((node.step for node in result.nodes), default=0)
    first = min((node.step for node in result.nodes), default=0)
    caption = (days(result), f"{result.paths:,} paths ({result.count})")
    steps = [
        {"x": step, "label": f"{step:+d}" if step else "start"} for step in range(first, last + 1)
    ]
    scale = {"domain": [first - 0.05, last + 0.35], "nice": False}
    x = {"field": "x", "type": "quantitative", "axis": None, "scale": scale}
    parts: Spec = {
        "encoding": {"x": x},
        "resolve": {"scale": {"color": "shared"}},
        "layer": [
            _ribbons(result, places, colour),
            *_blocks(result, places, colour),
            {
                "data": {"values": steps},
                "mark": {"type": "text", "align": "left", "fontWeight": "bold", "y": -6},
                "encoding": {"text": {"field": "label"}},
            },
        ],
    }
    return [Picture(f"Flows: {result.event}", caption, parts, 380)]


def _places(result: FlowsResult) -> Place:
    """Return from where to where each event of a step goes, 0 to 1 from below."""
    places: Place = {}
    steps: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for node in result.nodes:
        steps[node.step].append((node.event, node.count))
    # The fullest step, with its gaps, takes the whole height.
    unit = min(
        (
            (1 - _GAP * (len(events) - 1)) / max(1, sum(n for _, n in events))
            for events in steps.values()
        ),
        default=1.0,
    )
    for step, events in steps.items():
        at = 1.0
        for event, count in events:
            places[step, event] = (at - count * unit, at)
            at -= count * unit + _GAP
    return places


def _ribbons(result: FlowsResult, places: Place, colour: Spec) -> Spec:
    return {
        "data": {"values": _curves(result, places)},
        "mark": {"type": "area", "opacity": 0.35},
        "encoding": {
            "y": _HEIGHTS,
            "y2": {"field": "y2"},
            "detail": {"field": "edge"},
            "color": colour,
            "tooltip": [
                {"field": "event", "title": "from"},
                {"field": "to"},
                {"field": "n", "type": "quantitative", "format": ",", "title": "paths"},
            ],
        },
    }


def _curves(result: FlowsResult, places: Place) -> list[Spec]:
    """Return the points of the ribbons from node to node, in the order of the nodes."""
    leaving = {key: high for key, (_, high) in places.items()}
    arriving = dict(leaving)
    order = list(places)
    counts = {(node.step, node.event): node.count for node in result.nodes}
    values = []
    edges = sorted(
        result.edges,
        key=lambda e: (
            order.index((e.source_step, e.source_event)),
            order.index((e.target_step, e.target_event)),
        ),
    )
    for number, edge in enumerate(edges):
        source, target = (
            (edge.source_step, edge.source_event),
            (edge.target_step, edge.target_event),
        )
        low, high = places[source]
        width = (high - low) * edge.count / max(1, counts[source])
        start, end = leaving[source], arriving[target]
        leaving[source] -= width
        arriving[target] -= width
        for point in range(_CURVE + 1):
            share = point / _CURVE
            bend = (1 - math.cos(math.pi * share)) / 2
            y = start + (end - start) * bend
            at = edge.source_step + _THICK + (1 - _THICK) * share
            said = {"event": edge.source_event, "to": edge.target_event, "n": edge.count}
            values.append({"x": at, "y": y, "y2": y - width, "edge": number, **said})
    return values


_HEIGHTS: Spec = {
    "field": "y",
    "type": "quantitative",
    "axis": None,
    "scale": {"domain": [-0.02, 1.0], "nice": False},
}


def _blocks(result: FlowsResult, places: Place, colour: Spec) -> list[Spec]:
    values = [
        {
            "x": node.step,
            "x2": node.step + _THICK,
            "y": places[node.step, node.event][0],
            "y2": places[node.step, node.event][1],
            "middle": sum(places[node.step, node.event]) / 2,
            "event": node.event,
            "n": node.count,
            "shown": f"{node.event} {node.count:,}",
        }
        for node in result.nodes
    ]
    tooltip = [{"field": "event"}, {"field": "n", "type": "quantitative", "title": "paths"}]
    data = {"data": {"values": values}}
    rect = {"y": _HEIGHTS, "x2": {"field": "x2"}, "y2": {"field": "y2"}, "color": colour}
    text = {"type": "text", "align": "left", "dx": 9, "limit": 110, "fontSize": 11}
    label = {"y": {**_HEIGHTS, "field": "middle"}, "text": {"field": "shown"}}
    return [
        {**data, "mark": "rect", "encoding": {**rect, "tooltip": tooltip}},
        {**data, "mark": text, "encoding": {**label, "tooltip": tooltip}},
    ]


def activity(result: ActivityFeedResult) -> list[Picture]:
    """Return a tick for each event, in time."""
    values = [
        {"t": f"{item.time.isoformat()}Z", "event": item.event, "user": item.distinct_id}
        for item in result.events
    ]
    names = list(dict.fromkeys(value["event"] for value in values))
    people = f"{len(result.events):,} events of {', '.join(result.distinct_ids[:3])}"
    more = len(result.distinct_ids) - 3
    caption = (days(result), people + (f" and {more:,} more" if more > 0 else ""))
    axis = {"title": "time (UTC)", "labelOverlap": True}
    parts = {
        "data": {"values": values},
        "mark": {"type": "tick", "thickness": 2, "opacity": 1, "tooltip": {"content": "data"}},
        "encoding": {
            "x": {"field": "t", "type": "temporal", "scale": {"type": "utc"}, "axis": axis},
            "y": {"field": "event", "type": "nominal", "sort": names, "title": None},
            "color": {
                **{"field": "user", "type": "nominal"},
                "legend": LEGEND if len({value["user"] for value in values}) > 1 else None,
            },
        },
    }
    return [Picture("Activity", caption, parts, 60 + 26 * max(1, len(names)))]
