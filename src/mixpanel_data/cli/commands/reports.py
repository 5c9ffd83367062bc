"""Mixpanel's reports: ``segmentation funnel retention frequency sessions flows``.

A command is its options: they have the names of the parameters of the library's report, which gets
them, checks them and is run by the decorator.
"""

from typing import Annotated

import typer

from mixpanel_data.cli.options import FromOption, ToOption
from mixpanel_data.cli.report_options import (
    BracketsOption,
    EventsArgument,
    FirstEventsArgument,
    IntervalsOption,
    LimitOption,
    LongUnitOption,
    OnOption,
    RollingOption,
    SessionPropertyOption,
    StepsArgument,
    StepWhereOption,
    UnitOption,
    WhereOption,
    WindowOption,
    choice,
    event_option,
    filter_option,
    filtered_steps,
    flag,
    number,
    report,
    several,
)
from mixpanel_data.cli.views import pictures

app = typer.Typer(rich_markup_mode=None)

_MARCH = "\\\n      --from 2025-03-01 --to 2025-03-31"

_SEGMENTATION_EXAMPLES = f"""\b
Examples:
  mixpanel-data segmentation events --measure dau {_MARCH}
  mixpanel-data segmentation events signup --on mp_country_code {_MARCH}
  mixpanel-data segmentation events purchase -u week --measure sum --of amount {_MARCH}
  mixpanel-data segmentation events play -w 'properties["$os"] == "iOS"' {_MARCH}

\b
Measures: total unique average sessions, dau wau mau; of a property (--of): sum average median
min max distinct p25 p75 p90 p99.
"""
_FUNNEL_EXAMPLES = f"""\b
Examples:
  mixpanel-data funnel events signup search play {_MARCH}
  mixpanel-data funnel events view buy --window 30d --exclude cancel {_MARCH}
  mixpanel-data funnel events view buy --step-where '2=properties["amount"] > 10' {_MARCH}
  mixpanel-data funnel events view add buy --on utm_source --hold item {_MARCH}
"""
_RETENTION_EXAMPLES = f"""\b
Examples:
  mixpanel-data retention events -b signup -r play -u week -n 4 {_MARCH}
  mixpanel-data retention events -b signup -n 30 --counting on_or_after --format csv {_MARCH}
"""
_FREQUENCY_EXAMPLES = f"""\b
Examples:
  mixpanel-data frequency events play -u month --addiction-unit day {_MARCH}
"""
_SESSIONS_EXAMPLES = f"""\b
Examples:
  mixpanel-data sessions events --timezone Europe/Berlin {_MARCH}
  mixpanel-data sessions events --session-property session_id --on '$os' {_MARCH}
"""
_FLOWS_EXAMPLES = f"""\b
Examples:
  mixpanel-data flows events search --forward 3 {_MARCH}
  mixpanel-data flows events purchase --reverse 3 --forward 0 --hide play {_MARCH}
"""


@app.command(epilog=_SEGMENTATION_EXAMPLES)
@report(pictures.trend)
def segmentation(
    event: EventsArgument = None,
    *,
    from_date: FromOption,
    to_date: ToOption,
    unit: UnitOption = "day",
    measure: Annotated[str, choice("--measure", "What to measure; see below.")] = "total",
    of: Annotated[str | None, choice("--of", "The property to measure.")] = None,
    per_user: Annotated[
        str | None, choice("--per-user", "Each user's value: sum, average, distinct, min or max.")
    ] = None,
    on: OnOption = None,
    where: WhereOption = None,
    first_time: Annotated[
        bool, flag("--first-time", "The first such events ever of each user.")
    ] = False,
    rolling: RollingOption = None,
    cumulative: Annotated[bool, flag("--cumulative", "Add the points up.")] = False,
    limit: LimitOption = 60,
) -> None:
    """Show a measure of events by time: events, users, active users, sums of a property."""


