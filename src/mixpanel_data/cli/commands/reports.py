"""Mixpanel's reports: ``segmentation funnel retention frequency sessions flows``."""

import re
from datetime import timedelta
from typing import Annotated, Any

import typer

from mixpanel_data.cli.report_options import (
    BornWhereOption,
    EndsOption,
    EventsArgument,
    FromOption,
    HoldOption,
    LimitOption,
    LongUnitOption,
    OnOption,
    ReturnWhereOption,
    ToOption,
    UnitOption,
    WhereOption,
    WindowOption,
    choice,
    report,
)
from mixpanel_data.cli.views import pictures

_MARCH = "\\\n      --from 2025-03-01 --to 2025-03-31"

SEGMENTATION_EXAMPLES = f"""\b
Examples:
  mixpanel-data segmentation events --measure dau {_MARCH}
  mixpanel-data segmentation events signup --on mp_country_code {_MARCH}
  mixpanel-data segmentation events purchase -u week --measure sum --of amount {_MARCH}
  mixpanel-data segmentation events play -w 'properties["$os"] == "iOS"' {_MARCH}

\b
Measures: total unique average sessions, dau wau mau; of a property (--of): sum average median
min max distinct p25 p75 p90 p99.
"""
FUNNEL_EXAMPLES = f"""\b
Examples:
  mixpanel-data funnel events signup search play {_MARCH}
  mixpanel-data funnel events view buy --window 30d --exclude cancel {_MARCH}
  mixpanel-data funnel events view add buy --on utm_source --hold item {_MARCH}
"""
RETENTION_EXAMPLES = f"""\b
Examples:
  mixpanel-data retention events -b signup -r play -u week -n 4 {_MARCH}
  mixpanel-data retention events -b signup -n 30 --counting on_or_after --format csv {_MARCH}
"""
FREQUENCY_EXAMPLES = f"""\b
Examples:
  mixpanel-data frequency events play -u month --addiction-unit day {_MARCH}
"""
SESSIONS_EXAMPLES = f"""\b
Examples:
  mixpanel-data sessions events --timezone Europe/Berlin {_MARCH}
  mixpanel-data sessions events --session-property session_id --on '$os' {_MARCH}
"""
FLOWS_EXAMPLES = f"""\b
Examples:
  mixpanel-data flows events search --forward 3 {_MARCH}
  mixpanel-data flows events purchase --reverse 3 --forward 0 --hide play {_MARCH}
"""

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def _events(names: list[str] | None) -> str | list[str] | None:
    return (names[0] if len(names) == 1 else names) if names else None


def _duration(text: str, flag: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,9})([smhdw])", text.strip())
    if found is None:
        raise typer.BadParameter(
            f"{text!r} is no time: use a number with s, m, h, d or w, such as 7d", param_hint=flag
        )
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


def _sizes(text: str) -> list[int]:
    if not re.fullmatch(r"\d{1,9}(,\d{1,9})*", text):
        raise typer.BadParameter(f"{text!r} are no numbers, such as 1,3,4", param_hint="--brackets")
    return list(map(int, text.split(",")))


# The choices are the library's own words, and it checks them: hence its reports as Any.


@report(pictures.trend)
def segmentation(
    reports: Any,
    event: EventsArgument = None,
    *,
    from_date: FromOption,
    to_date: ToOption,
    unit: UnitOption = "day",
    measure: Annotated[str, choice("--measure", "What to measure; see below.")] = "total",
    of: Annotated[
        str | None,
        typer.Option("--of", metavar="BY", show_default=False, help="The property to measure."),
    ] = None,
    per_user: Annotated[
        str | None, choice("--per-user", "Each user's value: sum, average, distinct, min or max.")
    ] = None,
    on: OnOption = None,
    where: WhereOption = None,
    first_time: Annotated[
        bool, typer.Option("--first-time", help="Only the first such events ever of each user.")
    ] = False,
    rolling: Annotated[
        int | None,
        typer.Option("--rolling", metavar="N", min=1, show_default=False, help="Average N points."),
    ] = None,
    cumulative: Annotated[bool, typer.Option("--cumulative", help="Add the points up.")] = False,
    limit: LimitOption = 60,
) -> Any:
    """Show a measure of events by time: events, users, active users, sums of a property."""
    return reports.segmentation(
        _events(event),
        from_date=from_date,
        to_date=to_date,
        unit=unit,
        measure=measure,
        of=of,
        per_user=per_user,
        on=on,
        where=where,
        first_time=first_time,
        rolling=rolling,
        cumulative=cumulative,
        limit=limit,
    )


@report(pictures.funnel)
def funnel(
    reports: Any,
    steps: Annotated[
        list[str], typer.Argument(metavar="STEP", show_default=False, help="Events, in order.")
    ],
    *,
    from_date: FromOption,
    to_date: ToOption,
    window: WindowOption = "7d",
    count: Annotated[str, choice("--count", "uniques, totals or sessions.")] = "uniques",
    order: Annotated[str, choice("--order", "specific or any.")] = "specific",
    exclusions: EndsOption = None,
    holding: HoldOption = None,
    reentry: Annotated[str, choice("--reentry", "default or optimized.")] = "default",
    on: OnOption = None,
    attribution: Annotated[
        str, choice("--attribution", "Whose value --on takes: first, last or a step's number.")
    ] = "first",
    where: WhereOption = None,
    unit: Annotated[
        str | None, choice("--unit", "A funnel of each day, week or month.", "-u")
    ] = None,
    limit: LimitOption = 200,
) -> Any:
    """Show how many got how far through steps, and where they dropped out."""
    return reports.funnel(
        steps,
        from_date=from_date,
        to_date=to_date,
        window=_duration(window, "--window"),
        count=count,
        order=order,
        exclusions=exclusions or (),
        holding_constant=holding or (),
        reentry=reentry,
        on=on,
        attribution=int(attribution) if attribution.isdecimal() else attribution,
        where=where,
        unit=unit,
        limit=limit,
    )


