"""Every error of the library says what happened, to what, and what to do next."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
from collections.abc import Callable

import pytest

from mixpanel_data import exceptions
from mixpanel_data.exceptions import (
    CopyMismatchError,
    DamagedDatabaseError,
    DatabaseLockedError,
    DatabaseNotFoundError,
    EmptyLoadError,
    ForkedEngineError,
    InvalidRecordError,
    MixpanelDataError,
    QueryError,
    SchemaVersionError,
    TableExistsError,
    TableNotFoundError,
    TimeZoneError,
    UnsupportedError,
)

CODES: dict[type[MixpanelDataError], str] = {
    TableExistsError: "TABLE_EXISTS",
    TableNotFoundError: "TABLE_NOT_FOUND",
    QueryError: "QUERY_FAILED",
    InvalidRecordError: "INVALID_RECORD",
    DatabaseLockedError: "DATABASE_LOCKED",
    EmptyLoadError: "EMPTY_LOAD",
    CopyMismatchError: "COPY_MISMATCH",
    TimeZoneError: "TIME_ZONE",
    DatabaseNotFoundError: "DATABASE_NOT_FOUND",
    DamagedDatabaseError: "DATABASE_DAMAGED",
    ForkedEngineError: "FORKED_ENGINE",
    SchemaVersionError: "SCHEMA_VERSION",
    UnsupportedError: "UNSUPPORTED",
}
MADE: list[MixpanelDataError] = [
    TableExistsError("jan"),
    TableNotFoundError("jan"),
    QueryError("no such table", query="SELECT 1", error_type="X", original_error="no such table"),
    InvalidRecordError("Record 3", field="event_time", position=2),
    DatabaseLockedError("/data/x.db"),
    DatabaseLockedError("/data/x.db", 4711),
    DatabaseNotFoundError("/data/x.db"),
    EmptyLoadError("events"),
    EmptyLoadError("events", "a.jsonl"),
    CopyMismatchError("Other rows arrived", table_name="jan"),
    TimeZoneError("Unknown time zone", time_zone="US/Pacfic"),
    DamagedDatabaseError("damaged", db_path="/data/x.db"),
    ForkedEngineError("forked"),
    SchemaVersionError("/data/x.db", "0001", "0004", older=True),
    SchemaVersionError("/data/x.db", "0009", "0004", older=False),
    UnsupportedError("no triggers"),
]


def _name(error: MixpanelDataError) -> str:
    return type(error).__name__


def test_the_tree_has_one_root() -> None:
    found = {
        value
        for value in vars(exceptions).values()
        if inspect.isclass(value) and issubclass(value, MixpanelDataError)
    }
    assert found == {MixpanelDataError, *CODES}


@pytest.mark.parametrize(("kind", "code"), CODES.items(), ids=CODES.values())
def test_every_error_has_a_code_of_its_own(kind: type[MixpanelDataError], code: str) -> None:
    assert kind.code == code
    assert list(CODES.values()).count(kind.code) == 1


@pytest.mark.parametrize("error", MADE, ids=_name)
def test_an_error_converts_to_json(error: MixpanelDataError) -> None:
    told = json.loads(json.dumps(error.to_dict()))
    assert told == {"code": error.code, "message": error.message, "details": error.details}
    assert str(error) == error.message


@pytest.mark.parametrize(
    "copied", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy, copy.deepcopy]
)
@pytest.mark.parametrize("error", MADE, ids=_name)
def test_an_error_crosses_processes(
    error: MixpanelDataError, copied: Callable[[MixpanelDataError], MixpanelDataError]
) -> None:
    twin = copied(error)
    assert type(twin) is type(error)
    assert twin.to_dict() == error.to_dict()
    assert vars(twin) == vars(error)


@pytest.mark.parametrize("kind", [TableExistsError, TableNotFoundError])
def test_errors_about_a_table_name_it(kind: type[TableExistsError | TableNotFoundError]) -> None:
    error = kind("events_jan")
    assert error.table_name == error.details["table_name"] == "events_jan"
    assert "'events_jan'" in str(error)


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (InvalidRecordError("x"), ValueError),
        (DatabaseNotFoundError("x.db"), FileNotFoundError),
        (ForkedEngineError("x"), RuntimeError),
    ],
    ids=lambda part: getattr(part, "__name__", ""),
)
def test_some_errors_are_also_pythons_own(error: Exception, builtin: type[Exception]) -> None:
    assert isinstance(error, builtin)
    assert isinstance(error, MixpanelDataError)


def test_a_lock_names_the_file_and_its_holder() -> None:
    error = DatabaseLockedError("/data/x.db", 4711)
    assert (str(error.db_path), error.holding_pid) == ("/data/x.db", 4711)
    assert "/data/x.db" in str(error)
    assert "4711" in str(error)


def test_a_lock_may_have_an_unknown_holder() -> None:
    error = DatabaseLockedError("/data/x.db")
    assert error.holding_pid is None
    assert "None" not in str(error)


def test_a_missing_database_comes_with_a_suggestion() -> None:
    error = DatabaseNotFoundError("/data/x.db")
    assert str(error.db_path) == "/data/x.db"
    assert "load data first" in error.details["suggestion"]
    assert error.details["suggestion"] in str(error)
