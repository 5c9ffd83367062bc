"""An export is read line by line for what DuckDB's parser refuses, and for nothing else."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa

from mixpanel_data import QueryError, StorageEngine
from mixpanel_data._internal.duckdb.errors import Failure, classify
from tests.support.factories import metadata

ERRORS = [
    (duckdb.IOException("Could not write file: No space left on device"), Failure.DISK_FULL),
    (duckdb.OutOfMemoryException("Out of Memory Error: failed to allocate"), Failure.OUT_OF_MEMORY),
    (
        duckdb.OutOfMemoryException("failed to offload data block (max_temp_directory_size)"),
        Failure.OUT_OF_MEMORY,
    ),
    (duckdb.IOException("Could not set lock on file x: Conflicting lock"), Failure.LOCKED),
    (duckdb.FatalException("database has been invalidated"), Failure.CORRUPT),
    (duckdb.InternalException("index out of range"), Failure.CORRUPT),
    (duckdb.IOException("Corrupt database file: computed checksum"), Failure.CORRUPT),
    (duckdb.TransactionException("Conflict on update!"), Failure.CONFLICT),
    (duckdb.TransactionException("Failed to commit: PRIMARY KEY"), Failure.CONFLICT),
    (duckdb.IOException("Could not read from file: Input/output error"), Failure.OTHER),
    (duckdb.IOException('Cannot open file "gone.jsonl": No such file'), Failure.OTHER),
    (duckdb.BinderException("Referenced column not found"), Failure.OTHER),
    (duckdb.InterruptException("Interrupted!"), Failure.OTHER),
]
UNREADABLE = [
    duckdb.InvalidInputException('Malformed JSON in file "x", at byte 5 in line 1'),
    duckdb.InvalidInputException("Invalid Input Error: invalid UTF-8 in line 2"),
    duckdb.InvalidInputException(
        "CSV Error on Line: 2\nMaximum line size of 4194304 bytes exceeded"
    ),
    # DuckDB quotes the line in its error, and cuts it within a character.
    UnicodeDecodeError("utf-8", b"\xc3", 0, 1, "unexpected end of data"),
    duckdb.IOException("Failed to decode gzip stream: incorrect data check"),
]


@pytest.fixture
def export(tmp_path: Path) -> Path:
    lines = [
        {"event": "e", "properties": {"time": n, "distinct_id": "u", "$insert_id": f"i{n}"}}
        for n in range(5)
    ]
    path = tmp_path / "events.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def inject(storage: StorageEngine, error: Exception) -> list[str]:
    """Let the statement that reads the export fail, and return the list of its runs."""
    runs: list[str] = []

    def fail(cursor: Any, statement: str, parameters: Any, context: Any) -> None:
        if "read_csv" in statement:
            runs.append(statement)
            raise error

    sa.event.listen(storage.engine, "do_execute", fail)
    return runs


@pytest.mark.parametrize(("error", "failure"), ERRORS, ids=lambda value: str(value)[:30])
def test_a_failure_of_the_database_is_an_error_at_once(
    memory: StorageEngine,
    export: Path,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    failure: Failure,
) -> None:
    assert classify(error) is failure
    runs = inject(memory, error)
    with caplog.at_level(logging.INFO), pytest.raises(QueryError) as raised:
        memory.load_export("events", export, metadata())
    assert len(runs) == 1
    assert raised.value.details["failure"] == failure.value
    assert raised.value.details["query"] == "load into events"
    assert str(error) in str(raised.value)
    assert "line by line" not in caplog.text
    assert memory.list_tables() == []


@pytest.mark.parametrize("error", UNREADABLE, ids=lambda value: str(value)[:30])
def test_what_the_parser_refuses_is_read_line_by_line(
    memory: StorageEngine, export: Path, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    assert classify(error) is Failure.UNREADABLE_INPUT
    runs = inject(memory, error)
    with caplog.at_level(logging.INFO):
        assert memory.load_export("events", export, metadata()) == 5
    assert len(runs) == 1
    assert "line by line" in caplog.text
