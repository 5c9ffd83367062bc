"""There is one public door, and what stands in it is on purpose."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import ModuleType

import pytest

import mixpanel_data
from mixpanel_data import exceptions, types

PROMISED = {
    "ColumnInfo",
    "ColumnStatsResult",
    "ColumnSummary",
    "CopyMismatchError",
    "Coverage",
    "DamagedDatabaseError",
    "DatabaseLockedError",
    "DatabaseNotFoundError",
    "EmptyLoadError",
    "EventBreakdownResult",
    "EventRecord",
    "EventStats",
    "ForkedEngineError",
    "InvalidRecordError",
    "LoadInfo",
    "MixpanelDataError",
    "ProfileRecord",
    "PropertyDistributionResult",
    "PropertyValueCount",
    "QueryError",
    "SQLResult",
    "SchemaVersionError",
    "StorageEngine",
    "SummaryResult",
    "TableExistsError",
    "TableInfo",
    "TableMetadata",
    "TableNotFoundError",
    "TableSchema",
    "TimeZoneError",
    "UnsupportedError",
    "WorkspaceInfo",
    "__version__",
}


def test_the_door_holds_what_is_promised() -> None:
    assert set(mixpanel_data.__all__) == PROMISED


def test_the_door_is_sorted_and_complete() -> None:
    names = list(mixpanel_data.__all__)
    assert names == sorted(names)
    assert all(hasattr(mixpanel_data, name) for name in names)
    public = {
        name
        for name, value in vars(mixpanel_data).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert public == PROMISED - {"__version__"}


def test_every_error_can_be_imported_from_the_door() -> None:
    errors = {name for name, value in vars(exceptions).items() if inspect.isclass(value)}
    ours = {name for name in errors if issubclass(getattr(exceptions, name), BaseException)}
    assert ours <= set(mixpanel_data.__all__)


@pytest.mark.parametrize(
    "name", ["TableMetadata", "TableInfo", "ColumnInfo", "TableSchema", "SQLResult"]
)
def test_the_types_live_in_their_module(name: str) -> None:
    assert getattr(types, name) is getattr(mixpanel_data, name)


def test_the_library_is_marked_as_typed() -> None:
    assert (Path(mixpanel_data.__file__).parent / "py.typed").is_file()