@report(pictures.retention)
def retention(
    reports: Any,
    *,
    born_event: Annotated[
        list[str] | None,
        typer.Option("--born", "-b", metavar="EVENT", show_default=False, help="The birth."),
    ] = None,
    return_event: Annotated[
        list[str] | None,
        typer.Option("--return", "-r", metavar="EVENT", show_default=False, help="The return."),
    ] = None,
    from_date: FromOption,
    to_date: ToOption,
    born_where: BornWhereOption = None,
    return_where: ReturnWhereOption = None,
    unit: LongUnitOption = "day",
    interval: Annotated[
        int, typer.Option("--interval", metavar="N", min=1, help="Units in an interval.")
    ] = 1,
    interval_count: Annotated[
        int | None,
        typer.Option("--intervals", "-n", metavar="N", show_default="10", help="Intervals."),
    ] = None,
    retention_type: Annotated[str, choice("--type", "birth, recurring or compounded.")] = "birth",
    counting: Annotated[
        str, choice("--counting", "on, on_or_after, on_or_before or streak.")
    ] = "on",
    calendar: Annotated[
        bool, typer.Option("--calendar", help="Days, weeks and months of the calendar.")
    ] = False,
    brackets: Annotated[
        str | None,
        typer.Option(
            "--brackets", metavar="N,N,...", show_default=False, help="Sizes of the intervals."
        ),
    ] = None,
    on: OnOption = None,
    limit: LimitOption = 60,
) -> Any:
    """Show who came back, and when, of those who did an event."""
    return reports.retention(
        born_event=_events(born_event),
        return_event=_events(return_event),
        from_date=from_date,
        to_date=to_date,
        born_where=born_where,
        return_where=return_where,
        unit=unit,
        interval=interval,
        interval_count=interval_count,
        retention_type=retention_type,
        counting=counting,
        calendar=calendar,
        brackets=None if brackets is None else _sizes(brackets),
        on=on,
        limit=limit,
    )


@report(pictures.frequency)
def frequency(
    reports: Any,
    event: EventsArgument = None,
    *,
    from_date: FromOption,
    to_date: ToOption,
    unit: LongUnitOption = "day",
    addiction_unit: Annotated[str, choice("--addiction-unit", "hour or day.")] = "hour",
    where: WhereOption = None,
    counting: Annotated[str, choice("--counting", "at_least or exactly.")] = "at_least",
) -> Any:
    """Show how many users were active in how many hours or days of each unit."""
    return reports.frequency(
        event=_events(event),
        from_date=from_date,
        to_date=to_date,
        unit=unit,
        addiction_unit=addiction_unit,
        where=where,
        counting=counting,
    )


@report(pictures.sessions)
def sessions(
    reports: Any,
    *,
    from_date: FromOption,
    to_date: ToOption,
    unit: UnitOption = "day",
    timeout: Annotated[
        str, typer.Option("--timeout", metavar="TIME", help="The pause that ends a session.")
    ] = "30m",
    start_event: Annotated[
        str | None,
        typer.Option("--start", metavar="EVENT", show_default=False, help="Begins a session."),
    ] = None,
    end_event: Annotated[
        str | None,
        typer.Option("--end", metavar="EVENT", show_default=False, help="Ends a session."),
    ] = None,
    session_property: Annotated[
        str | None,
        typer.Option(
            "--session-property", metavar="KEY", show_default=False, help="Has the session's id."
        ),
    ] = None,
    on: OnOption = None,
    where: WhereOption = None,
) -> Any:
    """Show how many sessions there were, and how long they lasted."""
    return reports.sessions(
        from_date=from_date,
        to_date=to_date,
        unit=unit,
        timeout=_duration(timeout, "--timeout"),
        start_event=start_event,
        end_event=end_event,
        session_property=session_property,
        on=on,
        where=where,
    )


@report(pictures.flows)
def flows(
    reports: Any,
    event: Annotated[
        list[str], typer.Argument(metavar="EVENT", show_default=False, help="Where to begin.")
    ],
    *,
    from_date: FromOption,
    to_date: ToOption,
    forward: Annotated[int, typer.Option("--forward", metavar="N", min=0, help="Steps after.")] = 3,
    reverse: Annotated[
        int, typer.Option("--reverse", metavar="N", min=0, help="Steps before.")
    ] = 0,
    cardinality: Annotated[
        int, typer.Option("--cardinality", metavar="N", min=1, help="Events shown of a step.")
    ] = 3,
    count: Annotated[str, choice("--count", "uniques, totals or sessions.")] = "uniques",
    window: WindowOption = "30d",
    hidden: Annotated[
        list[str] | None,
        typer.Option("--hide", metavar="EVENT", show_default=False, help="Leave an event out."),
    ] = None,
    collapse: Annotated[
        bool, typer.Option("--collapse", help="Take repeats of an event for one.")
    ] = False,
    where: WhereOption = None,
) -> Any:
    """Show what users did after an event, and before it."""
    return reports.flows(
        _events(event),
        from_date=from_date,
        to_date=to_date,
        forward=forward,
        reverse=reverse,
        cardinality=cardinality,
        count=count,
        window=_duration(window, "--window"),
        hidden_events=hidden or (),
        collapse_repeated=collapse,
        where=where,
    )
