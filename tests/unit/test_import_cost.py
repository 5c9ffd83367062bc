"""Importing the library brings in nothing that only some of its users need."""

from __future__ import annotations

import json

import pytest

from tests.support.processes import run

pytestmark = pytest.mark.slow


def _imported(code: str) -> set[str]:
    return set(json.loads(run(f"import json, sys; {code}; print(json.dumps(sorted(sys.modules)))")))


def test_importing_the_package_loads_nothing_else() -> None:
    loaded = _imported("import mixpanel_data")
    ours = {name for name in loaded if name.startswith("mixpanel_data")}
    assert ours == {"mixpanel_data", "mixpanel_data._version"}


def test_importing_the_engine_loads_no_migrations_no_frames_and_no_terminal() -> None:
    loaded = _imported("from mixpanel_data import StorageEngine")
    assert "mixpanel_data._internal.storage" in loaded
    others = {"alembic", "pydantic", "sqlalchemy.orm", "numpy", "pandas", "pyarrow"}
    assert loaded.isdisjoint({*others, "typer", "rich", "click", "mixpanel_data.cli"})
