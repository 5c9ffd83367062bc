"""The repository: ``StorageEngine``, every call of the library."""

from mixpanel_data._internal.storage.engine import StorageEngine

__all__ = ["StorageEngine"]
