"""Every public name has an entry in the reference, and every command is shown on a page."""

from __future__ import annotations

import importlib.util
import pkgutil
import re
from types import ModuleType

import pytest

import mixpanel_data
from mixpanel_data._internal.schema.tables import metadata
from tests.support.processes import ROOT

DOCS = ROOT / "docs"
REFERENCE = (DOCS / "reference" / "api.md").read_text(encoding="utf-8")
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in DOCS.glob("*.md"))


def _made() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_pages", ROOT / ".ci" / "docs_pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MADE = _made()
COMMANDS = dict(MADE.commands())


def test_every_public_name_has_an_entry() -> None:
    entries = set(re.findall(r"^::: (\S+)$", REFERENCE, re.MULTILINE))
    names = list(MADE.public_names())
    assert len(names) > 60
    missing = [
        name
        for name, home in names
        if not {name, home, name.rpartition(".")[0], home.rpartition(".")[0]} & entries
    ]
    assert missing == []


def test_every_public_module_is_among_them() -> None:
    found = {m.name for m in pkgutil.iter_modules(mixpanel_data.__path__)}
    public = {name for name in found if not name.startswith("_")} - {"cli"}
    assert {f"mixpanel_data.{name}" for name in public} <= set(MADE.MODULES)


@pytest.mark.parametrize(
    "command", [c for c in COMMANDS if " " in c and c.split()[-1] not in ("load", "db")]
)
def test_every_command_is_shown(command: str) -> None:
    assert re.search(rf"\b{re.escape(command)}\b", TEXT), command
    assert "Usage" in COMMANDS[command]


def test_every_column_is_described() -> None:
    schema = (DOCS / "schema.md").read_text(encoding="utf-8")
    columns = {column.name for table in metadata.tables.values() for column in table.columns}
    assert len(columns) > 20
    assert [name for name in sorted(columns) if f"`{name}`" not in schema] == []
