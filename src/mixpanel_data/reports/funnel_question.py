"""The question of a funnel: steps, window, exclusions, and what they may be together.

Definitions: https://docs.mixpanel.com/docs/reports/funnels/funnels-advanced.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from mixpanel_data._internal.arguments import duration, several, whole
from mixpanel_data.reports.source import (
    By,
    Events,
    Where,
    label_of_events,
    names_of,
)
from mixpanel_data.reports.times import Bucket, Period, check_unit

Count = Literal["uniques", "totals", "sessions"]
Order = Literal["specific", "any"]
Reentry = Literal["default", "optimized"]
Attribution = Literal["first", "last"] | int

WINDOW = timedelta(days=7)
UNITS = ("day", "week", "month")
_LONGEST = timedelta(days=366)
_HELD = 3  # properties, …/funnels-advanced#hold-property-constant


@dataclass(frozen=True)
class Step:
    """A step of a funnel: one of *event* that passes *where* (before the funnel is counted).

    *anchored* keeps its place in a funnel of any order. *label* is its name in the answer.
    """

    event: Events
    where: Where = None
    label: str | None = None
    anchored: bool = False

    @property
    def name(self) -> str:
        """The name in the answer."""
        return self.label or label_of_events(self.event)


@dataclass(frozen=True)
class Exclusion:
    """Events that end an attempt between two steps, given by their numbers from 1 on."""

    event: Events
    where: Where = None
    after_step: int = 1
    before_step: int | None = None


@dataclass(frozen=True)
class Question:
    """A funnel, checked."""

    steps: tuple[Step, ...]
    period: Period
    window: timedelta
    count: Count
    order: Order
    exclusions: tuple[Exclusion, ...]
    holding: tuple[str, ...]
    reentry: Reentry
    on: By | None
    attribution: Attribution
    where: Where
    unit: Bucket | None
    limit: int

    def __post_init__(self) -> None:
        if not self.steps:
            raise ValueError("A funnel needs a step.")
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                known = ", ".join(allowed)
                raise ValueError(f"{name} must be one of {known}, not {getattr(self, name)!r}.")
        if self.unit is not None:
            check_unit(self.unit, UNITS)
        if not timedelta(0) < duration("window", self.window) <= _LONGEST:
            raise ValueError(f"window must be more than 0 and at most 366 days, not {self.window}.")
        if len(self.holding) > _HELD:
            raise ValueError(f"holding_constant takes {_HELD} properties at most.")
        if self.reentry == "optimized" and self.count != "uniques":
            raise ValueError("reentry='optimized' is defined for count='uniques' only.")
        if self.order == "any" and (self.exclusions or self.reentry == "optimized"):
            raise ValueError("order='any' has neither exclusions nor optimized re-entry.")
        whole(limit=self.limit)
        if self.limit < 1:
            raise ValueError(f"limit must be 1 or more, not {self.limit}.")
        self._check_numbers()

    def _check_numbers(self) -> None:
        number = self.attribution
        if isinstance(number, int) and not 1 <= number <= len(self.steps):
            raise ValueError(f"attribution must be first, last or a step, not {number!r}.")
        if isinstance(number, str) and number not in ("first", "last"):
            raise ValueError(f"attribution must be first, last or a step, not {number!r}.")
        for exclusion in self.exclusions:
            last = exclusion.before_step or len(self.steps)
            if not 1 <= exclusion.after_step < last <= len(self.steps):
                raise ValueError(
                    f"An exclusion must lie between two of the {len(self.steps)} steps, not"
                    f" after {exclusion.after_step} and before {last}."
                )

    @property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """The steps by number; those of one group may come in any order."""
        groups: list[list[int]] = []
        for number, step in enumerate(self.steps, 1):
            free = self.order == "any" and not step.anchored
            if free and groups and not self._is_fixed(groups[-1][-1]):
                groups[-1].append(number)
            else:
                groups.append([number])
        return tuple(map(tuple, groups))

    def _is_fixed(self, number: int) -> bool:
        return self.order == "specific" or self.steps[number - 1].anchored

    @property
    def overlaps(self) -> dict[int, tuple[int, ...]]:
        """For each step the steps before it that may match the same event."""
        names = [names_of(step.event) for step in self.steps]
        found = {}
        for number, mine in enumerate(names, 1):
            earlier = tuple(
                other
                for other, theirs in enumerate(names[: number - 1], 1)
                if mine is None or theirs is None or set(mine) & set(theirs)
            )
            if earlier:
                found[number] = earlier
        return found

    @property
    def ending(self) -> dict[int, tuple[str, ...]]:
        """For each step the columns of the exclusions that count on the way to it."""
        found: dict[int, tuple[str, ...]] = {}
        for step in range(2, len(self.steps) + 1):
            active = tuple(
                f"x_{number}"
                for number, exclusion in enumerate(self.exclusions)
                if exclusion.after_step < step <= (exclusion.before_step or len(self.steps))
            )
            if active:
                found[step] = active
        return found

    @property
    def held_by_key(self) -> bool:
        """Whether the breakdown is by a held property: each value has attempts of its own."""
        return isinstance(self.on, str) and self.on in self.holding

    @property
    def successive(self) -> bool:
        """Whether users may enter again once they have left."""
        if self.reentry == "optimized" or self.count == "sessions":
            return False
        return self.count == "totals" or self.on is not None

    @property
    def simple(self) -> bool:
        """Whether the first attempt of each user is all that counts, and its steps all of it."""
        return (
            self.count == "uniques"
            and self.order == "specific"
            and self.reentry == "default"
            and self.on is None
            and self.where is None
        )

    @classmethod
    def of(
        cls,
        period: Period,
        steps: Sequence[str | Step],
        window: timedelta,
        count: Count,
        order: Order,
        exclusions: Sequence[str | Exclusion],
        holding_constant: Sequence[str],
        reentry: Reentry,
        on: By | None,
        attribution: Attribution,
        where: Where,
        unit: Bucket | None,
        limit: int,
    ) -> Question:
        """Return the question of a call's arguments.

        Raises:
            ValueError: they contradict each other, or mean nothing.
            TypeError: steps, exclusions or properties are no lists, or hold something else.
        """
        given = several("steps", steps, (str, Step))
        made = tuple(Step(step) if isinstance(step, str) else step for step in given)
        ending = several("exclusions", exclusions, (str, Exclusion))
        ends = tuple(Exclusion(end) if isinstance(end, str) else end for end in ending)
        held = several("holding_constant", holding_constant)
        return cls(
            made, period, window, count, order, ends, held, reentry, on,
            attribution, where, unit, limit,
        )  # fmt: skip


_CHOICES: dict[str, tuple[str, ...]] = {
    "count": ("uniques", "totals", "sessions"),
    "order": ("specific", "any"),
    "reentry": ("default", "optimized"),
}
