"""The time zone of the machine changes nothing."""

from __future__ import annotations

import json

import pytest

from tests.support.processes import start

pytestmark = pytest.mark.slow

_LOAD = """
import json, time
from datetime import datetime, timedelta, timezone
from mixpanel_data import StorageEngine
from mixpanel_data.types import TableMetadata
from tests.support.factories import EVENTS, PROFILES, event, profile

india = timezone(timedelta(hours=5, minutes=30))
times = [
    datetime(2024, 3, 10, 2, 30),
    datetime(2024, 3, 10, 2, 30, tzinfo=india),
    datetime(2024, 11, 3, 1, 30, fold=1),
    "2024-01-15T23:30:00", "2024-01-15T23:30:00Z", "2024-01-15T23:30:00.1+05:30",
    "2024-07-15 23:30:00.123456789-08:00",
]
with StorageEngine.memory() as engine:
    EVENTS.create(engine, [event(n, event_time=t) for n, t in enumerate(times)],
                  meta=TableMetadata(type="events", fetched_at=datetime(2024, 3, 10, 2, 30),
                                     from_date="2024-03-10", to_date="2024-03-10"))
    PROFILES.create(engine, [profile(n, last_seen=t) for n, t in enumerate(times)], "people")
    table, people = engine.table("data"), engine.table("people")
    by_day = "SELECT event_time::DATE AS day, count(*) FROM data GROUP BY day ORDER BY day"
    found = [
        engine.execute_rows("SELECT event_time FROM data ORDER BY insert_id"),
        engine.execute_rows("SELECT last_seen FROM people ORDER BY distinct_id"),
        engine.execute_rows(by_day),
        engine.execute_df("SELECT event_time FROM data ORDER BY insert_id").values.tolist(),
        engine.execute_arrow("SELECT event_time FROM data ORDER BY insert_id").to_pylist(),
        [row.event_time for row in engine.query(table.select().order_by(table.c.insert_id))],
        [row.last_seen for row in engine.query(people.select().order_by(people.c.distinct_id))],
        engine.get_metadata("data").to_dict(),
        [info.to_dict() for info in engine.list_tables()],
        EVENTS.append(engine, [event(n, event_time=t) for n, t in enumerate(times)]),
    ]
print(json.dumps({"zone": time.tzname, "found": found}, default=str))
"""


def test_results_are_the_same_in_every_time_zone() -> None:
    zones = ("Asia/Kolkata", "America/New_York")
    processes = [start(_LOAD, TZ=zone) for zone in zones]
    ended = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], ended
    answers = [json.loads(output) for output, _ in ended]
    assert len({str(answer["zone"]) for answer in answers}) == 2
    assert answers[0]["found"] == answers[1]["found"]
    assert answers[0]["found"][0][:2] == [["2024-03-10 02:30:00"], ["2024-03-09 21:00:00"]]
    assert answers[0]["found"][9] == 0