@app.command(epilog=_FUNNEL_EXAMPLES)
@report(pictures.funnel, prepare=filtered_steps)
def funnel(
    steps: StepsArgument,
    *,
    from_date: FromOption,
    to_date: ToOption,
    window: WindowOption = "7d",
    count: Annotated[str, choice("--count", "uniques, totals or sessions.")] = "uniques",
    order: Annotated[str, choice("--order", "specific or any.")] = "specific",
    step_where: StepWhereOption = None,
    exclusions: Annotated[
        list[str] | None, several("--exclude", "EVENT", "Ends an attempt.")
    ] = None,
    holding_constant: Annotated[
        list[str] | None, several("--hold", "PROPERTY", "The same in all steps; up to 3.")
    ] = None,
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
) -> None:
    """Show how many got how far through steps, and where they dropped out."""


@app.command(epilog=_RETENTION_EXAMPLES)
@report(pictures.retention)
def retention(
    *,
    born_event: Annotated[list[str] | None, several("--born", "EVENT", "The birth.", "-b")] = None,
    return_event: Annotated[
        list[str] | None, several("--return", "EVENT", "The return.", "-r")
    ] = None,
    from_date: FromOption,
    to_date: ToOption,
    born_where: Annotated[str | None, filter_option("--born-where", "Filter of births.")] = None,
    return_where: Annotated[
        str | None, filter_option("--return-where", "Filter of returns.")
    ] = None,
    unit: LongUnitOption = "day",
    interval: Annotated[int, number("--interval", "Units in an interval.", 1)] = 1,
    interval_count: IntervalsOption = None,
    retention_type: Annotated[str, choice("--type", "birth, recurring or compounded.")] = "birth",
    counting: Annotated[
        str, choice("--counting", "on, on_or_after, on_or_before or streak.")
    ] = "on",
    calendar: Annotated[
        bool, flag("--calendar", "Days, weeks and months of the calendar.")
    ] = False,
    brackets: BracketsOption = None,
    on: OnOption = None,
    limit: LimitOption = 60,
) -> None:
    """Show who came back, and when, of those who did an event."""


@app.command(epilog=_FREQUENCY_EXAMPLES)
@report(pictures.frequency)
def frequency(
    event: EventsArgument = None,
    *,
    from_date: FromOption,
    to_date: ToOption,
    unit: LongUnitOption = "day",
    addiction_unit: Annotated[str, choice("--addiction-unit", "hour or day.")] = "hour",
    where: WhereOption = None,
    counting: Annotated[str, choice("--counting", "at_least or exactly.")] = "at_least",
) -> None:
    """Show how many users were active in how many hours or days of each unit."""


@app.command(epilog=_SESSIONS_EXAMPLES)
@report(pictures.sessions)
def sessions(
    *,
    from_date: FromOption,
    to_date: ToOption,
    unit: UnitOption = "day",
    timeout: Annotated[
        str, typer.Option("--timeout", metavar="TIME", help="The pause that ends a session.")
    ] = "30m",
    start_event: Annotated[str | None, event_option("--start", "Begins a session.")] = None,
    end_event: Annotated[str | None, event_option("--end", "Ends a session.")] = None,
    session_property: SessionPropertyOption = None,
    on: OnOption = None,
    where: WhereOption = None,
) -> None:
    """Show how many sessions there were, and how long they lasted."""


@app.command(epilog=_FLOWS_EXAMPLES)
@report(pictures.flows)
def flows(
    event: FirstEventsArgument,
    *,
    from_date: FromOption,
    to_date: ToOption,
    forward: Annotated[int, number("--forward", "Steps after.", 0)] = 3,
    reverse: Annotated[int, number("--reverse", "Steps before.", 0)] = 0,
    cardinality: Annotated[int, number("--cardinality", "Events shown of a step.", 1)] = 3,
    count: Annotated[str, choice("--count", "uniques, totals or sessions.")] = "uniques",
    window: WindowOption = "30d",
    hidden_events: Annotated[
        list[str] | None, several("--hide", "EVENT", "Leave an event out.")
    ] = None,
    collapse_repeated: Annotated[
        bool, flag("--collapse", "Take repeats of an event for one.")
    ] = False,
    where: WhereOption = None,
) -> None:
    """Show what users did after an event, and before it."""
