"""A month of the made-up music app, event by event, with the rhythm of a day and of a week."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from mixpanel_data.demo.people import DAYS, MONTH, Listener

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

# Share of the sessions by local hour: the way to work, the way home, the evening.
_HOURS = (2, 1, 1, 1, 1, 2, 5, 9, 10, 6, 5, 5, 6, 5, 5, 6, 8, 11, 12, 11, 12, 11, 8, 4)
_WEEKDAYS = (0.85, 0.9, 0.95, 1.0, 1.25, 1.4, 1.15)  # Monday first

_GENRES = ("indie", "hip hop", "electronic", "jazz", "pop", "afrobeats", "ambient", "metal")
_ADJECTIVES = ("Silver", "Slow", "Paper", "Electric", "Golden", "Distant", "Neon", "Quiet", "Wild")
_NOUNS = ("Harbour", "Motel", "Satellite", "Orchard", "Lantern", "Avenue", "Tide", "Parade")
_SOURCES = ("playlist", "search", "radio", "album", "home")
_QUERIES = ("rainy day", "running", "live 2024", "new releases", "focus", "dinner jazz", "90er")
_ITEMS = (("concert ticket", 4900), ("vinyl", 2799), ("t-shirt", 2250), ("gift card", 1500))

Event = dict[str, Any]


def events(rng: random.Random, people: list[Listener]) -> list[Event]:
    """Return everything that *people* did in the month, in order of time."""
    end = (MONTH + timedelta(days=DAYS)).replace(tzinfo=timezone.utc).timestamp()
    everything = (event for listener in people for event in _listener_events(rng, listener))
    month = [event for event in everything if event["properties"]["time"] < end]
    month.sort(key=lambda event: event["properties"]["time"])
    return month


def _listener_events(rng: random.Random, listener: Listener) -> Iterator[Event]:
    if listener.is_new:
        yield from _first_visit(rng, listener)
    plan = listener.plan
    for start in _session_starts(rng, listener):
        session = _Session(rng, listener, start)
        yield from session.listening()
        if plan == "free" and rng.random() < 0.02:
            plan = "premium"
            yearly = rng.random() < 0.2
            yield session.event(
                "subscribe",
                plan="yearly" if yearly else "monthly",
                revenue=99.0 if yearly else 9.99,
                currency="USD",
            )
        if rng.random() < 0.03:
            item, cents = rng.choice(_ITEMS)
            quantity = rng.choice((1, 1, 1, 2))
            yield session.event(
                "purchase",
                item=item,
                quantity=quantity,
                revenue=cents * quantity / 100,
                currency="USD",
            )


def _session_starts(rng: random.Random, listener: Listener) -> Iterator[datetime]:
    for day in range(DAYS):
        midnight = MONTH + timedelta(days=day)
        rate = listener.sessions_a_day * _WEEKDAYS[midnight.weekday()]
        while rng.random() < rate:
            rate -= 1
            local_hour = rng.choices(range(24), _HOURS)[0]
            seconds = (local_hour - listener.country.utc_offset) % 24 * 3600 + rng.randrange(3600)
            start = midnight + timedelta(seconds=seconds)
            if start > listener.joined:
                yield start


def _first_visit(rng: random.Random, listener: Listener) -> Iterator[Event]:
    """Look around under the device's id, then sign up under the user's."""
    visit = _Session(rng, listener, listener.joined)
    visit.distinct_id = f"$device:{listener.device_id}"
    yield visit.event("search", query=rng.choice(_QUERIES), results=rng.randrange(40))
    visit.distinct_id = listener.user_id
    yield visit.event("sign up", method=rng.choices(("email", "google", "apple"), (5, 3, 2))[0])


class _Session:
    """A sitting of one listener: a clock that runs on, and the properties that every event has."""

    def __init__(self, rng: random.Random, listener: Listener, start: datetime) -> None:
        self._rng = rng
        self._listener = listener
        self._clock = start.replace(tzinfo=timezone.utc)
        self._id = f"s-{rng.getrandbits(40):010x}"
        self.distinct_id = listener.user_id

    def listening(self) -> Iterator[Event]:
        rng = self._rng
        if rng.random() < 0.3:
            yield self.event("search", query=rng.choice(_QUERIES), results=rng.randrange(40))
        for _ in range(1 + min(int(rng.expovariate(0.25)), 25)):
            track = _track(rng)
            source = rng.choices(_SOURCES, (40, 12, 18, 16, 14))[0]
            then = rng.choices(("skip", "like", "playlist add", None), (22, 10, 6, 62))[0]
            heard = rng.randrange(3, 60) if then == "skip" else track["seconds"]
            yield self.event("play", seconds=heard, track=track, source=source)
            if then == "playlist add":
                yield self.event(then, track=track, playlist=f"Mix {rng.randrange(1, 6)}")
            elif then:
                yield self.event(then, track=track)

    def event(self, name: str, *, seconds: int = 8, **properties: Any) -> Event:
        """Note an event now, then let *seconds* pass."""
        now = self._clock
        self._clock += timedelta(seconds=seconds)
        received = int(now.timestamp() * 1000) + self._rng.randrange(200, 4000)
        common = {
            "time": int(now.timestamp()),
            "distinct_id": self.distinct_id,
            "$insert_id": f"{self._rng.getrandbits(64):016x}",
            "$device_id": self._listener.device_id,
            "$city": self._listener.country.city,
            "mp_country_code": self._listener.country.code,
            **self._listener.platform,
            "session_id": self._id,
            "$mp_api_timestamp_ms": received,
            "mp_processing_time_ms": received + self._rng.randrange(100, 900),
        }
        return {"event": name, "properties": common | properties}


def _track(rng: random.Random) -> dict[str, Any]:
    # Squared, so that the first artists are the popular ones.
    artist = int(rng.random() ** 2 * 24)
    song = rng.randrange(6)
    return {
        "title": f"{_ADJECTIVES[(artist + song) % 9]} {_NOUNS[(artist * 3 + song) % 8]}",
        "artist": f"The {_ADJECTIVES[artist % 9]} {_NOUNS[artist % 8]}s",
        "genre": _GENRES[artist % 8],
        "seconds": 140 + (artist * 37 + song * 53) % 150,
    }
