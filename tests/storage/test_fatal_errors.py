"""After a fatal error every call says so, and the file opens again in the same process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.processes import run

pytestmark = pytest.mark.slow

pytest.importorskip("resource", reason="the system has no limits to set")

_FATAL = """
import resource, signal, sys, threading
import sqlalchemy as sa
from mixpanel_data import StorageEngine
from mixpanel_data.exceptions import MixpanelDataError
from tests.support.factories import EVENTS, events, metadata
from tests.support.exports import lines

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path, export = sys.argv[1:]
open(export, "wb").write(lines(3))
engine = StorageEngine(path)
EVENTS.create(engine, events(100))
engine.connection.execute("CREATE TABLE filler AS SELECT random() AS x FROM range(400000)")
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
limit = engine.path.stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
try:
    engine.connection.execute("CHECKPOINT")
except Exception as error:
    print("failed", type(error).__name__)
def refused(name, call):
    try:
        call()
    except MixpanelDataError as error:
        print(name, type(error).__name__)
calls = {
    "text": lambda: engine.execute_scalar("SELECT 1"),
    "df": lambda: engine.execute_df("SELECT 1"),
    "arrow": lambda: engine.execute_arrow("SELECT 1"),
    "statement": lambda: engine.query(sa.select(1)),
    "tables": engine.list_tables,
    "table": lambda: engine.table("data"),
    "append": lambda: EVENTS.append(engine, events(5)),
    "load": lambda: engine.load_export("data", export, metadata(), append=True),
    "drop": lambda: engine.drop_table("data"),
}
for name, call in calls.items():
    refused(name, call)
first = threading.Thread(target=refused, args=("thread", calls["text"]))
first.start()
first.join()
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
engine.close()
with StorageEngine(path) as again:
    print("reopened", again.execute_scalar("SELECT count(*) FROM data"))
    print("stored", EVENTS.append(again, events(5, start=100)))
"""


def test_every_call_is_refused_and_the_file_opens_again(db_path: Path, tmp_path: Path) -> None:
    told = dict(line.split() for line in run(_FATAL, db_path, tmp_path / "e.jsonl").splitlines())
    assert told.pop("failed") == "FatalException"
    assert (told.pop("reopened"), told.pop("stored")) == ("100", "5")
    assert set(told.values()) == {"QueryError"}
    assert len(told) == 10
