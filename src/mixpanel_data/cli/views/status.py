"""What the ``db`` commands print."""

from __future__ import annotations

import shlex
from pathlib import Path

from mixpanel_data import maintenance
from mixpanel_data.cli.console import console, count, print_grid, print_json, printable
from mixpanel_data.cli.errors import say
from mixpanel_data.types import DatabaseStatus, Migration, Problem, Recovery, Revision

_LABEL = 16


def print_status(found: DatabaseStatus) -> None:
    """Show what a file is, what is in it, and what upgrade would do."""
    lines = [
        ("file", f"{found.path}, {size_of(found.size)}"),
        ("DuckDB storage", found.storage_version),
        ("revision", _revision(found)),
        ("upgrade", _what_upgrade_does(found)),
    ]
    for name, kind in found.unregistered.items():
        adopt = command("adopt", found.path, name)
        lines.append(("not registered", f"{name}, with the columns of {kind}; {adopt}"))
    for name, properties in found.typed.items():
        lines.append(("typed rows", f"{name}, {count(properties, 'column')} up to date"))
    if found.others:
        lines.append(("others' tables", ", ".join(found.others)))
    for label, text in lines:
        print(f"{label:{_LABEL}}{printable(text)}")
    if found.pending:
        print()
        print_history(found.pending, "what it adds")
    if found.tables:
        print()
        rows = [
            [
                *(table.name, table.type, f"{table.row_count:,}"),
                f"{table.fetched_at:%Y-%m-%d %H:%M}",
                found.time_zones.get(table.name, "UTC") if table.type == "events" else "",
            ]
            for table in found.tables
        ]
        columns = ["table", "type", "rows", "loaded (UTC)", "time zone"]
        print_grid(console(), columns, rows, numbers=[name == "rows" for name in columns])


def _revision(found: DatabaseStatus) -> str:
    if found.revision is None:
        return "none: nothing in the file is mixpanel-data's"
    if not found.is_known:
        return f"{found.revision}, unknown to this version, which works with {found.head}"
    if found.pending:
        return f"{found.revision}; this version works with {found.head}"
    return found.revision


def _what_upgrade_does(found: DatabaseStatus) -> str:
    if not found.is_known:
        return "refused: a newer version made the file; pip install --upgrade mixpanel-data"
    if not found.pending:
        return "nothing to do"
    steps = ", ".join(revision.id for revision in found.pending)
    return f"makes {steps}, after a backup; {command('upgrade', found.path)}"


def print_history(revisions: list[Revision], what: str) -> None:
    """Show revisions and what they bring."""
    print_grid(console(), ["revision", what], [[each.id, each.summary] for each in revisions])


def print_migration(verb: str, path: Path, done: Migration) -> None:
    """Return what an upgrade or a downgrade did."""
    if done.before == done.after:
        print(_nothing_to_do(path, done.after))
        return
    print(f"{verb} {shown(path)} from revision {done.before} to {done.after}.")
    if done.backup:
        print(f"Backup: {shown(done.backup)}")


def print_sql(sql: str, path: Path, *, as_json: bool = False) -> None:
    """Print what would be run; that it is nothing is no SQL, and goes to stderr."""
    if as_json:
        print_json({"sql": sql})
    elif sql:
        print(sql.strip())
    else:
        say(_nothing_to_do(path, maintenance.status(path).revision))


def _nothing_to_do(path: Path, revision: str | None) -> str:
    if revision is None:
        return f"Nothing to do: nothing in {shown(path)} is mixpanel-data's."
    return f"Nothing to upgrade: {shown(path)} is at revision {revision}."


def say_what_is_lost(path: Path, revision: str, undone: list[Revision], *, backup: bool) -> None:
    """Name the revisions that a downgrade undoes, and what becomes of what they added."""
    say(f"Going back to {revision} removes from {shown(path)} what these added:")
    for each in undone:
        say(f"  {each.id}  {each.summary}")
    kept = "stays in the backup alone" if backup else "is lost"
    say(f"What {revision} has no place for {kept}. Events and profiles stay.")


def print_problem(problem: Problem) -> None:
    """Print what is wrong with a table or the file, and what to do, in one line."""
    table = f"'{problem.table}' " if problem.table else ""
    print(printable(f"{table}{problem.problem} {problem.remedy}"))


def print_recovery(path: Path, done: Recovery) -> None:
    """Print what a recovery did, and what to load again."""
    if done.copy is None:
        print(f"Nothing to do: {shown(path)} opens, and its log is whole.")
        return
    print(
        f"Cut {done.cut:,} bytes off the log of {shown(path)}. Copy as it was: {shown(done.copy)}"
    )
    for load in done.lost_loads:
        days = f"{load.from_date} to {load.to_date}" if load.from_date else "no days given"
        print(printable(f"Lost: {load.action} {load.table_name}, {days}; load it again."))
    unknown = done.lost_transactions - len(done.lost_loads)
    if unknown:
        print(f"Lost: {unknown:,} other transactions.")


def command(name: str, path: Path, *arguments: str) -> str:
    """Return a command as it can be pasted into a shell."""
    return shlex.join(["mixpanel-data", "db", name, str(path), *arguments])


def shown(path: Path) -> str:
    """Return a path without control characters."""
    return printable(str(path))


def size_of(size: int) -> str:
    """Return a size for people, and exactly."""
    from rich.filesize import decimal

    return f"{decimal(size)} ({size:,} bytes)"
