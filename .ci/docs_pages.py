"""The pages of the documentation that are made from the code, and llms.txt: a hook of mkdocs."""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import re
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MODULES = (
    "mixpanel_data",
    *(
        f"mixpanel_data.{name}"
        for name in (
            *("alembic", "demo", "exceptions", "exploration"),
            *("formats", "maintenance", "mcp", "orm", "types"),
        )
    ),
    "mixpanel_data.reports",
    "mixpanel_data.reports.overview",
    "mixpanel_data.reports.results",
)


def commands() -> Iterator[tuple[str, str]]:
    """Yield each command of the command line and its help."""
    import typer.main

    from mixpanel_data.cli.app import app

    yield from _walk(typer.main.get_command(app), "mixpanel-data", None)


def _walk(command: Any, name: str, parent: Any) -> Iterator[tuple[str, str]]:
    settings = {"terminal_width": 100, "max_content_width": 100}
    context = command.make_context(name, [], parent=parent, resilient_parsing=True, **settings)
    yield context.command_path, command.get_help(context)
    for part in getattr(command, "commands", {}).values():
        if not part.hidden:
            yield from _walk(part, part.name, context)


def _command_page() -> str:
    parts = ["# Command line", "Made from the commands themselves: each with what `--help` says."]
    for name, text in commands():
        parts.append(f"## `{name}`\n\n```text\n{text.strip()}\n```")
    return "\n\n".join(parts)


def llms(config: Any) -> str:
    """Return the pages as a list for language models, after https://llmstxt.org."""
    lines = [f"# {config['site_name']}", "", f"> {config['site_description']}", "", "## Pages", ""]
    for title, path in _pages(config["nav"]):
        address = "" if path == "index.md" else path.removesuffix(".md") + "/"
        lines.append(f"- [{title}]({config['site_url'] or '/'}{address})")
    return "\n".join(lines) + "\n"


def _pages(nav: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for entry in nav:
        for title, part in entry.items():
            if isinstance(part, list):
                yield from _pages(part)
            else:
                yield title, part


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that are made."""
    from mkdocs.structure.files import File

    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    made = {
        "reference/cli.md": _command_page(),
        "changelog.md": changes,
        "llms.txt": llms(config),
    }
    for path, text in made.items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Put the picture that a line with ``.chart()`` makes, of the demo's data, below its block."""
    if page.file.src_path != "reports.md":
        return markdown
    with tempfile.TemporaryDirectory() as folder, _inside(folder):
        _load_demo()
        namespace: dict[str, Any] = {}
        return _BLOCK.sub(lambda block: block[0] + _drawn(block[1], namespace), markdown)


@contextmanager
def _inside(folder: str) -> Iterator[None]:
    # contextlib.chdir came with Python 3.11.
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _load_demo() -> None:
    from mixpanel_data import StorageEngine, TableMetadata, demo

    events, profiles = demo.write_export(Path())
    now = datetime.now(timezone.utc)
    with StorageEngine("music.db") as storage:
        storage.load_export("events", events, TableMetadata(type="events", fetched_at=now))
        storage.load_export("profiles", profiles, TableMetadata(type="profiles", fetched_at=now))


def _drawn(block: str, namespace: dict[str, Any]) -> str:
    from mixpanel_data.reports import charts

    drawn = ""
    for part in ast.parse(block).body:
        call = (
            part.value.func
            if isinstance(part, ast.Expr) and isinstance(part.value, ast.Call)
            else None
        )
        if isinstance(call, ast.Attribute) and call.attr == "chart":
            result = eval(ast.unparse(call.value), namespace)  # noqa: S307 - the code of our own page
            drawn += f"\n{charts.inline(result)}\n"
        else:
            exec(ast.unparse(part), namespace)  # noqa: S102
    return drawn


def on_post_build(config: Any) -> None:
    """Refuse a site that lacks a public name.

    Raises:
        ValueError: names are not in the inventory that mkdocstrings writes.
    """
    packed = (Path(config["site_dir"]) / "objects.inv").read_bytes().split(b"\n", 4)[4]
    found = {line.split(" ")[0] for line in zlib.decompress(packed).decode().splitlines()}
    if missing := [names[0] for names in public_names() if found.isdisjoint(names)]:
        raise ValueError(f"Not in the documentation: {', '.join(missing)}")


def public_names() -> Iterator[tuple[str, str]]:
    """Yield each public class and function, by where it is imported from and where it is made."""
    for path in MODULES:
        module = importlib.import_module(path)
        made_here = [n for n, value in vars(module).items() if _home(value) == path]
        for name in getattr(module, "__all__", made_here):
            value = getattr(module, name)
            if _home(value) and not name.startswith("_"):
                yield f"{path}.{name}", f"{_home(value)}.{name}"


def _home(value: Any) -> str | None:
    is_code = inspect.isclass(value) or inspect.isfunction(value)
    return str(value.__module__) if is_code else None
