"""``db unlock``: what killed loads leave on a server."""

from __future__ import annotations

from typing import Annotated

import typer

from mixpanel_data.cli.console import print_json, printable
from mixpanel_data.cli.errors import needed_packages, say
from mixpanel_data.cli.options import (
    DbOption,
    ListFormat,
    ListFormatOption,
    QuietOption,
    chosen_place,
)

UNLOCK_EXAMPLES = """\b
Examples:
  mixpanel-data db unlock --db clickhousedb://default@localhost:8123/music
"""

ForceOption = Annotated[
    bool, typer.Option("--force", help="Even if the process that has the lock is alive.")
]


def unlock(
    db: DbOption = None,
    force: ForceOption = False,
    format_: ListFormatOption = ListFormat.TABLE,
    quiet: QuietOption = False,
) -> None:
    """Remove from a server what killed loads left, such as their locks.

    What they had not published goes with them. A load that was only slow fails then, with nothing
    stored. A file needs none of this: its lock ends with its process.
    """
    # Loaded only when a command runs, not for its help.
    from mixpanel_data import StorageEngine

    with needed_packages():
        removed = StorageEngine.unlock(chosen_place(db), force=force)
    if format_ is ListFormat.JSON:
        print_json(removed)
    elif not quiet:
        for name in removed:
            print(f"Removed {printable(name)}.")
        if not removed:
            say("Nothing was locked.")
