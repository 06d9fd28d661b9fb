"""Compares what stations were told with what is in the log: promises 1 and 3."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from schemas.topics import partition
from tests.end_to_end.gateways import PARTITIONS, Logged
from tests.end_to_end.load import Said

Frames = dict[tuple[str, str], list[Logged]]
"""(station, message id) -> events."""

LOST, TWICE, WRONG = "lost", "counted twice", "wrong"


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the books say other than the log or a table: LOST, TWICE or WRONG, and what."""

    kind: str
    text: str


class Audit(NamedTuple):
    """How many CALLs there are: sent, answered, and in the log though nobody heard an answer."""

    sent: int
    answered: int
    unheard: int


def audit(books: Iterable[Said], log: Iterable[Logged]) -> Audit:
    """Hold the stations' books against the whole log; message ids must be unique per station.

    AssertionError says what is wrong; see `differences`.
    """
    books = list(books)
    names = [(said.station, said.entry.message_id) for said in books]
    assert len(names) == len(set(names)), "the books are no good: a message id twice"
    records = [one for one in log if one.value is not None]
    found = next(differences(books, records), None)
    assert found is None, f"{found.kind}: {found.text}"
    answered = sum(said.entry.answer is not None for said in books)
    calls, _ = frames(records)
    return Audit(len(books), answered, len(calls) - answered)


def differences(books: Iterable[Said], records: list[Logged]) -> Iterator[Difference]:
    """Every answered CALL is in the log exactly once as answered: one event of the CALL, one of
    that very answer. No event is there twice, and up to the last answer no frame of its connection
    is missing; nor has the log CALLs that nobody made.
    """
    calls, replies = frames(records)
    yield from _of_events(records)
    last_heard: dict[tuple[str, int], int] = defaultdict(int)
    known: set[tuple[str, str]] = set()
    for said in books:
        name = said.station, said.entry.message_id
        known.add(name)
        if said.entry.answer is None:
            continue
        found = calls.get(name, []), replies.get(name, [])
        for what, events in zip(("the CALL", "the answer"), found, strict=True):
            if len(events) != 1:
                text = f"{name} was answered; {what} is in the log {len(events)} times"
                yield Difference(TWICE if events else LOST, text)
        if not all(found):
            continue
        call, reply = found[0][0], found[1][0]
        for text in _of_exchange(said, call, reply):
            yield Difference(WRONG, f"{name}: {text}")
        where = call["station"], call["epoch"]
        last_heard[where] = max(last_heard[where], reply["sequence"])
    for name in calls.keys() - known:
        yield Difference(WRONG, f"{name} is in the log, and no station has made that CALL")
    yield from _of_sequences(records, last_heard)


def frames(records: Iterable[Logged]) -> tuple[Frames, Frames]:
    """The CALLs of stations, and the answers to them."""
    calls: defaultdict[tuple[str, str], list[Logged]] = defaultdict(list)
    replies: defaultdict[tuple[str, str], list[Logged]] = defaultdict(list)
    for one in records:
        kind = one.record.get("kind")
        if one.topic == "rejected" or kind not in ("call", "result", "error"):
            continue
        name = one["station"], one["message_id"]
        if kind == "call" and one["direction"] == "from_station":
            calls[name].append(one)
        elif kind != "call" and one["direction"] == "to_station":
            replies[name].append(one)
    return dict(calls), dict(replies)


def _of_exchange(said: Said, call: Logged, reply: Logged) -> Iterator[str]:
    """What is not as in the book of the station."""
    if [reply["epoch"], reply["connection_id"]] != [call["epoch"], call["connection_id"]]:
        yield "answered on another connection"
    if not reply["call_sequence"] == call["sequence"] < reply["sequence"]:
        yield "the answer is not that of the CALL"
    if not call["action"] == reply["action"] == said.entry.action:
        yield f"{call['action']}, {reply['action']} != {said.entry.action}"
    if not _same(call.payload, said.entry.payload):
        yield f"{call.payload} != {said.entry.payload}"
    if not _same(_answer(reply), said.entry.answer):
        yield f"{_answer(reply)} != {said.entry.answer}"


def _of_events(records: list[Logged]) -> Iterator[Difference]:
    """Each event is there once, in the partition of its station, and its epoch is a connection."""
    ids: set[tuple[str, str]] = set()
    connected = {
        (one["station"], one.offset): one["connection_id"]
        for one in records
        if one.topic == "connections" and one["type"] == "connected"
    }
    for one in records:
        if one.record.get("sequence") is None:
            continue  # no frame of a connection; who writes those may repeat himself
        name = one.topic, one["event_id"]
        if name in ids:
            yield Difference(TWICE, f"{name} is in the log twice")
        ids.add(name)
        home = one["station"].encode()
        if (one.key, one.partition) != (home, partition(home, PARTITIONS)):
            yield Difference(WRONG, f"{name} is not at home in partition {one.partition}")
        where = one["station"], one.record.get("epoch")
        if where[1] is not None and connected.get(where) != one["connection_id"]:
            yield Difference(WRONG, f"{name}: there is no such connection")


def _of_sequences(
    records: list[Logged], last_heard: dict[tuple[str, int], int]
) -> Iterator[Difference]:
    """No number stands for two frames, and none is missing before an answer that was heard."""
    numbers: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
    for one in records:
        if one.record.get("epoch") is None or one.record.get("sequence") is None:
            continue
        where = one["station"], one["epoch"]
        numbers[where].append(one["sequence"])
        if one.record.get("answer_sequence") is not None:
            numbers[where].append(one["answer_sequence"])
    for where, found in numbers.items():
        if len(found) != len(set(found)):
            yield Difference(TWICE, f"{where}: a sequence number stands for two frames")
        missing = set(range(1, last_heard[where] + 1)) - set(found)
        if missing:
            text = f"{where}: heard up to {last_heard[where]}, but {sorted(missing)} is missing"
            yield Difference(LOST, text)


def _answer(reply: Logged) -> list[Any]:
    """The frame as the station got it."""
    if reply["kind"] == "result":
        return [3, reply["message_id"], reply.payload]
    error = reply["error"]
    details = json.loads(error["details"] or "{}")
    return [4, reply["message_id"], error["code"], error["description"], details]


def _same(left: Any, right: Any) -> bool:
    """Equal as JSON; two spellings of one time are the same."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[k], right[k]) for k in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, str) and isinstance(right, str) and left != right:
        try:
            return datetime.fromisoformat(left) == datetime.fromisoformat(right)
        except ValueError:
            return False
    return bool(left == right)
