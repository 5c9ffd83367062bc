"""ORM INSERTs of many rows without the ORM's work for each row, where that changes nothing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Mapper, ORMExecuteState


def listen_if_loaded() -> None:
    """Listen to every ORM session, if the ORM is loaded, which takes long."""
    if "sqlalchemy.orm" in sys.modules:
        from sqlalchemy.orm import Session

        if not sa.event.contains(Session, "do_orm_execute", insert_as_core):
            sa.event.listen(Session, "do_orm_execute", insert_as_core)


def insert_as_core(state: ORMExecuteState) -> None:
    """Let ``session.execute(insert(Class), rows)`` go to Core as it is.

    The ORM would copy every row twice, and begin a new statement wherever the NULLs change.
    """
    if not (state.is_insert and state.is_executemany):
        return
    bind, mapper = state.session.get_bind(**state.bind_arguments), state.bind_mapper
    if (
        bind.dialect.driver == "mixpanel_data"
        and mapper is not None
        and not len(state.statement.exported_columns)  # type: ignore[attr-defined]
        and _is_one_table(mapper)
        and _are_columns(mapper, state.parameters)  # type: ignore[arg-type]
    ):
        state.update_execution_options(dml_strategy="raw")


def _is_one_table(mapper: Mapper[Any]) -> bool:
    return (
        isinstance(mapper.persist_selectable, sa.Table)
        and mapper.inherits is None
        and mapper.polymorphic_on is None
        and mapper.version_id_col is None
    )


def _are_columns(mapper: Mapper[Any], rows: Sequence[dict[str, Any]]) -> bool:
    """Return whether all rows have the same columns, under their own names.

    The ORM leaves a None out: where that is not just NULL, there must be none.
    """
    columns = {attribute.key: attribute.columns[0] for attribute in mapper.column_attrs}
    keys = rows[0].keys()
    if not all(key in columns and columns[key].key == key for key in keys):
        return False
    filled = [key for key in keys if not _is_null_if_none(columns[key])]
    return all(row.keys() == keys and not any(row[key] is None for key in filled) for row in rows)


def _is_null_if_none(column: sa.ColumnElement[Any]) -> bool:
    return (
        isinstance(column, sa.Column)
        and column.default is None
        and column.server_default is None
        and column is not column.table.autoincrement_column
        and not isinstance(column.type, sa.TypeDecorator)
    )
