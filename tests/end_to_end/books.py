"""Compares what stations were told with what is in the log: promises 1 and 3."""

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from schemas.topics import partition
from tests.end_to_end.gateways import PARTITIONS, Logged
from tests.end_to_end.load import Said


class Audit(NamedTuple):
    """How many CALLs there are: sent, answered, and in the log though nobody heard an answer."""

    sent: int
    answered: int
    unheard: int


def audit(books: Iterable[Said], log: Iterable[Logged]) -> Audit:
    """Hold the stations' books against the whole log; message ids must be unique per station.

    Every answered CALL is in the log exactly once as answered: one event of the CALL, one of that
    very answer. No event is there twice, and up to the last answer no frame of its connection is
    missing. AssertionError says what is wrong.
    """
    records = [one for one in log if one.value is not None]
    calls, replies = _frames(records)
    _check_events(records)
    last_heard: dict[tuple[str, int], int] = defaultdict(int)
    sent = answered = 0
    known: set[tuple[str, str]] = set()
    for said in books:
        sent += 1
        entry, name = said.entry, (said.station, said.entry.message_id)
        assert name not in known, f"the books are no good: {name} twice"
        known.add(name)
        if entry.answer is None:
            continue
        answered += 1
        assert len(calls[name]) == 1, f"{name} was answered; in the log {len(calls[name])} times"
        assert len(replies[name]) == 1, f"{name}: {len(replies[name])} answers in the log"
        call, reply = calls[name][0], replies[name][0]
        where = call["station"], call["epoch"]
        assert (reply["station"], reply["epoch"]) == where, f"{name}: answered elsewhere"
        assert reply["connection_id"] == call["connection_id"]
        assert reply["call_sequence"] == call["sequence"] < reply["sequence"], name
        assert call["action"] == reply["action"] == entry.action
        assert _same(call.payload, entry.payload), f"{name}: {call.payload} != {entry.payload}"
        assert _same(_answer(reply), entry.answer), f"{name}: {_answer(reply)} != {entry.answer}"
        last_heard[where] = max(last_heard[where], reply["sequence"])
    assert calls.keys() <= known, "the log has calls that no station made"
    _check_sequences(records, last_heard)
    return Audit(sent, answered, len(calls) - answered)


def _frames(
    records: list[Logged],
) -> tuple[defaultdict[Any, list[Logged]], defaultdict[Any, list[Logged]]]:
    """The CALLs of stations, and the answers to them, by station and message id."""
    calls: defaultdict[Any, list[Logged]] = defaultdict(list)
    replies: defaultdict[Any, list[Logged]] = defaultdict(list)
    for one in records:
        kind = one.record.get("kind")
        if one.topic == "rejected" or kind not in ("call", "result", "error"):
            continue
        found = calls if kind == "call" else replies
        found[one["station"], one["message_id"]].append(one)
    return calls, replies


def _check_events(records: list[Logged]) -> None:
    """Each event is there once, in the partition of its station, and its epoch is a connection."""
    ids: set[tuple[str, str]] = set()
    connected = {
        (one["station"], one.offset): one["connection_id"]
        for one in records
        if one.topic == "connections" and one["type"] == "connected"
    }
    for one in records:
        if "station" not in one.record or one.topic == "refusals":
            continue
        name = one.topic, one["event_id"]
        assert name not in ids, f"{name} is in the log twice"
        ids.add(name)
        assert one.key == one["station"].encode()
        assert one.partition == partition(one.key, PARTITIONS)
        if one.record.get("epoch") is not None:
            assert connected[one["station"], one["epoch"]] == one["connection_id"], name


def _check_sequences(records: list[Logged], last_heard: dict[tuple[str, int], int]) -> None:
    """No number stands for two frames, and none is missing before an answer that was heard."""
    numbers: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
    for one in records:
        if one.record.get("epoch") is None or "sequence" not in one.record:
            continue
        where = one["station"], one["epoch"]
        numbers[where].append(one["sequence"])
        if one.record.get("answer_sequence") is not None:
            numbers[where].append(one["answer_sequence"])
    for where, found in numbers.items():
        assert len(found) == len(set(found)), f"{where}: a sequence number twice"
        missing = set(range(1, last_heard[where] + 1)) - set(found)
        assert not missing, f"{where}: heard up to {last_heard[where]}, but missing {missing}"


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
