"""The MCP server, as the page configures it, asked by MCP's own client through real pipes."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from mixpanel_data import StorageEngine
from tests.support.factories import EVENTS, event
from tests.support.processes import ROOT

mcp = pytest.importorskip("mcp", reason="make neighbours installs it")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

PAGE = (ROOT / "docs" / "neighbours.md").read_text(encoding="utf-8")
DAYS = {"from_date": "2025-03-01", "to_date": "2025-03-31"}

Call = Callable[..., Awaitable[Any]]
Answer = dict[str, Any]


def _ask(path: Path, conversation: Callable[[Call], Awaitable[None]]) -> None:
    """Talk to a server of its own over a file; a call returns the answer, or the error's text."""
    block = re.search(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert block
    (configured,) = json.loads(block[1])["mcpServers"].values()
    (python, database) = configured["command"], configured["args"].pop()
    assert (Path(python).name, Path(database).name) == ("python", "music.db")
    parameters = mcp.StdioServerParameters(
        command=sys.executable, args=[*configured["args"], str(path)]
    )

    async def talk() -> None:
        async with mcp.Client(parameters) as client:

            async def call(tool: str, **asked: Any) -> Any:
                done = await client.call_tool(tool, asked)
                (content,) = done.content
                return content.text if done.is_error else json.loads(content.text)

            await conversation(call)

    asyncio.run(talk())


def test_what_is_there(music: Path) -> None:
    async def conversation(call: Call) -> None:
        (table,) = (await call("tables"))["tables"]
        assert (table["name"], table["type"], table["row_count"]) == ("events", "events", 101)
        assert [column["name"] for column in table["columns"]][:2] == ["event_name", "event_time"]
        found = await call("properties", table="events")
        assert {"coupon", "plan"} <= {each["key"] for each in found["properties"]}

    _ask(music, conversation)


def test_a_query_reads_alone_and_is_bounded(music: Path) -> None:
    async def conversation(call: Call) -> None:
        asked = "SELECT insert_id, properties->>'$.plan' FROM events ORDER BY ALL"
        first = await call("query", sql=asked, max_rows=2)
        assert first["rows"] == [["id-000000", "free"], ["id-000001", "free"]]
        assert first["truncated"] is True
        assert len((await call("query", sql=asked, max_rows=101))["rows"]) == 101
        every = await call("query", sql="FROM range(100000)", max_rows=100000)
        assert (len(every["rows"]), every["truncated"]) == (1000, True)
        wide = await call("query", sql="SELECT repeat('x', 1000) FROM range(1000)", max_rows=1000)
        assert 0 < len(wide["rows"]) < 1000
        assert wide["truncated"] is True
        assert "bytes" in await call("query", sql="SELECT repeat('x', 1000000)")
        odd = "SELECT 'inf'::DOUBLE, '\\xC3\\xA9'::BLOB, 1.50, [1], INTERVAL 1 DAY, NULL"
        assert (await call("query", sql=odd))["rows"] == [
            ["Infinity", "w6k=", "1.50", [1], "P1D", None]
        ]

    _ask(music, conversation)


REFUSED = {
    "DELETE FROM events": "read-only",
    "SELECT plan FROM events": '"plan" is a property',
    "FROM evnts": 'Did you mean "events"?',
    "FROM read_text('music.db')": "disabled by configuration",
    "COPY events TO 'copy.csv'": "disabled by configuration",
    "SET enable_external_access = true": "locked",
    "ATTACH 'other.db'": "disabled by configuration",
    "SELEC": "syntax error",
    "": "no statement",
}


def test_a_query_that_is_refused(music: Path) -> None:
    async def conversation(call: Call) -> None:
        for sql, told in REFUSED.items():
            assert told in await call("query", sql=sql)
        assert (await call("query", sql="SELECT count(*) FROM events"))["rows"] == [[101]]

    _ask(music, conversation)
    assert [file.name for file in music.parent.iterdir()] == [music.name]


def test_reports_answer_as_the_library_does(music: Path) -> None:
    async def conversation(call: Call) -> None:
        with StorageEngine(music, read_only=True) as storage:
            reports = storage.reports("events", timezone="Asia/Tokyo")
            name = storage.execute_scalar("SELECT min(event_name) FROM events")
            days: Any = DAYS
            expected = [
                reports.segmentation(name, unit="week", on="plan", **days).to_dict(),
                reports.funnel([name, name], **days).to_dict(),
                reports.retention(born_event=name, interval_count=3, **days).to_dict(),
            ]
        shared = {"table": "events", "timezone": "Asia/Tokyo", **DAYS}
        asked = {"events": [name], "unit": "week", "on": "plan"}
        found = [
            await call("segmentation", **asked, **shared),
            await call("funnel", steps=[name, name], **shared),
            await call("retention", born_event=name, interval_count=3, **shared),
        ]
        assert found == json.loads(json.dumps(expected))

    _ask(music, conversation)


def test_slips_in_a_report(music: Path) -> None:
    async def conversation(call: Call) -> None:
        shared = {"table": "events", **DAYS}
        with StorageEngine(music, read_only=True) as storage:
            name = storage.execute_scalar("SELECT min(event_name) FROM events")
        unknown = await call("segmentation", events=[f"{name}s"], **shared)
        assert f"did you mean '{name}'" in unknown["notes"][0]
        assert "did you mean 'plan'" in await call("segmentation", on="plann", **shared)
        assert "Did you mean 'events'" in await call(
            "funnel", **{**shared, "table": "evnts"}, steps=[]
        )
        assert "'day'" in await call("segmentation", unit="dayly", **shared)
        hours = await call("segmentation", unit="hour", **{**shared, "from_date": "2005-01-01"})
        assert "fewer days" in hours

    _ask(music, conversation)


def test_a_load_comes_between_two_calls(music: Path) -> None:
    async def conversation(call: Call) -> None:
        counted = "SELECT count(*) FROM events"
        assert (await call("query", sql=counted))["rows"] == [[101]]
        with StorageEngine(music) as storage:
            EVENTS.append(storage, [event(200)], "events")
        answers = await asyncio.gather(*(call("query", sql=counted) for _ in range(5)))
        assert [answer["rows"] for answer in answers] == [[[102]]] * 5

    _ask(music, conversation)


def test_a_database_that_is_not_there_is_said_by_every_call(tmp_path: Path) -> None:
    async def conversation(call: Call) -> None:
        assert "does not exist" in await call("tables")

    _ask(tmp_path / "none.db", conversation)
    assert not list(tmp_path.iterdir())


def test_an_answer_that_takes_too_long_is_given_up(
    music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mixpanel_data import mcp as module

    monkeypatch.setattr(module, "_LONGEST", 0.5)
    asked = {"sql": "SELECT count(*) FROM range(1000000000) a, range(1000000000) b"}
    with pytest.raises(Exception, match=r"[Ii]nterrupt"):
        asyncio.run(module.server(str(music)).call_tool("query", asked))


def test_without_an_argument_the_usage_is_told() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mixpanel_data.mcp"], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "Usage" in done.stderr
