"""The local warehouse for Mixpanel data: fetch once, query many times."""

import importlib
import typing

from mixpanel_data._version import __version__

if typing.TYPE_CHECKING:
    from mixpanel_data._internal.storage import StorageEngine
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
    from mixpanel_data.exploration import (
        ColumnStatsResult,
        ColumnSummary,
        EventBreakdownResult,
        EventStats,
        PropertyDistributionResult,
        PropertyValueCount,
        SummaryResult,
        WorkspaceInfo,
    )
    from mixpanel_data.types import (
        ColumnInfo,
        Coverage,
        EventRecord,
        LoadInfo,
        ProfileRecord,
        SQLResult,
        TableInfo,
        TableMetadata,
        TableSchema,
    )
else:
    # At the first use of a name: loading takes long, and the command line must get its chance
    # before that to say something better on Ctrl-C than a traceback.
    def __getattr__(name):
        """Return a public name, or a module of the package."""
        from mixpanel_data._internal.deferral import deferred_interrupts

        # An import may swallow what a signal raises.
        with deferred_interrupts():
            if name in __all__:
                storage = ("_internal.storage",) if name == "StorageEngine" else ()
                for module in storage or ("exceptions", "types", "exploration"):
                    there = importlib.import_module(f"{__name__}.{module}")
                    if hasattr(there, name):
                        return globals().setdefault(name, getattr(there, name))
            if not name.startswith("__"):
                try:
                    return importlib.import_module(f"{__name__}.{name}")
                except ModuleNotFoundError as error:
                    if error.name != f"{__name__}.{name}":
                        raise
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__():
        return sorted({*globals(), *__all__})


__all__ = [
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
]
