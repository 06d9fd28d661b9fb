"""Refused handshakes and signs of life."""

from gateway.config import load
from gateway.handshake import Refuse
from gateway.notices import Notices
from schemas.topics import partition
from tests.gateway.fake_log import CODEC

NOON = 1_795_262_400_000
NOTICES = Notices(load({"prefix": "p."}, environ={}), "gw-1", CODEC.encode, NOON - 5)


def test_a_refusal_says_who_asked_for_what_and_why_not():
    """Keyed by address, so that one flooding address stays in one partition."""
    asked = {
        "address": "192.0.2.7",
        "path": "/ocpp/CS-1",
        "offered_subprotocols": ["ocpp1.5"],
        "user_agent": None,
    }
    sent = NOTICES.refusal(Refuse(400, "subprotocol", "Offer another.\n", "CS-1"), asked, 3, NOON)
    topic, record = CODEC.decode(sent.value)
    assert (sent.topic, topic, sent.key) == ("p.refusals", "refusals", b"192.0.2.7")
    assert sent.partition == partition(b"192.0.2.7", 12)
    assert (record["status"], record["reason"], record["station"]) == (400, "subprotocol", "CS-1")
    assert (record["suppressed"], record["detail"]) == (3, "Offer another.")
    assert record["offered_subprotocols"] == ["ocpp1.5"]
    assert dict(sent.headers)["ce_type"] == b"ocpp.refused"


def test_two_refusals_have_two_ids():
    """The same refusal always has the same id, another one another."""
    asked = {"address": "a", "path": "/", "offered_subprotocols": [], "user_agent": None}
    ids = {
        CODEC.decode(NOTICES.refusal(Refuse(404, "x", ""), asked, 0, NOON).value)[1]["event_id"]
        for _ in range(2)
    }
    assert len(ids) == 2


def test_a_sign_of_life_says_how_the_gateway_is():
    """Compacted by instance: the last one counts."""
    sent = NOTICES.alive("ready", 12, NOON)
    _, record = CODEC.decode(sent.value)
    assert (sent.key, record["gateway"], record["connections"]) == (b"gw-1", "gw-1", 12)
    assert (record["ready"], record["started_at"], record["at"]) == (True, NOON - 5, NOON)
    assert dict(sent.headers)["ce_type"] == b"ocpp.gateway.alive"
    assert not CODEC.decode(NOTICES.alive("stopping", 0, NOON).value)[1]["ready"]


def test_an_orderly_end_leaves_a_tombstone():
    """So that the compacted topic forgets the instance, whose name never comes again."""
    assert NOTICES.gone(NOON).value is None
    assert NOTICES.gone(NOON).key == b"gw-1"
    assert dict(NOTICES.gone(NOON).headers)["ce_type"] == b"ocpp.gateway.gone"
