"""The local warehouse for Mixpanel data: fetch once, query many times."""

from mixpanel_data._internal.storage import StorageEngine
from mixpanel_data._version import __version__
from mixpanel_data.exceptions import (
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

__all__ = [
    "ColumnInfo",
    "Coverage",
    "DamagedDatabaseError",
    "DatabaseLockedError",
    "DatabaseNotFoundError",
    "EmptyLoadError",
    "EventRecord",
    "ForkedEngineError",
    "InvalidRecordError",
    "LoadInfo",
    "MixpanelDataError",
    "ProfileRecord",
    "QueryError",
    "SQLResult",
    "SchemaVersionError",
    "StorageEngine",
    "TableExistsError",
    "TableInfo",
    "TableMetadata",
    "TableNotFoundError",
    "TableSchema",
    "__version__",
]
