"""consumers.meaning.bus_records: what records say that are no frames."""

import pytest

from consumers.meaning.facts import (
    At,
    CommandAsked,
    CommandEnded,
    CommandSettled,
    CommandTaken,
    StationListed,
    StationUnlisted,
    TokenIssued,
    TokenRemoved,
)
from consumers.meaning.facts_table import facts_of, removed
from tests.gateway.conversation import CODEC, NOON

WRITTEN = NOON + 7


def read(topic, **record):
    """The fact of a record at offset 90, after its way through the log."""
    name, decoded = CODEC.decode(CODEC.encode(topic, record))
    (fact,) = facts_of(name, decoded, 90, None, WRITTEN)
    return fact


def test_a_command_is_asked():
    """It has no time of its own: it counts from when it was written."""
    command = {
        "command_id": "c-1", "station": "CS-1", "action": "Reset", "payload": '{"type":"Soft"}',
        "expires_at": NOON + 60_000,
    }  # fmt: skip
    at = At("CS-1", 90, 0, WRITTEN, "commands.90.CS-1")
    asked = CommandAsked(at, "c-1", "Reset", '{"type":"Soft"}', NOON + 60_000)
    assert read("commands", **command) == asked
    more = {"when_offline": "wait", "attempt": 3, "requested_by": "me"}
    assert read("commands", **command | more) == CommandAsked(
        at, "c-1", "Reset", '{"type":"Soft"}', NOON + 60_000, "wait", 3, "me"
    )


def test_a_gateway_takes_a_command():
    """The order of claims is that of the connection log, not that of the connection."""
    claim = {"event_id": "e", "station": "CS-1", "at": NOON, "command_id": "c-1", "attempt": 2}
    at = At("CS-1", 90, 0, NOON, "e")
    taken = read("connections", type="taken", gateway="gw", epoch=77, **claim)
    assert taken == CommandTaken(at, "c-1", 2, "gw", 77)
    settled = read("connections", type="settled", outcome="offline", **claim)
    assert settled == CommandSettled(at, "c-1", 2, "offline")


@pytest.mark.parametrize("kind", ["taken", "settled"])
def test_a_claim_of_nothing_is_none(kind):
    """No gateway of ours writes it."""
    _, record = CODEC.decode(
        CODEC.encode("connections", {"event_id": "e", "type": kind, "station": "CS-1", "at": NOON})
    )
    assert facts_of("connections", record, 90, None) == []


def test_a_command_ends():
    """As CommandResult says."""
    ended = read(
        "command-results", command_id="c-1", station="CS-1", action="Reset", attempt=2,
        outcome="call_error", error_code="NotSupported", error_description="no", message_id="m",
        at=NOON,
    )  # fmt: skip
    assert ended == CommandEnded(
        At("CS-1", 90, 0, NOON, "command-results.90.CS-1"), "c-1", "Reset", 2, "call_error",
        None, "NotSupported", "no", "m",
    )  # fmt: skip


def test_a_command_may_have_any_id():
    """What cannot be a key is cut, alike wherever it stands."""
    ended = read(
        "command-results", command_id="c" * 900, station="CS-1", action="Reset", outcome="offline",
        at=NOON, response='{"a":"\0"}',
    )  # fmt: skip
    taken = read(
        "connections", event_id="e", type="taken", station="CS-1", at=NOON, command_id="c" * 900
    )
    assert ended.command == taken.command
    assert len(ended.command) == 255
    assert ended.response == '{"a":"\ufffd"}', "what every database can hold"


def test_a_token_is_issued():
    """Folded it is compared, and as it was written it is shown."""
    at = At("", 90, 0, WRITTEN, "id-tokens.90.04a1")
    token = {"token": "04A1", "type": "ISO14443", "status": "Accepted"}
    issued = TokenIssued(at, "04a1", "04A1", "ISO14443", "Accepted")
    assert read("id-tokens", **token) == issued
    more = {"expires_at": NOON, "group": "G", "lists": ["north", "*"]}
    assert read("id-tokens", **token | more) == TokenIssued(
        at, "04a1", "04A1", "ISO14443", "Accepted", NOON, "G", ("north", "*")
    )


def test_the_platform_knows_a_station():
    """Of all that it knows, its group is what concerns tables."""
    at = At("CS-1", 90, 0, NOON, "stations.90.CS-1")
    assert read("stations", station="CS-1", group="north", at=NOON) == StationListed(at, "north")
    assert read("stations", station="CS-1").at.observed_ms == WRITTEN


def test_what_is_taken_away():
    """A record without a value, in a topic that is compacted, is a fact too; elsewhere it is none.

    The key is taken as it stands: no other row may be changed from this partition.
    """
    at = At("", 90, 0, WRITTEN, "id-tokens.90.04A1")
    assert removed("id-tokens", "04A1", 90, WRITTEN) == [TokenRemoved(at, "04A1")]
    at = At("CS-1", 90, 0, WRITTEN, "stations.90.CS-1")
    assert removed("stations", "CS-1", 90, WRITTEN) == [StationUnlisted(at)]
    assert removed("transactions", "CS-1", 90, WRITTEN) == []
