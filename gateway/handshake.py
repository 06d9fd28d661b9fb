"""Whether an upgrade request becomes a connection: facts in, accept or refuse out."""

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from schemas.catalogue import BY_SUBPROTOCOL, Version

STATION_LENGTH = 48  # OCPP 2.x: Identity is identifierString[48]


@dataclass(frozen=True, slots=True)
class Accept:
    """The request becomes a connection; `subprotocol` is None where none was offered.

    `profile` is the OCPP security profile that the connection has.
    """

    station: str
    version: Version
    subprotocol: str | None
    profile: int = 0


@dataclass(frozen=True, slots=True)
class Refuse:
    """The request is answered with `status` and a body that says what to do; 0: not even answered.

    `reason` is the word for events and metrics; `retry_after_s` goes into the header.
    """

    status: int
    reason: str
    body: str
    station: str | None = None
    retry_after_s: int | None = None


def station_in(target: str, prefix: str) -> str | Refuse:
    """The station's id out of a request target such as `/ocpp/CS%201?x=y`, decoded once.

    An id has 1 to 48 characters, none of them a control character.
    """
    path = target.partition("?")[0]
    if not path.startswith(prefix + "/"):
        return Refuse(404, "wrong_path", f"Connect to {prefix}/<station id>.\n")
    text = path[len(prefix) + 1 :]
    if "/" in text:
        return Refuse(404, "wrong_path", f"One path segment after {prefix}/: <station id>.\n")
    try:
        # Percent signs that start no escape are left standing by the decoder: refuse them.
        if text.count("%") != sum(_is_escape(text, at) for at, c in enumerate(text) if c == "%"):
            raise ValueError("a percent sign without two hexadecimal digits")
        station = unquote_to_bytes(text).decode()
    except ValueError as error:
        return Refuse(400, "station_id", f"The station id is not valid percent-encoding: {error}\n")
    if not 1 <= len(station) <= STATION_LENGTH:
        body = f"A station id has 1 to {STATION_LENGTH} characters, this one {len(station)}.\n"
        return Refuse(400, "station_id", body)
    if any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in station):
        return Refuse(400, "station_id", "A station id has no control characters.\n")
    return station


def _is_escape(text: str, at: int) -> bool:
    digits = text[at + 1 : at + 3]
    return len(digits) == 2 and all(c in "0123456789abcdefABCDEF" for c in digits)


def answer(target: str, offered: Sequence[str], *, prefix: str, fallback: str) -> Accept | Refuse:
    """The answer to an upgrade request by its target and the subprotocols it offers, in order.

    The station's first choice that we speak is taken (RFC 6455 section 4.2.2); with none offered,
    `fallback` (a subprotocol, or "" to refuse).
    """
    station = station_in(target, prefix)
    if isinstance(station, Refuse):
        return station
    chosen = next((name for name in offered if name in BY_SUBPROTOCOL), None)
    if chosen is not None:
        return Accept(station, BY_SUBPROTOCOL[chosen], chosen)
    ours = ", ".join(BY_SUBPROTOCOL)
    if offered:
        body = f"None of the offered subprotocols is spoken here; offer one of: {ours}\n"
        return Refuse(400, "subprotocol", body, station)
    if fallback:
        return Accept(station, BY_SUBPROTOCOL[fallback], None)
    body = f"Sec-WebSocket-Protocol is missing; offer one of: {ours}\n"
    return Refuse(400, "no_subprotocol", body, station)


@dataclass(slots=True)
class Pace:
    """How often something happened to each of late, so that it can be slowed.

    Takeovers of a station are counted so, and wrong passwords. Bounded: beyond `keys_max` the one
    that was longest quiet is forgotten.
    """

    per_minute: int
    keys_max: int = 10_000
    _times: OrderedDict[bytes, deque[float]] = field(default_factory=OrderedDict)

    def happened(self, key: bytes, now_s: float) -> None:
        """It happened once more."""
        times = self._times.setdefault(key, deque(maxlen=self.per_minute))
        times.append(now_s)
        self._times.move_to_end(key)
        if len(self._times) > self.keys_max:
            self._times.popitem(last=False)

    def wait_s(self, key: bytes, now_s: float) -> int:
        """Whole seconds until it may happen again; 0 = now."""
        times = self._times.get(key)
        if times is None or len(times) < self.per_minute:
            return 0
        return max(0, int(times[0] + 60 - now_s) + 1) if times[0] + 60 > now_s else 0


@dataclass(slots=True)
class RefusalLog:
    """Which refusals become events: a few a minute for each address, the rest only counted."""

    per_minute: int = 6
    addresses_max: int = 10_000
    _seen: OrderedDict[str, tuple[float, int, int]] = field(default_factory=OrderedDict)

    def admits(self, address: str, now_s: float) -> int | None:
        """None where this one is only counted, else how many like it were since the last event."""
        start_s, logged, suppressed = self._seen.pop(address, (now_s, 0, 0))
        if now_s - start_s >= 60:
            start_s, logged = now_s, 0
        admitted = logged < self.per_minute
        self._seen[address] = (
            (start_s, logged + 1, 0) if admitted else (start_s, logged, suppressed + 1)
        )
        if len(self._seen) > self.addresses_max:
            self._seen.popitem(last=False)
        return suppressed if admitted else None
