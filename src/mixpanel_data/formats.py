"""Mixpanel's raw exports and profile pages -> records for ``StorageEngine``, lazily.

Both readers take paths and binary streams, plain, gzip (of any number of members) or zstd, told
apart by their first bytes, as are the forms that are read beside Mixpanel's own JSON Lines and
pages: JSON lists, pretty-printed JSON, UTF-16, CSV, Parquet, and zip and tar archives of all these.
Warehouses' columns (``event_name``, ``time``, ``properties``) and those of this library's tables
are taken, too. Zip and Parquet need a file or a stream that can seek.

Memory is bounded by a block of lines, not by the file. A line that cannot be a record ends the
reading with an error that names its source and number: Mixpanel may break off an export after a
status of 200, and a day that is cut short must not look complete.
A file that was cut exactly at a line end (or between gzip members) cannot be told from a whole one.
An empty source holds no records, unless its name says that it is compressed.
"""

from mixpanel_data._internal.formats.detection import detect_kind
from mixpanel_data._internal.formats.events import read_export
from mixpanel_data._internal.formats.paths import expand
from mixpanel_data._internal.formats.profiles import read_profiles

__all__ = ["detect_kind", "expand", "read_export", "read_profiles"]
