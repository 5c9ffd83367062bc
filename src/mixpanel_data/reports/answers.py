"""From a question to its answer: the statement is run, and its rows become values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from mixpanel_data.reports import (
    activity,
    cohorts,
    flows,
    frequency,
    funnel,
    funnel_lines,
    funnel_question,
    results,
    retention,
    retention_question,
    segmentation,
    series,
    sessions,
)
from mixpanel_data.reports.context import Context
from mixpanel_data.reports.source import By, Events, Where, label_of_events, names_of
from mixpanel_data.reports.times import Bucket, Day, Period, check_unit, label_of


def of_segmentation(
    context: Context, question: segmentation.Question, *, cumulative: bool
) -> results.SegmentationResult:
    """Return the answer to a segmentation."""
    context.check_properties(question.event, by=[question.on, question.of], where=[question.where])
    statement = segmentation.statement(context.source, question)
    lines, total = series.series(context.answer(statement), question, cumulative=cumulative)
    return results.SegmentationResult(
        event=series.name_of(question),
        unit=question.unit,
        segment_property=None if question.on is None else str(question.on),
        total=total,
        series=lines,
        measure=question.measure,
        **_days(question.period),
        **context.common(statement),
    )


def of_funnel(context: Context, question: funnel_question.Question) -> results.FunnelResult:
    """Return the answer to a funnel: for a breakdown or trend, the whole is counted by itself."""
    _check_funnel(context, question)
    found, statement = _funnel(context, question)
    broken_down, by_time = question.on is not None, question.unit is not None

    def part(on: bool, unit: bool) -> dict[funnel_lines.Key, results.funnels.Steps]:
        if (on, unit) == (broken_down, by_time):
            return found
        wanted = question.on if on else None, question.unit if unit else None
        return _funnel(context, replace(question, on=wanted[0], unit=wanted[1]))[0]

    broken: dict[str, Any] = {}
    if broken_down:
        broken["segments"] = {str(of): steps for (_, of), steps in part(True, False).items()}
    if by_time:
        broken["trend"] = {str(day): steps for (day, _), steps in part(False, True).items()}
    if broken_down and by_time:
        both: dict[str, dict[str, results.funnels.Steps]] = {}
        for (day, segment), steps in found.items():
            both.setdefault(str(day), {})[str(segment)] = steps
        broken["trend_segments"] = both
    steps = part(False, False)[None, None]
    return results.FunnelResult(
        funnel_id=None,
        funnel_name=" → ".join(step.name for step in question.steps),
        conversion_rate=steps[-1].overall_conv_ratio,
        steps=steps,
        count=question.count,
        **broken,
        **_days(question.period),
        **context.common(statement),
    )


def _check_funnel(context: Context, question: funnel_question.Question) -> None:
    every: list[str] = []
    parts: list[funnel_question.Step | funnel_question.Exclusion] = [
        *question.steps,
        *question.exclusions,
    ]
    for part in parts:
        context.check_properties(part.event, where=[part.where])
    for step in question.steps:
        names = names_of(step.event)
        if names is None:
            every = []
            break
        every += names
    by = [question.on, *question.holding]
    context.check_properties(every or None, by=by, where=[question.where])


def _funnel(
    context: Context, question: funnel_question.Question
) -> tuple[dict[funnel_lines.Key, results.funnels.Steps], sa.Select[Any]]:
    entries = funnel.busiest(context.source, question)
    most = 0 if entries is None else context.rows(entries)[0][0] or 0
    statement = funnel.statement(context.source, question, most=most, many=context.rounds)
    return funnel_lines.lines(context.answer(statement), question), statement


def of_retention(
    context: Context, question: retention_question.Question
) -> results.RetentionResult:
    """Return the answer to a retention."""
    (born, born_where), (back, back_where) = question.born, question.returns
    context.check_properties(born, by=[question.on], where=[born_where])
    context.check_properties(back, where=[back_where])
    statement = retention.statement(context.source, question)
    assert question.end is not None
    found, segments = cohorts.cohorts(context.answer(statement), question, question.end)
    return results.RetentionResult(
        born_event=label_of_events(born),
        return_event=label_of_events(back),
        unit=question.unit,
        cohorts=found,
        average=cohorts.average(found),
        segments=segments,
        counting=question.counting,
        **_days(question.period),
        **context.common(statement),
    )


def of_frequency(
    context: Context,
    event: Events,
    period: Period,
    unit: Bucket,
    addiction_unit: frequency.AddictionUnit,
    where: Where,
    counting: frequency.Counting,
) -> results.FrequencyResult:
    """Return the answer to a frequency."""
    context.check_properties(event, where=[where])
    statement = frequency.select(
        context.source,
        event,
        from_date=period.first,
        to_date=period.last,
        unit=unit,
        addiction_unit=addiction_unit,
        where=where,
    )
    rows = context.answer(statement)
    return results.FrequencyResult(
        event=None if event is None else label_of_events(event),
        unit=unit,
        addiction_unit=addiction_unit,
        data=frequency.numbers(rows, period, unit, addiction_unit, counting),
        counting=counting,
        **_days(period),
        **context.common(statement),
    )


def of_sessions(
    context: Context,
    period: Period,
    unit: Bucket,
    kind: sessions.Sessions,
    on: By | None,
    where: Where,
) -> results.SessionsResult:
    """Return the answer about sessions."""
    check_unit(unit, segmentation.UNITS)
    context.check_properties(None, by=[on, kind.session_property], where=[where])
    lengths = list(results.SESSION_LENGTHS.values())
    statement = sessions.select(context.source, period, unit, kind, on, where, lengths)
    found: dict[tuple[str, str | None], results.SessionsPoint] = {}
    for bucket, *numbers in context.answer(statement):
        segment = None if on is None else numbers.pop(0)
        count, users, events, average, median, *durations = numbers
        found[label_of(bucket), segment] = results.SessionsPoint(
            label_of(bucket), int(count), int(users), int(events), average or 0.0, median or 0.0,
            segment, tuple(durations),
        )  # fmt: skip
    segments = sorted({segment for _, segment in found}, key=str) if on is not None else [None]
    none = (0,) * len(lengths)
    points = [
        found.get((label, segment), results.SessionsPoint(label, 0, 0, 0, 0.0, 0.0, segment, none))
        for label in period.labels(unit)
        for segment in segments
    ]
    return results.SessionsResult(
        unit=unit,
        points=points,
        segment_property=None if on is None else str(on),
        **_days(period),
        **context.common(statement),
    )


def of_flows(context: Context, question: flows.Question) -> results.FlowsResult:
    """Return the answer to a flow."""
    context.check_properties(question.event, where=[question.where])
    statement = flows.statement(context.source, question)
    nodes, edges, paths = flows.graph(context.answer(statement), question)
    return results.FlowsResult(
        event=label_of_events(question.event),
        paths=paths,
        nodes=[results.FlowNode(*node) for node in nodes],
        edges=[results.FlowEdge(*edge) for edge in edges],
        count=question.count,
        **_days(question.period),
        **context.common(statement),
    )


def of_activity(
    context: Context,
    ids: list[str],
    from_date: Day | None,
    to_date: Day | None,
    limit: int | None,
) -> results.ActivityFeedResult:
    """Return the events of users."""
    statement = activity.select(
        context.source, ids, from_date=from_date, to_date=to_date, limit=limit
    )
    events = [
        results.UserEvent(event, time, properties or {}, distinct_id=user)
        for event, time, user, properties in context.answer(statement, typed=True)
    ]
    return results.ActivityFeedResult(
        distinct_ids=ids,
        from_date=None if from_date is None else str(from_date),
        to_date=None if to_date is None else str(to_date),
        events=events,
        **context.common(statement),
    )


def _days(period: Period) -> dict[str, Any]:
    return {"from_date": period.first.isoformat(), "to_date": period.last.isoformat()}
