"""Answers of reports as people like to look at them: bars, sparklines, heat maps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from rich.text import Text

from mixpanel_data.cli.console import cell_len, count, printable

if TYPE_CHECKING:
    from mixpanel_data.cli.console import Screen
    from mixpanel_data.reports import results

Number = int | float
# The cells of a line, the last of them a share of 0 to 1 to draw as a bar.
Bar = tuple["str | Number", ...]

_GAP = "  "
_BAR = 40
_MOST_BARS = 62  # two months of days; a longer line is a sparkline
_NAME = 32
_CELL = 7
_COLOUR = "magenta"
_BLOCKS = " ▏▎▍▌▋▊▉█"
_SPARKS = "▁▂▃▄▅▆▇█"
_PLAIN_SPARKS = "_.:-=+*#"
# From light to dark: a share of 0, then fifths.
_HEAT = (
    "black on #eff3ff",
    "black on #c6dbef",
    "black on #9ecae1",
    "white on #4292c6",
    "white on #08519c",
)


def trend(screen: Screen, result: results.SegmentationResult) -> None:
    """Draw a bar for each point, or a sparkline for each of several segments."""
    series = result.series
    points = next(iter(series.values()), {})
    if result.unit == "total":
        points = {name: next(iter(values.values())) for name, values in series.items()}
    if result.unit == "total" or (len(series) == 1 and len(points) <= _MOST_BARS):
        most = max(map(abs, points.values()), default=0)
        lines = [(label, _number(n), _share(n, most)) for label, n in points.items()]
        _bars(screen, lines)
    else:
        _sparklines(screen, series)
    when = "at the end" if result.measure in ("dau", "wau", "mau") else "over all"
    total = f"{result.measure} {when}: {_number(result.total)}"
    _note(screen, f"{printable(result.event)}, {_days(result)}; {total}")


def funnel(screen: Screen, result: results.FunnelResult) -> None:
    """Draw a bar for each step with who dropped out before it; then segments and intervals."""
    entered = result.steps[0].count
    steps = [_step(number, step, entered) for number, step in enumerate(result.steps, 1)]
    header = ("", "", result.count, "of all", "drop-off", "time")
    _bars(screen, steps, header, names=2)
    for title, lines in (("segment", result.segments), ("date", result.trend)):
        if lines:
            screen.print()
            _bars(screen, map(_conversion, lines, lines.values()), (title, "entered", "converted"))
    converted = f"{_percent(result.conversion_rate)} converted, {_days(result)}"
    _note(screen, f"{converted}; drop-off and time from the step before")


def _step(number: int, step: results.FunnelStep, entered: int) -> Bar:
    lost = f"-{_percent(1 - step.step_conv_ratio)}" if number > 1 else ""
    time = duration(step.avg_time)
    share = _share(step.count, entered)
    return f"{number}", step.event, f"{step.count:,}", _percent(share), lost, time, share


def _conversion(name: str, steps: Sequence[results.FunnelStep]) -> Bar:
    first, last = steps[0].count, steps[-1].count
    share = _share(last, first)
    return name, f"{first:,}", f"{last:,}", _percent(share), share


def retention(screen: Screen, result: results.RetentionResult) -> None:
    """Draw each cohort as a line of shares, the darker the more came back."""
    for segment, cohorts in (result.segments or {"": result.cohorts}).items():
        if segment:
            screen.print(Text(f"\n{printable(segment)}", style="bold"))
        lines = [(item.date, f"{item.size:,}", item.retention, item.complete) for item in cohorts]
        if not result.segments:
            known = [0.0 if share is None else share for share in result.average]
            ended = [share is not None for share in result.average]
            lines.append(("average", "", known, tuple(ended)))
        _heat_map(screen, [result.unit, "users"], lines, first=0)
    what = f"{printable(result.born_event)}, then {printable(result.return_event)}"
    _note(screen, f"{what} ({result.counting}), {_days(result)}; * has not ended for all")


def frequency(screen: Screen, result: results.FrequencyResult) -> None:
    """Draw how many were active in at least 1, 2, 3 … hours or days, as shares of the first."""
    lines = [
        (
            date,
            f"{max(numbers, default=0):,}",
            [_share(number, max(numbers)) for number in numbers],
            tuple(True for _ in numbers),
        )
        for date, numbers in result.data.items()
    ]
    _heat_map(screen, [result.unit, "users"], lines, first=1)
    times = f"{result.counting.replace('_', ' ')} so many {result.addiction_unit}s"
    _note(screen, f"{printable(result.event or 'any event')}, {times}, {_days(result)}")


def sessions(screen: Screen, result: results.SessionsResult) -> None:
    """Draw a bar for the sessions of each interval, or a sparkline for each segment."""
    if result.segment_property is not None:
        series: dict[str, dict[str, Number]] = {}
        for point in result.points:
            series.setdefault(str(point.segment), {})[point.date] = point.sessions
        _sparklines(screen, series)
    else:
        most = max((point.sessions for point in result.points), default=0)
        lines = [
            (p.date, f"{p.sessions:,}", f"{p.users:,}", duration(p.average_duration),
             _share(p.sessions, most))
            for p in result.points
        ]  # fmt: skip
        _bars(screen, lines, (result.unit, "sessions", "users", "average"))
    total = sum(point.sessions for point in result.points)
    _note(screen, f"{count(total, 'session')}, {_days(result)}")


def flows(screen: Screen, result: results.FlowsResult) -> None:
    """Draw the events of each step, each with its share of the paths."""
    lines: list[Bar] = []
    last: int | None = None
    for node in sorted(result.nodes, key=lambda node: (node.step, -node.count, node.event)):
        step = "" if node.step == last else f"{node.step:+d}" if node.step else "0"
        last, share = node.step, _share(node.count, result.paths)
        lines.append((step, node.event, f"{node.count:,}", _percent(share), share))
    _bars(screen, lines, names=2)
    _note(screen, f"{count(result.paths, 'path')} ({result.count}), {_days(result)}")


def _bars(
    screen: Screen, lines: Iterable[Bar], header: Sequence[str] = (), *, names: int = 1
) -> None:
    """Draw lines of cells, of which the last is a share of 0 to 1 (below 0: in red)."""
    rows = list(lines)
    cells = _aligned(screen, [header, *([str(cell) for cell in row[:-1]] for row in rows)], names)
    used = max(map(cell_len, cells), default=0)
    width = max(8, min(_BAR, screen.width - used - len(_GAP)))
    if header:
        screen.print(Text(cells[0].rstrip(), style="bold"))
    for line, row in zip(cells[1:], rows):
        share = float(row[-1])
        style = "red" if share < 0 else _COLOUR
        drawn = Text(line + _GAP).append(_bar(screen, abs(share), width), style=style)
        drawn.rstrip()
        screen.print(drawn)


def _sparklines(screen: Screen, series: Mapping[str, Mapping[str, Number]]) -> None:
    rows: list[Sequence[str]] = [("", "least", "most", "last")]
    for segment, points in series.items():
        values = list(points.values()) or [0]
        rows.append((segment, *map(_number, (min(values), max(values), values[-1]))))
    header, *cells = _aligned(screen, rows)
    width = max(10, screen.width - cell_len(header) - len(_GAP))
    screen.print(Text(header, style="bold"))
    for line, points in zip(cells, series.values()):
        spark = _sparkline(screen, list(points.values()), width)
        screen.print(Text(line + _GAP).append(spark, style=_COLOUR))


def _aligned(screen: Screen, rows: Sequence[Sequence[str]], names: int = 1) -> list[str]:
    """Return each row as one line; all but the first columns, the *names*, align right."""
    lines = [[_name(screen, cell) for cell in row] for row in rows]
    padded = []
    for number, column in enumerate(zip_longest(*lines, fillvalue="")):
        width = max(map(cell_len, column))
        space = [" " * (width - cell_len(cell)) for cell in column]
        padded.append([c + s if number < names else s + c for s, c in zip(space, column)])
    return [_GAP.join(cells) for cells in zip(*padded)]


def _sparkline(screen: Screen, values: Sequence[Number], width: int) -> str:
    """Return a line of characters, one a value, or one for the mean of several."""
    size = -(-len(values) // width) or 1
    means = [
        sum(part) / len(part)
        for part in (values[start : start + size] for start in range(0, len(values), size))
    ]
    sparks = _SPARKS if _is_utf(screen) else _PLAIN_SPARKS
    low = min(0, *means) if means else 0
    height = max((mean - low for mean in means), default=0)
    return "".join(sparks[round(_share(mean - low, height) * (len(sparks) - 1))] for mean in means)


def _heat_map(
    screen: Screen,
    titles: Sequence[str],
    lines: Sequence[tuple[str, str, Sequence[float], Sequence[bool]]],
    *,
    first: int,
) -> None:
    """Draw lines of shares; what the width has no room for is named below."""
    buckets = max((len(shares) for *_, shares, _ in lines), default=0)
    label = max((cell_len(line[0]) for line in lines), default=0)
    size = max([len(titles[1]), *(len(line[1]) for line in lines)])
    fitting = max(1, min(buckets, (screen.width - label - size - 3) // _CELL))
    head = "".join(f"{number:>{_CELL - 2}}  " for number in range(first, first + fitting))
    screen.print(Text(f"{titles[0]:{label}} {titles[1]:>{size}} {head}".rstrip(), style="bold"))
    for name, users, shares, ended in lines:
        line = Text(f"{name:{label}} {users:>{size}} ")
        for share, complete in list(zip(shares, ended))[:fitting]:
            line.append_text(_heat(share, complete))
        line.rstrip()
        screen.print(line)
    if fitting < buckets:
        _note(screen, f"{fitting} of {buckets} columns; --format csv has all of them")


def _heat(share: float, complete: bool) -> Text:
    if not share and not complete:
        return Text(" " * _CELL)
    shown = f"{_percent(share, 0 if share > 0.9995 else 1):>{_CELL - 1}}"
    style = _HEAT[min(int(share * len(_HEAT)), len(_HEAT) - 1)] if share else "dim"
    return Text(shown + (" " if complete else "*"), style=style if complete else f"italic {style}")


def _bar(screen: Screen, share: float, width: int) -> str:
    """Return a bar for a share of 0 to 1; never nothing for more than 0."""
    if not _is_utf(screen):
        return "#" * (round(share * width) or share > 0)
    eighths = round(share * width * 8) or int(share > 0)
    return "█" * (eighths // 8) + _BLOCKS[eighths % 8].strip()


def _note(screen: Screen, text: str) -> None:
    screen.print(Text(text, style="dim"))


def _name(screen: Screen, text: str) -> str:
    """Return text out of the data on one line and not too long."""
    shown = Text(printable(text))
    shown.truncate(_NAME, overflow="ellipsis" if _is_utf(screen) else "crop")
    return shown.plain


def _is_utf(screen: Screen) -> bool:
    return "utf" in screen.encoding.lower()


def _days(result: Any) -> str:
    return f"{result.from_date} to {result.to_date}"


def _share(part: Number, whole: Number) -> float:
    return part / whole if whole else 0.0


def _percent(share: float, digits: int = 1) -> str:
    return f"{share * 100:.{digits}f}%"


def _number(value: Number) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def duration(seconds: float | None) -> str:
    """Return seconds as people write them: ``4.2 s``, ``3 min 20 s``, ``3 d 4 h``."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, unit, smaller, below in (
        (86_400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit}" + (f" {rest} {below}" if rest else "")
    raise AssertionError(seconds)
