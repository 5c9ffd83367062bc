"""Importing the library does not bring in what only some of its users need."""

from __future__ import annotations

import json

import pytest

from tests.support.processes import run


@pytest.mark.slow
def test_importing_the_library_loads_no_migrations_and_no_terminal() -> None:
    loaded = json.loads(
        run(
            "import json, sys; from mixpanel_data import StorageEngine;"
            "print(json.dumps(sorted(sys.modules)))"
        )
    )
    assert "mixpanel_data._internal.storage" in loaded
    assert {"alembic", "typer", "rich", "click", "mixpanel_data.cli"}.isdisjoint(loaded)
