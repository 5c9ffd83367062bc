"""Imports go downward, DuckDB has one room, and the command line sees public names only."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import mixpanel_data

ROOT = Path(mixpanel_data.__file__).parent
PACKAGE = ROOT.name

# From the ground up. A package counts as one module: its own modules may import each other.
FLOORS = [
    [
        *("_version", "exceptions", "_internal.deferral", "_internal.iso8601"),
        *("_internal.json_text", "_internal.json_paths", "_internal.typed_columns"),
    ],
    [
        "_internal.zones",
        "_internal.spelling",
        "_internal.display",
        "_internal.progress",
    ],
    ["_internal.copied_table", "_internal.sql_result", "_internal.table_metadata"],
    ["types", "_internal.results"],
    ["exploration"],
    ["_internal.duckdb"],
    ["_internal.formats", "_internal.schema", "orm", "demo"],
    ["_internal.loading", "_internal.maintenance", "reports", "formats", "_internal.exploration"],
    ["maintenance", "alembic"],
    ["_internal.duckdb.backend", "_internal.clickhouse"],
    ["_internal.storage"],
    [""],  # the public door
    ["cli", "mcp"],
    ["__main__"],
]
FLOOR_OF = {module: floor for floor, modules in enumerate(FLOORS) for module in modules}
DRIVERS = {
    "_internal.duckdb": {"duckdb", "duckdb_engine"},
    "_internal.clickhouse": {"clickhouse_connect", "chdb"},
}


TERMINAL = {"typer", "rich", "click"}

SOURCES = {
    ".".join(p for p in path.relative_to(ROOT).with_suffix("").parts if p != "__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
    if ROOT / "migrations" not in path.parents  # where the wheel has them
}
MIGRATIONS = Path(__file__).parents[2] / "migrations"


def _home(module: str) -> str:
    """Return the entry of FLOORS that a module of ours belongs to."""
    parts = module.split(".") if module else []
    for length in range(len(parts), 0, -1):
        if (name := ".".join(parts[:length])) in FLOOR_OF:
            return name
    assert not parts or parts == ["_internal"], f"{module} stands on no floor"
    return ".".join(parts)


def _imports(text: str) -> Iterator[str]:
    """Yield the full name of everything that a source imports, wherever in it, and for whatever."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _ours(text: str) -> Iterator[str]:
    """Yield the modules of ours that a source imports, without the names taken from them."""
    for name in _imports(text):
        if name.split(".")[0] == PACKAGE:
            module = name.removeprefix(PACKAGE).removeprefix(".")
            yield module if module in SOURCES else module.rpartition(".")[0]


def violations(module: str, text: str) -> list[str]:
    """Return what a module of ours imports and may not."""
    home = _home(module)
    ours = list(_ours(text))
    roots = {name.split(".")[0] for name in _imports(text)}
    found = [
        f"{module} imports {other}, which is not below it"
        for other in ours
        if _home(other) != home and not FLOOR_OF[_home(other)] < FLOOR_OF[home]
    ]
    found += [
        f"{module} imports {roots & drivers}"
        for room, drivers in DRIVERS.items()
        if not home.startswith(room) and roots & drivers
    ]
    if home == "_internal.clickhouse":
        other = [name for name in ours if _home(name).startswith("_internal.duckdb")]
        found += [f"{module} imports {name} of the other engine" for name in other]
    if home not in ("cli", "__main__") and roots & TERMINAL:
        found.append(f"{module} imports {roots & TERMINAL}")
    if home == "cli":
        private = [other for other in ours if other.startswith("_internal")]
        found += [f"{module} imports {other}, which is not public" for other in private]
    return found


@pytest.mark.parametrize("module", SOURCES)
def test_a_module_imports_what_it_may(module: str) -> None:
    assert violations(module, SOURCES[module].read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("module", "broken"),
    [
        ("_internal.schema.tables", "from mixpanel_data._internal.storage import StorageEngine"),
        ("_internal.loading.merge", "from mixpanel_data._internal.maintenance import backup"),
        ("_internal.duckdb.files", "import mixpanel_data._internal.formats.lines"),
        ("formats", "def f():\n    from mixpanel_data import StorageEngine"),
        ("_internal.loading.merge", "import duckdb"),
        ("_internal.storage.queries", "if TYPE_CHECKING:\n    from duckdb import Error"),
        ("reports", "import duckdb_engine.datatypes"),
        ("types", "import rich.text"),
        ("_internal.storage.queries", "import clickhouse_connect"),
        ("_internal.clickhouse.dialect.base", "from mixpanel_data._internal.duckdb import files"),
        ("cli.commands.load", "from mixpanel_data._internal.formats.paths import expand"),
    ],
)
def test_a_broken_rule_is_found(module: str, broken: str) -> None:
    assert len(violations(module, broken)) == 1


def test_a_folder_without_a_floor_holds_no_code() -> None:
    tree = ast.parse((ROOT / "_internal" / "__init__.py").read_text(encoding="utf-8"))
    assert all(isinstance(node, ast.Expr) for node in tree.body)


def _calls(module: str) -> list[ast.expr]:
    tree = ast.parse(SOURCES[module].read_text(encoding="utf-8"))
    return [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]


@pytest.mark.parametrize("module", [m for m in SOURCES if _home(m) not in ("cli", "__main__")])
def test_only_the_command_line_prints(module: str) -> None:
    assert "print" not in {call.id for call in _calls(module) if isinstance(call, ast.Name)}


@pytest.mark.parametrize("module", SOURCES)
def test_only_the_database_opens_transactions(module: str) -> None:
    opened = {c.attr for c in _calls(module) if isinstance(c, ast.Attribute)} & {"commit", "begin"}
    allowed = ("_internal.duckdb", "_internal.duckdb.backend", "_internal.maintenance")
    assert not opened or _home(module) in allowed


@pytest.mark.parametrize("module", [m for m in SOURCES if _home(m) == "_internal.storage"])
def test_an_engine_is_imported_when_a_database_is_opened(module: str) -> None:
    tree = ast.parse(SOURCES[module].read_text(encoding="utf-8"))
    at_once = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    text = "\n".join(map(ast.unparse, at_once))
    engines = ("_internal.duckdb", "_internal.clickhouse")
    assert not [name for name in _ours(text) if name.startswith(engines)]


def test_a_revision_imports_no_code_of_ours() -> None:
    for path in (MIGRATIONS / "versions").glob("*.py"):
        assert PACKAGE not in {name.split(".")[0] for name in _imports(path.read_text())}, path.name


def test_the_migration_environment_sees_the_migrations_alone() -> None:
    if not (path := MIGRATIONS / "env.py").is_file():
        pytest.skip("an installed library brings no migrations directory")
    assert {_home(name) for name in _ours(path.read_text())} == {"_internal.maintenance"}
