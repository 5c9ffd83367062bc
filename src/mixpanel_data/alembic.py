"""Alembic for tables of your own in a database of this library.

Import it in the ``env.py`` of your project, whose URL is ``duckdb+mixpanel_data:///PATH``. Its
revisions have an ``alembic_version`` of their own beside this library's ``_alembic_version``, and
autogenerate leaves this library's tables alone. A project with an ``include_name`` or
``include_object`` of its own calls those of this module in it::

    import mixpanel_data.alembic

    def include_name(name, type_, parent_names):
        return mixpanel_data.alembic.include_name(name, type_, parent_names) and name != "scratch"

Revisions may use ``op.rebuild_table(name)`` where DuckDB cannot alter a table, as one with an
index::

    with op.rebuild_table("reports") as batch:
        batch.alter_column("title", type_=sa.Integer, existing_type=sa.String)
"""

from mixpanel_data._internal.maintenance import operations as _operations  # noqa: F401
from mixpanel_data._internal.maintenance.projects import (
    ProjectImpl,
    include_name,
    include_object,
)

__all__ = ["ProjectImpl", "include_name", "include_object"]
