"""Imports go strictly downward, from floor to floor, never sideways."""

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
    ["_version", "exceptions", "types"],
    ["_internal.lines"],
    [
        *("_internal.tables", "_internal.dialect", "_internal.errors", "_internal.records"),
        *("_internal.schema", "_internal.watching", "formats", "orm", "demo"),
    ],
    ["_internal.revisions"],
    [
        *("_internal.engine", "_internal.migrate", "_internal.catalog", "_internal.ledger"),
        *("_internal.load", "_internal.streaming", "_internal.exports", "_internal.checks"),
        "_internal.copies",
        "reports",
    ],
    ["maintenance"],
    ["_internal.storage"],
    [""],  # the public door
    ["cli"],
    ["__main__"],
]
FLOOR_OF = {module: floor for floor, modules in enumerate(FLOORS) for module in modules}
EMPTY = {"_internal"}

SOURCES = sorted(ROOT.rglob("*.py"))
TERMINAL = {"typer", "rich", "click"}


def _module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def _home(module: str) -> str:
    """Give the entry of FLOORS that a module of ours belongs to."""
    parts = module.split(".") if module else []
    for length in range(len(parts), 0, -1):
        if (name := ".".join(parts[:length])) in FLOOR_OF:
            return name
    assert not parts or parts == ["_internal"], f"{module} stands on no floor"
    return ".".join(parts)


def _is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def _imports(path: Path) -> Iterator[str]:
    """Give the full name of everything that a file imports, wherever in it, and for whatever."""
    package = [PACKAGE, *path.relative_to(ROOT).parent.parts] if path.is_relative_to(ROOT) else []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{source}.{alias.name}" for alias in node.names)


def _ours(path: Path) -> Iterator[str]:
    """Give the modules of ours that a file imports, without the names taken from them."""
    for name in _imports(path):
        if name.split(".")[0] == PACKAGE:
            module = name.removeprefix(PACKAGE).removeprefix(".")
            yield module if not module or _is_module(module) else module.rpartition(".")[0]


def _ids(path: Path) -> str:
    return _module_name(path) or PACKAGE


@pytest.mark.parametrize("path", SOURCES, ids=_ids)
def test_every_import_goes_down(path: Path) -> None:
    home = _home(_module_name(path))
    for imported in map(_home, _ours(path)):
        if imported != home:
            assert FLOOR_OF[imported] < FLOOR_OF[home], f"{home} imports {imported}"


@pytest.mark.parametrize("name", sorted(EMPTY))
def test_a_folder_without_a_floor_holds_no_code(name: str) -> None:
    tree = ast.parse((ROOT / name / "__init__.py").read_text(encoding="utf-8"))
    assert all(isinstance(node, ast.Expr) for node in tree.body)


@pytest.mark.parametrize("path", SOURCES, ids=_ids)
def test_only_the_dialect_knows_the_driver_underneath(path: Path) -> None:
    roots = {name.split(".")[0] for name in _imports(path)}
    assert "duckdb_engine" not in roots or _home(_module_name(path)) == "_internal.dialect"


@pytest.mark.parametrize("path", SOURCES, ids=_ids)
def test_only_the_command_line_knows_the_terminal(path: Path) -> None:
    if _home(_module_name(path)) in ("cli", "__main__"):
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert "print" not in {call.id for call in calls if isinstance(call, ast.Name)}
    assert TERMINAL.isdisjoint(name.split(".")[0] for name in _imports(path))


@pytest.mark.parametrize("path", SOURCES, ids=_ids)
def test_only_the_database_module_opens_transactions(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = {node.func for node in ast.walk(tree) if isinstance(node, ast.Call)}
    opened = {call.attr for call in calls if isinstance(call, ast.Attribute)} & {"commit", "begin"}
    allowed = ("_internal.engine", "_internal.storage", "_internal.dialect", "maintenance")
    assert not opened or _home(_module_name(path)) in allowed


MIGRATIONS = Path(__file__).parents[2] / "migrations"


def test_a_revision_imports_no_code_of_ours() -> None:
    for path in (MIGRATIONS / "versions").glob("*.py"):
        assert PACKAGE not in {name.split(".")[0] for name in _imports(path)}, path.name


def test_the_migration_environment_sees_the_tables_alone() -> None:
    if not (path := MIGRATIONS / "env.py").is_file():
        pytest.skip("an installed library brings no migrations directory")
    assert {_home(name) for name in _ours(path)} <= {"_internal.tables", "_internal.migrate"}
