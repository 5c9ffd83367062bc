"""Mixpanel's profiles, pages of the engage API or one a line -> records for ``StorageEngine``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mixpanel_data._internal.formats.insert_ids import id_text
from mixpanel_data._internal.formats.reading import read_rows
from mixpanel_data._internal.formats.refusals import Place, incorrect
from mixpanel_data._internal.formats.rows import Row, expect_only
from mixpanel_data._internal.formats.spellings import kind_of, not_of_kind, profile_of
from mixpanel_data._internal.formats.timestamps import last_seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mixpanel_data._internal.formats.text import Source
    from mixpanel_data.types import ProfileRecord


def read_profiles(
    source: Source,
    *more: Source,
    progress: Callable[[int], None] | None = None,
    allow_empty: bool = False,
) -> Iterator[ProfileRecord]:
    """Yield the profiles of engage pages or of lines ``{"$distinct_id": …, "$properties": {…}}``.

    A page is an object with ``results``, on one line or pretty-printed; others may follow it.
    ``properties`` are left as they are. ``last_seen`` is ``$last_seen`` in UTC, which a time
    without an offset is taken for; None when that is missing or no ISO time.

    Arguments are those of ``read_export``.

    Raises:
        InvalidRecordError: A line is not a page or profile, an id is missing, or a source is cut
            short; see ``details``.
    """
    rows = read_rows((source, *more), progress, pages=True, allow_empty=allow_empty)
    for place, row in rows:
        is_page = "results" in row and "$distinct_id" not in row
        for position, member in enumerate(_results(place, row) if is_page else [row], 1):
            try:
                record = _profile(member)
            except (ValueError, RecursionError) as error:
                within = f"profile {position} of the page: " if is_page else ""
                raise incorrect(place, error, within) from error
            yield record


def _results(place: Place, page: Row) -> list[Any]:
    results = page["results"]
    if not isinstance(results, list):
        raise incorrect(place, "'results' of the page is not a list")
    return results


def _profile(row: Any) -> ProfileRecord:
    if not isinstance(row, dict):
        raise ValueError("it is not a JSON object")
    distinct_id, properties = row.get("$distinct_id"), row.get("$properties")
    if distinct_id is None:
        if kind_of(row) == "profiles" and "results" not in row and "$distinct_id" not in row:
            return profile_of(row)
        raise not_of_kind(row, "profiles", "'$distinct_id' is missing")
    if not isinstance(properties, dict):
        raise ValueError("'$properties' is missing or not an object")
    expect_only(row, "$distinct_id", "$properties")
    return {
        "distinct_id": id_text(distinct_id),
        "properties": properties,
        "last_seen": last_seen(properties.get("$last_seen")),
    }
