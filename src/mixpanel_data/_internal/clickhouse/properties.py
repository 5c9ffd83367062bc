"""Property columns: the JSON text of a property as a MATERIALIZED column of the table itself.

ClickHouse computes them from the document at each insert, so that they cannot differ from it, and
the tables that loads make have them as well. As the text is the value's own, all that is asked of
a property can be answered from it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from mixpanel_data._internal.clickhouse.database import Database, literal, quoted
from mixpanel_data._internal.clickhouse.dialect import json_get
from mixpanel_data._internal.clickhouse.dialect.served import Columns, Path

_PREFIX = "_json_"
_SAMPLE = 20_000
_RAREST = 0.005  # of the rows; rarer properties are no columns unless they are named
_LONGEST = 100  # characters on average
_FEW = 100  # values, among which all different ones tell nothing


class Lookup:
    """The property columns of tables, each looked up once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, Columns] = {}

    @property
    def found(self) -> bool:
        """Whether some table has any."""
        return any(self._known.values())

    def __call__(self, table: str) -> Columns:
        """Return a table's columns by the property's path."""
        if table not in self._known:
            self._known[table] = columns_of(self._database, table)
        return self._known[table]


def columns_of(database: Database, table: str) -> dict[Path, str]:
    """Return a table's property columns by the property's path."""
    rows = database.all(
        "SELECT name, comment FROM system.columns WHERE database = database()"
        f" AND table = {literal(table)} AND startsWith(name, {literal(_PREFIX)})"
        " AND default_kind = 'MATERIALIZED' ORDER BY position"
    )
    return {tuple(json.loads(comment)): name for name, comment in rows}


def choose(
    database: Database, table: str, properties: Sequence[str | tuple[str, ...]] | None, limit: int
) -> list[Path]:
    """Return the paths of the *properties* that rows have, or of the *limit* commonest ones.

    Left out are lists and objects, rare properties, and text that is long, or hardly ever the same.
    """
    share = f"rand() % greatest(intDiv((SELECT count() FROM {quoted(table)}), {_SAMPLE}), 1) = 0"
    sample = f"SELECT properties FROM {quoted(table)} WHERE {share}"
    if properties is not None:
        paths: list[Path]
        paths = list(dict.fromkeys((p,) if isinstance(p, str) else tuple(p) for p in properties))
        if not paths:
            return []
        counts = (f"count({json_get.raw('properties', path)})" for path in paths)
        found = database.one(f"SELECT {', '.join(counts)} FROM {quoted(table)}")
        return [path for path, count in zip(paths, found) if count]
    return [(row[0],) for row in database.all(_COMMONEST.format(sample=sample))][:limit]


_COMMONEST = f"""
WITH sampled AS ({{sample}})
SELECT tupleElement(pair, 1) AS key
FROM (SELECT arrayJoin(JSONExtractKeysAndValuesRaw(ifNull(properties, ''))) AS pair FROM sampled)
WHERE tupleElement(pair, 2) != 'null'
GROUP BY key
HAVING count() >= (SELECT count() FROM sampled) * {_RAREST}
    AND countIf(match(tupleElement(pair, 2), '^[\\\\[{{{{]')) * 2 <= count()
    AND NOT (uniq(tupleElement(pair, 2)) > 0.9 * count() AND count() > {_FEW})
    AND avg(length(tupleElement(pair, 2))) <= {_LONGEST}
ORDER BY count() DESC, key
"""


def change(database: Database, table: str, wanted: Sequence[Path]) -> None:
    """Give a table the columns of these properties, and take others from it.

    What is there stays. Of rows that are there the values are computed in one pass over them.
    """
    there = columns_of(database, table)
    dropped = [f"DROP COLUMN {quoted(there[path])}" for path in there if path not in wanted]
    taken = {name for path, name in there.items() if path in wanted}
    added: list[str] = []
    new: list[str] = []
    for path in wanted:
        if path not in there:
            new.append(name := _free_name(path, taken))
            comment = literal(json.dumps(path, ensure_ascii=False))
            value = json_get.raw("properties", path)
            kind = "Nullable(String)"
            added.append(f"ADD COLUMN {quoted(name)} {kind} MATERIALIZED {value} COMMENT {comment}")
    for parts in (dropped, added, [f"MATERIALIZE COLUMN {quoted(name)}" for name in new]):
        if parts:
            sql = f"ALTER TABLE {quoted(table)} {', '.join(parts)}"
            database.command(sql, settings={"alter_sync": 2, "mutations_sync": 2})


def _free_name(path: Sequence[Any], taken: set[str]) -> str:
    """Return a name for a column, with underscores behind it where it is taken."""
    name = _PREFIX + ".".join(map(str, path))
    while name in taken:
        name += "_"
    taken.add(name)
    return name
