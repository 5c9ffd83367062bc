"""The page about other tools: each section runs with the tools that it is about."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa

from mixpanel_data import StorageEngine, demo
from tests.support.processes import ROOT, environment

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

PAGE = (ROOT / "docs" / "neighbours.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
_FILE = re.compile(r"^`([\w./]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database of the demo's month."""
    folder = tmp_path_factory.mktemp("page")
    with StorageEngine(folder / "music.db") as storage:
        storage.load_export("events", demo.write_export(folder)[0])
    return folder / "music.db"


@pytest.fixture(autouse=True)
def folder(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory of the test, where the database is."""
    shutil.copy(template, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _run(section: str) -> dict[str, Any]:
    """Run the Python of a section and return its names."""
    names: dict[str, Any] = {"__name__": section}
    for code in re.findall(r"^```python\n(.*?)^```$", SECTIONS[section], re.MULTILINE | re.DOTALL):
        exec(compile(code, section, "exec", dont_inherit=True), names)
    return names


def test_ibis(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ibis", reason="make neighbours installs it")
    _run("ibis")
    assert re.search(r"\d +DE +\d+", capsys.readouterr().out)


def test_ibis_of_a_process_of_its_own() -> None:
    pytest.importorskip("ibis", reason="make neighbours installs it")
    opened = "ibis.duckdb.connect('music.db', read_only=True)"
    code = f"import ibis; print({opened}.table('events').count().to_pandas())"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    with StorageEngine("music.db", read_only=True) as storage:
        assert int(done.stdout) == storage.execute_scalar("SELECT count(*) FROM events")


def test_sqlmodel(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("sqlmodel", reason="make neighbours installs it")
    _run("SQLModel")
    assert '"mp_country_code":"DE"' in capsys.readouterr().out


def test_fastapi() -> None:
    testclient = pytest.importorskip("fastapi.testclient", reason="make neighbours installs it")
    with testclient.TestClient(_run("FastAPI")["app"]) as client, ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(client.get, "/tables/events/days?event=play") for _ in range(40)]
        answers = [answer.result().json() for answer in asked]
        refused = client.get("/tables/none/days?event=play")
    assert len(answers[0]) == 31
    assert answers[0][0].keys() == {"day", "events"}
    assert all(answer == answers[0] for answer in answers)
    assert (refused.status_code, refused.json()["code"]) == (400, "TABLE_NOT_FOUND")


def test_dbt(folder: Path) -> None:
    pytest.importorskip("dbt.adapters.duckdb", reason="make neighbours installs dbt-duckdb")
    for name, text in _FILE.findall(SECTIONS["dbt"]):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    command = Path(sys.executable).with_name("dbt")
    done = subprocess.run(
        [command, "build"],
        capture_output=True,
        text=True,
        env={**environment(), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "HOME": str(folder)},
        timeout=300,
    )
    assert done.returncode == 0, done.stdout
    with duckdb.connect("warehouse.db", read_only=True) as warehouse:
        warehouse.execute("ATTACH 'music.db' AS music (READ_ONLY)")
        made = warehouse.sql("FROM countries ORDER BY ALL").fetchall()
        asked = """SELECT properties->>'mp_country_code', count(DISTINCT distinct_id)
            FROM music.events GROUP BY 1 ORDER BY ALL"""
        assert made == warehouse.sql(asked).fetchall()
        event = warehouse.sql("FROM mixpanel.event WHERE os IS NOT NULL")
        types = dict(zip(event.columns, map(str, event.types)))
        assert event.limit(1).fetchall()
    # As Fivetran's.
    assert types.items() >= {
        *(("name", "VARCHAR"), ("time", "TIMESTAMP"), ("properties", "VARCHAR")),
        *(("insert_id", "VARCHAR"), ("distinct_id", "VARCHAR"), ("screen_width", "INTEGER")),
        *(("wifi", "BOOLEAN"), ("mp_processing_time_ms", "BIGINT")),
        *(("_fivetran_id", "VARCHAR"), ("_fivetran_synced", "TIMESTAMP")),
    }


def test_the_urls_for_superset(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    _run("Superset")
    assert "'properties', 'type': JSON()" in capsys.readouterr().out
    virtual = "SELECT date_trunc('day', event_time) AS day, count(*) AS n FROM (FROM main.events)"
    # The types of DuckDB before 2.0 are no keys, as SQLAlchemy needs them from duckdb-engine.
    others = ["duckdb"] if duckdb.__version__ >= "2" else []
    for url in ("duckdb+mixpanel_data", *others):
        engine = sa.create_engine(
            f"{url}:///{folder}/music.db?access_mode=READ_ONLY", poolclass=sa.pool.NullPool
        )
        with engine.connect() as connection:
            days = connection.execute(sa.text(f"{virtual} AS t GROUP BY 1 ORDER BY n DESC LIMIT 5"))
            assert len(days.all()) == 5
            assert "events" in sa.inspect(connection).get_table_names(schema="main")
        engine.dispose()
