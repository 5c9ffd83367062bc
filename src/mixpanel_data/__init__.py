"""The local warehouse for Mixpanel data: fetch once, query many times."""

from mixpanel_data._internal.storage import StorageEngine
from mixpanel_data._version import __version__
from mixpanel_data.exceptions import (
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

__all__ = [
    "ColumnInfo",
    "ColumnStatsResult",
    "ColumnSummary",
    "Coverage",
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
    "WorkspaceInfo",
    "__version__",
]
