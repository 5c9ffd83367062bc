"""Events as products send them: 60 names with property sets of their own, 325 keys, 875 bytes."""

from __future__ import annotations

import bisect
import hashlib
import itertools
import random
import string
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

NAMES, KEYS, USERS = 60, 400, 5_000
_EPOCH = datetime(1970, 1, 1)
_START, _SPAN = 1_735_689_600, 90 * 86_400
_KINDS = ("low", "low", "high", "int", "int", "float", "bool", "list", "object", "mixed", "null")


class _Product:
    """What events and users there are; the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.chance = chance = random.Random(seed)
        self.users = [hashlib.md5(b"%d" % n).hexdigest() for n in range(USERS)]
        self.facts: dict[str, dict[str, Any]] = {}
        self.cities = [self.word(8).title() for _ in range(3000)] + ["São Paulo", "東京"]
        self.campaigns = [self.word(12) for _ in range(80)]
        pool = [
            (f"{self.word(5)}{' ._'[n % 3]}{self.word(4)}", self.values(chance.choice(_KINDS)))
            for n in range(KEYS)
        ]
        own = [chance.sample(pool, chance.randrange(3, 16)) for _ in range(NAMES)]
        self.own = [[(*p, chance.choice((1.0, 1.0, 0.9, 0.5, 0.1))) for p in some] for some in own]
        names = [f"{self.word(6)} {self.word(5)}" for _ in range(NAMES)]
        self.names = ["page view", "play", "purchase", *names[3:]]
        self.weights = list(itertools.accumulate(1 / (n + 1) ** 1.1 for n in range(NAMES)))

    def word(self, length: int) -> str:
        return "".join(self.chance.choices(string.ascii_lowercase, k=length))

    def values(self, kind: str) -> Callable[[], Any]:
        """Return a function that returns values of one kind."""
        chance = self.chance
        words = [self.word(7) for _ in range(chance.choice((3, 8, 20, 100)))]

        def mixed() -> Any:
            number = chance.randrange(1000)
            return str(number) if number < 100 else number / 10 if number < 200 else number

        some: dict[str, Callable[[], Any]] = {
            "low": lambda: chance.choice(words),
            "high": lambda: f"{chance.getrandbits(72):018x}",
            "int": lambda: chance.randrange(100_000),
            "float": lambda: round(chance.random() * 1000, 2),
            "bool": lambda: chance.random() < 0.5,
            "list": lambda: chance.choices(words, k=chance.randrange(5)),
            "object": lambda: {"id": chance.randrange(9999), "tags": [words[0]], "x": {"y": 0.5}},
            "mixed": mixed,
            "null": lambda: None if chance.random() < 0.3 else words[0],
        }
        return some[kind]

    def facts_of(self, user: str) -> dict[str, Any]:
        """Return what all events of a user have."""
        if user not in self.facts:
            choice, number = self.chance.choice, self.chance.randrange
            self.facts[user] = {
                "$browser": choice(("Chrome", "Safari", "Firefox", "Edge", "Opera")),
                "$browser_version": number(60, 140),
                "$os": choice(("Windows", "Mac OS X", "iOS", "Android", "Linux")),
                "mp_country_code": choice("ABCDEFGHIJ") + choice("AEIOUY"),
                "$city": choice(self.cities),
                "$region": choice(self.cities[:400]),
                "$device_id": f"{self.chance.getrandbits(128):032x}",
                "$screen_height": number(600, 2000),
                "$screen_width": number(800, 3000),
                "$user_id": user,
                "plan": choice(("free", "basic", "pro", "enterprise")),
            }
        return self.facts[user]

    def event(self, time: int) -> tuple[str, str, str, dict[str, Any]]:
        """Return an event's name, user, id and properties."""
        chance = self.chance
        name = bisect.bisect(self.weights, chance.random() * self.weights[-1])
        user = self.users[int(chance.random() ** 2 * USERS)]
        p = {"time": time, **self.facts_of(user), "mp_lib": "web"}
        p["$lib_version"] = f"2.{time % 5}.0"
        p["session_id"] = f"{user[:8]}-{time // 1800:06x}"
        number = chance.randrange(1000)
        if number < 850:
            p["is_logged_in"] = number < 500
            p["$current_url"] = f"https://example.com/{chance.choice(self.campaigns)}/{number}"
        if number < 500:
            p["$referrer"] = "https://www.google.com/"
        if number < 200:
            p["utm_source"], p["utm_campaign"] = "newsletter", chance.choice(self.campaigns)
        if number < 1:
            p["debug.flag"] = {"level": 1}
        if self.names[name] == "purchase":
            p["revenue"], p["quantity"] = round(number * 0.2 + 0.01, 2), number % 9 + 1
        for key, value, share in self.own[name]:
            if share == 1.0 or chance.random() < share:
                p[key] = value()
        p["$mp_api_timestamp_ms"] = p["mp_processing_time_ms"] = time * 1000 + number
        return self.names[name], user, f"{chance.getrandbits(80):020x}", p


def events(count: int, seed: int = 1) -> Iterator[Any]:
    """Yield *count* contract records."""
    product = _Product(seed)
    for n in range(count):
        time = _START + n * _SPAN // count
        name, user, key, properties = product.event(time)
        yield {
            "event_name": name,
            "event_time": _EPOCH + timedelta(seconds=time),
            "distinct_id": user,
            "insert_id": key,
            "properties": properties,
        }


def write_export(path: Path, count: int, seed: int = 1) -> None:
    """Write events as Mixpanel exports them."""
    with path.open("wb") as file:
        for row in events(count, seed):
            ids = {"distinct_id": row["distinct_id"], "$insert_id": row["insert_id"]}
            line = {"event": row["event_name"], "properties": {**row["properties"], **ids}}
            file.write(orjson.dumps(line) + b"\n")
