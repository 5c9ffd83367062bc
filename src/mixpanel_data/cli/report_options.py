"""What the commands of reports share: their options, and how a report is asked for."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any

import typer

from mixpanel_data.cli.asking import Asked, Picture, asking
from mixpanel_data.cli.errors import say
from mixpanel_data.cli.options import Format, check_zone, complete_table
from mixpanel_data.cli.signatures import Command, with_options_of

TimezoneOption = Annotated[
    str,
    typer.Option(
        "--timezone",
        metavar="ZONE",
        callback=check_zone,
        help="The project's zone: an IANA name.",
    ),
]
IdentityOption = Annotated[
    str,
    typer.Option(
        "--identity",
        metavar="RULES",
        help="Whose an event is: stored, simplified, original, or a table of id mappings.",
    ),
]
ProfilesOption = Annotated[
    str | None,
    typer.Option(
        "--profiles",
        metavar="TABLE",
        autocompletion=complete_table,
        show_default=False,
        help="The table of profiles, for user[...] in expressions.",
    ),
]
ExcludedOption = Annotated[
    list[str] | None,
    typer.Option(
        "--excluded-events",
        metavar="EVENT",
        show_default=False,
        help="An event that is not among any events, as one hidden in Mixpanel; repeatable.",
    ),
]
AsOfOption = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="TIME",
        show_default="the end of the data",
        help="Until when the data are known: a day, or a time (without an offset: in UTC).",
    ),
]

EventsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="EVENT", show_default=False, help="Events; none for any event."),
]
FirstEventsArgument = Annotated[
    list[str], typer.Argument(metavar="EVENT", show_default=False, help="Where to begin.")
]
StepsArgument = Annotated[
    list[str], typer.Argument(metavar="STEP", show_default=False, help="Events, in order.")
]
UnitOption = Annotated[
    str, typer.Option("--unit", "-u", metavar="UNIT", help="hour, day, week, month or total.")
]
LongUnitOption = Annotated[
    str, typer.Option("--unit", "-u", metavar="UNIT", help="day, week or month.")
]
OnOption = Annotated[
    str | None,
    typer.Option(
        "--on", metavar="BY", show_default=False, help="Break down by a property or expression."
    ),
]
RollingOption = Annotated[
    int | None,
    typer.Option("--rolling", metavar="N", min=1, show_default=False, help="Average N points."),
]
IntervalsOption = Annotated[
    int | None,
    typer.Option("--intervals", "-n", metavar="N", show_default="10", help="Intervals."),
]
BracketsOption = Annotated[
    str | None,
    typer.Option(
        "--brackets", metavar="N,N,...", show_default=False, help="Sizes of the intervals."
    ),
]
SessionPropertyOption = Annotated[
    str | None,
    typer.Option(
        "--session-property", metavar="KEY", show_default=False, help="Has the session's id."
    ),
]
StepWhereOption = Annotated[
    list[str] | None,
    typer.Option(
        "--step-where",
        metavar="N=EXPR",
        show_default=False,
        help="Only events of step N that pass an expression; repeatable.",
    ),
]
LimitOption = Annotated[
    int, typer.Option("--limit", metavar="N", min=1, help="Segments; the rest is $other.")
]
WindowOption = Annotated[
    str, typer.Option("--window", metavar="TIME", help="How long it may take: 90s, 30m, 12h, 7d.")
]


def choice(name: str, text: str, *others: str) -> Any:
    """Return an option for one of the library's own words."""
    return typer.Option(name, *others, metavar="NAME", help=text)


def filter_option(name: str, text: str, *others: str) -> Any:
    """Return an option for an expression that events must pass."""
    return typer.Option(name, *others, metavar="EXPR", show_default=False, help=text)


def event_option(name: str, text: str) -> Any:
    """Return an option for an event."""
    return typer.Option(name, metavar="EVENT", show_default=False, help=text)


def several(name: str, what: str, text: str, *others: str) -> Any:
    """Return an option that may be given several times."""
    return typer.Option(name, *others, metavar=what, show_default=False, help=text)


def flag(name: str, text: str) -> Any:
    """Return an option without a value."""
    return typer.Option(name, help=text)


