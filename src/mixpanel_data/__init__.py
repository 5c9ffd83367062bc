"""The local warehouse for Mixpanel data: fetch once, query many times."""

from mixpanel_data._internal.storage import StorageEngine
from mixpanel_data.exceptions import (
    DatabaseLockedError,
    DatabaseNotFoundError,
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
    EventRecord,
    ProfileRecord,
    SQLResult,
    TableInfo,
    TableMetadata,
    TableSchema,
)

__version__ = "0.1.0"

__all__ = [
    "ColumnInfo",
    "DatabaseLockedError",
    "DatabaseNotFoundError",
    "EventRecord",
    "ForkedEngineError",
    "InvalidRecordError",
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
