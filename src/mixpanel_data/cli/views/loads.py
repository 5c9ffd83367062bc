"""What became of a load, for people."""

from mixpanel_data.cli.console import count
from mixpanel_data.cli.errors import say
from mixpanel_data.types import LoadInfo


def summary(done: LoadInfo, *, shows_replaced: bool = False) -> str:
    """Return a line that sums up a load."""
    parts = [f"{count(done.stored, 'row')} stored"]
    if shows_replaced:
        parts.append(f"{count(done.replaced, 'row')} replaced")
    parts.append(f"{count(done.duplicates, 'duplicate')} skipped")
    if done.type == "events":
        parts.append(f"{count(done.collisions, 'collision')} kept")
    return f"{done.table_name}: {', '.join(parts)}"


def say_what_is_odd(done: LoadInfo) -> None:
    """Print what the counts of a load tell that looks like a mistake."""
    if done.outside:
        noted = count(done.outside, "record")
        say(f"Note: {noted} of other days or events than --from, --to and --event say.")
    if done.ambiguous_times or done.missing_times:
        twice, never = count(done.ambiguous_times, "time"), count(done.missing_times, "time")
        say(
            f"Note: {twice} that the clock of {done.time_zone} shows twice, taken for the first;"
            f" {never} that it skips, read by the offset before the change."
        )
    if done.time_offset:
        say(
            f"Note: the times, taken as {done.time_zone or 'UTC'}, are"
            f" {done.time_offset / 3600:+g} hours off UTC, as those show at which Mixpanel received"
            " the events. Load them into a new table with the project's zone, as in --time-zone"
            " US/Pacific."
        )
    if done.invalid_last_seen:
        noted = count(done.invalid_last_seen, "profile")
        say(f"Note: {noted} with a $last_seen that is no time; last_seen is NULL there.")