def number(name: str, text: str, least: int) -> Any:
    """Return an option for a number."""
    return typer.Option(name, metavar="N", min=least, help=text)


WhereOption = Annotated[
    str | None, filter_option("--where", "Only what passes an expression.", "-w")
]
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def _events(names: list[str] | None) -> str | list[str] | None:
    return (names[0] if len(names) == 1 else names) if names else None


def _several(values: list[str] | None) -> list[str]:
    return values or []


def _duration(name: str) -> Callable[[str], timedelta]:
    def read(text: str) -> timedelta:
        found = re.fullmatch(r"(\d{1,9})([smhdw])", text.strip())
        if found is None:
            problem = f"{text!r} is no time: use a number with s, m, h, d or w, such as 7d"
            raise typer.BadParameter(problem, param_hint=name)
        return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])

    return read


def _sizes(text: str | None) -> list[int] | None:
    if text is None:
        return None
    if not re.fullmatch(r"\d{1,9}(,\d{1,9})*", text):
        raise typer.BadParameter(f"{text!r} are no numbers, such as 1,3,4", param_hint="--brackets")
    return list(map(int, text.split(",")))


# From the words of an option to the parameter of this name. The library checks its own words.
_READERS: dict[str, Callable[[Any], Any]] = {
    "attribution": lambda text: int(text) if text.isdecimal() else text,
    "born_event": _events,
    "brackets": _sizes,
    "event": _events,
    "excluded_events": _several,
    "exclusions": _several,
    "hidden_events": _several,
    "holding_constant": _several,
    "return_event": _events,
    "timeout": _duration("--timeout"),
    "window": _duration("--window"),
}


def filtered_steps(asked: dict[str, Any]) -> None:
    """Put the filters of steps, ``--step-where``, into the steps of a funnel."""
    # The reports take a while to import, and other commands do without.
    from mixpanel_data.reports import Step

    steps: list[Any] = list(asked["steps"])
    for text in asked.pop("step_where") or []:
        place, _, where = text.partition("=")
        step = int(place) - 1 if place.strip().isdecimal() else -1
        if step not in range(len(steps)) or not where.strip():
            raise typer.BadParameter(
                f"{text!r} is no filter of a step: it is N=EXPR, with N from 1 to {len(steps)}",
                param_hint="--step-where",
            )
        if isinstance(steps[step], Step):
            raise typer.BadParameter(f"step {step + 1} has one already", param_hint="--step-where")
        steps[step] = Step(steps[step], where=where)
    asked["steps"] = steps


def report(
    picture: Picture, prepare: Callable[[dict[str, Any]], None] | None = None
) -> Callable[[Command], Command]:
    """Return a decorator: a command for the report of the same name, with the options of both.

    *prepare* changes the parameters of the report where one option is not one parameter.
    """

    def decorate(options: Command) -> Command:
        def answer(
            to: Asked,
            table: str,
            timezone: TimezoneOption = "UTC",
            identity: IdentityOption = "stored",
            profiles: ProfilesOption = None,
            excluded_events: ExcludedOption = None,
            as_of: AsOfOption = None,
            **asked: Any,
        ) -> None:
            asked = _read(asked)
            if prepare is not None:
                prepare(asked)
            shared = _read({"excluded_events": excluded_events, "as_of": as_of})
            reports = to.storage.reports(
                table, timezone=timezone, identity=identity, profiles=profiles, **shared
            )

            def ask(reports: Any) -> Any:
                return getattr(reports, options.__name__)(**asked)

            if to.sql:
                to.print_sql(reports.statement(ask))
            else:
                _show(to, ask(reports), picture)

        return asking(with_options_of(answer, options, own=0), confined=False, draws=True)

    return decorate


def _read(asked: dict[str, Any]) -> dict[str, Any]:
    return {name: _READERS.get(name, lambda value: value)(asked[name]) for name in asked}


def _show(to: Asked, result: Any, picture: Picture) -> None:
    to.show_report(result, picture)
    if to.chosen is Format.TABLE and (people := result.identity) is not None:
        say(f"Identity {people.rules}: ids {people.ids:,}, people {people.people:,}")
