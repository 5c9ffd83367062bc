"""The people who use the made-up music app: where they live, what they listen on, what they pay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

MONTH = datetime(2025, 3, 1)
DAYS = 31


@dataclass(frozen=True, slots=True)
class Country:
    """A market: its share of the listeners and its distance from UTC in hours."""

    code: str
    city: str
    share: int
    utc_offset: int


COUNTRIES = (
    Country("US", "Chicago", 34, -6),
    Country("DE", "Berlin", 15, 1),
    Country("GB", "London", 13, 0),
    Country("BR", "São Paulo", 11, -3),
    Country("IN", "Mumbai", 10, 5),
    Country("JP", "Tokyo", 8, 9),
    Country("SE", "Malmö", 5, 1),
    Country("NG", "Lagos", 4, 1),
)

PLATFORMS: tuple[Mapping[str, Any], ...] = (
    {"$os": "iOS", "mp_lib": "iphone", "$model": "iPhone 15"},
    {"$os": "Android", "mp_lib": "android", "$model": "Pixel 8"},
    {"$os": "Windows", "mp_lib": "web", "$browser": "Chrome"},
    {"$os": "macOS", "mp_lib": "web", "$browser": "Safari"},
)

_FIRST_NAMES = ("Ada", "Ben", "Chiara", "Dayo", "Elif", "Finn", "Grace", "Hiro", "Ines", "Priya")
_LAST_NAMES = ("Adeyemi", "Bauer", "Costa", "Eriksson", "Gupta", "Ito", "Kim", "Lopes", "Müller")


@dataclass(frozen=True, slots=True)
class Listener:
    """One user of the app, as the month will find them."""

    user_id: str
    device_id: str
    name: str
    country: Country
    platform: Mapping[str, Any]
    plan: str
    joined: datetime
    sessions_a_day: float

    @property
    def is_new(self) -> bool:
        """Whether this listener signs up during the month."""
        return self.joined >= MONTH


def listeners(rng: random.Random, count: int) -> list[Listener]:
    """Make *count* listeners; a quarter of them sign up during the month."""
    return [_listener(rng, number, is_new=number % 4 == 3) for number in range(count)]


def _listener(rng: random.Random, number: int, *, is_new: bool) -> Listener:
    if is_new:
        joined = MONTH + timedelta(seconds=rng.randrange(DAYS * 86_400))
    else:
        joined = MONTH - timedelta(seconds=rng.randrange(1, 700 * 86_400))
    return Listener(
        user_id=f"user-{1000 + number}",
        device_id=f"{rng.getrandbits(64):016x}",
        name=f"{rng.choice(_FIRST_NAMES)} {rng.choice(_LAST_NAMES)}",
        country=rng.choices(COUNTRIES, [country.share for country in COUNTRIES])[0],
        platform=rng.choices(PLATFORMS, (38, 34, 18, 10))[0],
        plan="free" if is_new or rng.random() < 0.7 else "premium",
        joined=joined,
        # A few listen all day, most drop in a few times a week.
        sessions_a_day=min(rng.lognormvariate(-1.8, 0.8), 3.0),
    )
