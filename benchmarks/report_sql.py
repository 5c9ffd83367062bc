"""The questions of the reports as one writes them by hand, for DuckDB and for ClickHouse."""

from __future__ import annotations

from benchmarks.skewed import STEPS

LAST_ENTRY = "2025-02-14"  # of the funnels

_NAMES = ", ".join(f"'{step}'" for step in STEPS)
_DAY, _WINDOW, _GRACE, _PAUSE = 86_400_000_000, 7 * 86_400_000_000, 2_000_000, 1_800_000_000
_ENTRY = "t < epoch_us(TIMESTAMP '2025-02-15')"
_STEPS = f"""e AS (SELECT distinct_id u, epoch_us(event_time) t, event_name n FROM events
    WHERE event_name IN ({_NAMES}))"""


def _chain(start: str, *, outer: bool) -> str:
    """Return the steps as selects, each joined on the one before: s1, s2, …"""
    parts = [f"s1 AS ({start})"]
    for k, name in enumerate(STEPS[1:], 2):
        before = ", ".join(f"s.t{i}" for i in range(1, k))
        join = "LEFT JOIN" if outer else "JOIN"
        parts.append(
            f"s{k} AS (SELECT s.u, {before}, min(e.t) t{k} FROM s{k - 1} s {join} e ON e.u = s.u"
            f" AND e.n = '{name}' AND e.t >= s.t{k - 1} - {_GRACE} AND e.t <= s.t1 + {_WINDOW}"
            f" GROUP BY s.u, {before})"
        )
    return ", ".join(parts)


_FIRST = f"SELECT u, min(t) t1 FROM e WHERE n = '{STEPS[0]}' AND {_ENTRY} GROUP BY u"
_NEXT = f"""SELECT e.u, min(t) t1 FROM a JOIN e ON e.u = a.u AND e.n = '{STEPS[0]}' AND {_ENTRY}
    AND e.t > a.closed GROUP BY e.u"""

# The first and the last return of each user and day are enough; a return at the birth itself
# must be another event.
_RETURNS = f"""
    days AS (SELECT distinct_id u, epoch_us(event_time) // {_DAY} d,
        min(epoch_us(event_time)) low, max(epoch_us(event_time)) high FROM events GROUP BY ALL),
    found AS (SELECT u, c, (low - t0) // {_DAY} n FROM born JOIN days USING (u) WHERE low > t0
        UNION SELECT u, c, (high - t0) // {_DAY} FROM born JOIN days USING (u) WHERE high > t0
        UNION SELECT born.u, c, 0 FROM born JOIN events e
            ON e.distinct_id = born.u AND epoch_us(event_time) = t0
            GROUP BY born.u, c HAVING count(*) > 1)
    SELECT c, n, count(*) FROM found GROUP BY ALL"""

DUCKDB = {
    "daily uniques": """SELECT d, count(*) FROM
        (SELECT DISTINCT event_time::DATE d, distinct_id FROM events) GROUP BY d""",
    "MAU line": """WITH a AS (SELECT DISTINCT event_time::DATE d, distinct_id u FROM events),
        spans AS (SELECT d, least(d + 30, lead(d, 1, d + 30) OVER (PARTITION BY u ORDER BY d)) e
            FROM a),
        changes AS (SELECT d, count(*) n FROM spans GROUP BY d
            UNION ALL SELECT e, -count(*) FROM spans GROUP BY e)
        SELECT d, n FROM (SELECT d, sum(sum(n)) OVER (ORDER BY d) n FROM changes GROUP BY d)
        WHERE d <= DATE '2025-03-01'""",
    "funnel, uniques": f"""WITH {_STEPS}, {_chain(_FIRST, outer=False)}
        SELECT {", ".join(f"(SELECT count(*) FROM s{k})" for k in range(1, 5))}""",
    "funnel, totals": f"""WITH RECURSIVE {_STEPS}, a AS (
        SELECT DISTINCT u, -1::BIGINT closed, NULL::BIGINT t1, NULL::BIGINT t2, NULL::BIGINT t3,
            NULL::BIGINT t4 FROM e WHERE n = '{STEPS[0]}' AND {_ENTRY}
        UNION ALL (WITH {_chain(_NEXT, outer=True)}
            SELECT u, CASE WHEN t4 IS NULL THEN t1 + {_WINDOW} ELSE greatest(t1, t2, t3, t4) END,
                t1, t2, t3, t4 FROM s4))
        SELECT {", ".join(f"count(t{k})" for k in range(1, 5))} FROM a""",
    "retention, birth": f"""WITH born AS (
        SELECT distinct_id u, epoch_us(min(event_time)) t0, min(event_time)::DATE c FROM events
        WHERE event_name = 'app_open' GROUP BY u), {_RETURNS}""",
    "retention, recurring": f"""WITH born AS (
        SELECT distinct_id u, epoch_us(min(event_time)) t0, event_time::DATE c FROM events
        WHERE event_name = 'app_open' GROUP BY u, c), {_RETURNS}""",
    "sessions": f"""WITH e AS (SELECT distinct_id u, epoch_us(event_time) t FROM events),
        marked AS (SELECT u, t, t // {_DAY} d, lag(t) OVER (PARTITION BY u ORDER BY t) p FROM e),
        numbered AS (SELECT u, t, d, sum((p IS NULL OR t - p > {_PAUSE} OR p // {_DAY} <> d)::INT)
            OVER (PARTITION BY u ORDER BY t) k FROM marked),
        found AS (SELECT u, d, (max(t) - min(t)) / 1e6 s, count(*) n FROM numbered
            GROUP BY u, d, k)
        SELECT make_timestamp(d * {_DAY})::DATE, count(*), count(DISTINCT u), sum(n), avg(s),
            median(s) FROM found GROUP BY d""",
    "breakdown by a property": """SELECT properties->>'$.country', event_time::DATE d, count(*)
        FROM events WHERE event_name = 'page_view' GROUP BY ALL""",
}

