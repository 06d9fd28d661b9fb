"""Records as they come from the log: read, and checked to be where they belong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from schemas.codec import CorruptRecord
from schemas.identity import folded_token
from schemas.replying import Headers

Decode = Callable[[bytes], tuple[str, dict[str, Any]]]
Home = Callable[[bytes], int]

_TOKENS = "id-tokens"
# Of these a record without a value says that its subject was taken away.
_STATES = (_TOKENS, "stations")
# The longest token of OCPP 2.1, and more than any station has; PostgreSQL's indexes take 2700 bytes
# of all that is a key.
_LENGTH = 255


class Record(Protocol):
    """A record as a Kafka consumer gives it; `timestamp` is in milliseconds since 1970 (UTC)."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers


@dataclass(frozen=True, slots=True)
class Arrival:
    """A record of a topic (without prefix), in a partition number.

    `event` is what it says; None: the subject that its key names was taken away. With a `problem`
    it is not to be folded.
    """

    topic: str
    number: int
    record: Record
    event: Mapping[str, Any] | None
    problem: str = ""


def arrival(topic: str, partition: int, record: Record, decode: Decode, home: Home) -> Arrival:
    """Read a record; `decode` is as in schemas.codec, `home` the partition that a key belongs into.

    The key has to be the subject: the station, or of id-tokens the folded token. Its rows are
    written from its own partition, elsewhere they are those of another owner. Raises
    UnknownSchemaId.
    """
    event = None
    if record.value is not None:
        try:
            name, event = decode(record.value)
        except CorruptRecord as error:
            return Arrival(topic, partition, record, None, error.reason)
        if name != topic:
            return Arrival(topic, partition, record, None, f"a record of the topic {name}")
    elif topic not in _STATES:
        return Arrival(topic, partition, record, None, "a record without a value")
    problem = _misplaced(topic, partition, record.key or b"", event, home)
    return Arrival(topic, partition, record, None if problem else event, problem)


def _misplaced(
    topic: str, partition: int, key: bytes, event: Mapping[str, Any] | None, home: Home
) -> str:
    """What is wrong with the key; empty: nothing."""
    try:
        named = key.decode()
    except UnicodeDecodeError:
        return "its key is no text"
    if len(named) > _LENGTH:
        return f"its key has {len(named)} characters, and at most {_LENGTH} are allowed"
    if topic == _TOKENS:
        if named != folded_token(named if event is None else event["token"]):
            return "its key is not its token, with A to Z as a to z"
    elif event is not None and named != event.get("station"):
        return "its key is not its station"
    belongs = home(key)
    return "" if belongs == partition else f"its key belongs into partition {belongs}"
