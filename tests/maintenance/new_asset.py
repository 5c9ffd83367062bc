"""``python -m tests.maintenance.new_asset``: write the file of the newest revision, once for all.

It is the newest file that there is, upgraded. Add rows that show what the revision is for before
you commit it; from then on it stays as it is.
"""

from __future__ import annotations

import shutil

from mixpanel_data import maintenance
from tests.support.files import ASSETS, REVISIONS


def main() -> None:
    """Write the file, unless it is there."""
    newest = ASSETS / f"{REVISIONS[-1]}.db"
    if newest.exists():
        raise SystemExit(f"{newest} is there already, and is never made again.")
    shutil.copy(max(ASSETS.glob("*.db")), newest)
    try:
        print(f"{newest}: {maintenance.upgrade(newest, backup=False)}")
    except BaseException:
        newest.unlink()
        raise


if __name__ == "__main__":
    main()