_INSTANT = "toUnixTimestamp64Micro(event_time)"
_LISTS = f"""SELECT distinct_id u, {", ".join(
    f"arraySort(groupArrayIf({_INSTANT}, event_name = '{name}'"
    + (" AND event_time < '2025-02-15'" if k == 1 else "") + f")) l{k}"
    for k, name in enumerate(STEPS, 1))}
    FROM events WHERE event_name IN ({_NAMES}) GROUP BY u HAVING notEmpty(l1)"""  # fmt: skip


def _find(k: int, first: str, before: str) -> str:
    within = f"x >= {before} - {_GRACE} AND x <= {first} + {_WINDOW}"
    return f"if({before} = 0, 0, arrayFirst(x -> {within}, l{k}))"


_ATTEMPTS = "arrayMap(v -> tuple(v), l1)"
for _k in (2, 3, 4):
    _KEPT = ", ".join(f"p.{i}" for i in range(1, _k))
    _ATTEMPTS = f"arrayMap(p -> ({_KEPT}, {_find(_k, 'p.1', f'p.{_k - 1}')}), {_ATTEMPTS})"

_BACK = f"""
    days AS (SELECT distinct_id u, intDiv({_INSTANT}, {_DAY}) d, min({_INSTANT}) low,
        max({_INSTANT}) high FROM events GROUP BY u, d),
    found AS (SELECT u, c, arrayJoin([low, high]) t, intDiv(t - t0, {_DAY}) n
            FROM born JOIN days ON born.u = days.u WHERE t > t0
        UNION ALL SELECT u, c, t0, 0 FROM born JOIN
            (SELECT distinct_id v, {_INSTANT} at, count() k FROM events GROUP BY v, at HAVING k > 1)
            same ON born.u = same.v AND t0 = same.at)
    SELECT c, n, uniqExact(u) FROM found GROUP BY c, n"""

CLICKHOUSE = {
    "daily uniques": "SELECT toDate(event_time) d, uniqExact(distinct_id) FROM events GROUP BY d",
    "MAU line": """SELECT toDate(d + k) day, uniqExact(u) FROM (SELECT DISTINCT
        toDate(event_time) d, distinct_id u FROM events) ARRAY JOIN range(30) AS k
        WHERE day <= '2025-03-01' GROUP BY day""",
    "funnel, uniques": f"""SELECT count(), countIf(t2 > 0), countIf(t3 > 0), countIf(t4 > 0) FROM
        (SELECT l1[1] t1, {", ".join(f"{_find(k, 't1', f't{k - 1}')} t{k}" for k in (2, 3, 4))}
         FROM ({_LISTS}))""",
    "funnel, totals": f"""SELECT sum(r.2), sum(r.3), sum(r.4), sum(r.5) FROM (SELECT arrayFold(
        (a, p) -> if(p.1 <= a.1, a, (if(p.4 = 0, p.1 + {_WINDOW}, greatest(p.1, p.2, p.3, p.4)),
            a.2 + 1, a.3 + (p.2 > 0), a.4 + (p.3 > 0), a.5 + (p.4 > 0))), {_ATTEMPTS},
        (toInt64(-1), toUInt64(0), toUInt64(0), toUInt64(0), toUInt64(0))) r FROM ({_LISTS}))""",
    "retention, birth": f"""WITH born AS (SELECT distinct_id u, min({_INSTANT}) t0,
        toDate(min(event_time)) c FROM events WHERE event_name = 'app_open' GROUP BY u), {_BACK}""",
    "retention, recurring": f"""WITH born AS (SELECT distinct_id u, min({_INSTANT}) t0,
        toDate(event_time) c FROM events WHERE event_name = 'app_open' GROUP BY u, c), {_BACK}""",
    "sessions": f"""SELECT toDate(intDiv(x[1], {_DAY})) d, count(), uniqExact(u), sum(length(x)),
            avg(s), quantileExactInclusive(0.5)(s) FROM (
        SELECT u, arrayJoin(arraySplit((a, b) -> a - b > {_PAUSE}
                OR intDiv(a, {_DAY}) <> intDiv(b, {_DAY}), ts, arrayPushFront(arrayPopBack(ts), 0)))
            x, (x[-1] - x[1]) / 1e6 s
        FROM (SELECT distinct_id u, arraySort(groupArray({_INSTANT})) ts FROM events GROUP BY u))
        GROUP BY d""",
    "breakdown by a property": """SELECT JSONExtractString(properties, 'country') c,
        toDate(event_time) d, count() FROM events WHERE event_name = 'page_view' GROUP BY c, d""",
}
