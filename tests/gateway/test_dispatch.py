"""Who a record of the log concerns."""

import json
from types import SimpleNamespace

import pytest

from gateway.dispatch import Dispatch
from gateway.stations import Station
from schemas.codec import UnknownSchemaId


class Heard:
    """A dispatch of one partition for the station `ours`, and what it handed out."""

    def __init__(self):
        self.told = []
        self.dispatch = Dispatch(
            decode=self.decode,
            holds={b"ours"}.__contains__,
            partition_of=lambda _: 0,
            on_connection=lambda *read: self.told.append(("connection", *read)),
            on_decision=lambda *read: self.told.append(("decision", *read)),
            on_command=lambda *read: self.told.append(("command", *read)),
            on_station=lambda key: self.told.append(("station", key)),
        )

    @staticmethod
    def decode(data):
        topic, record = json.loads(data)
        if topic == "unknown":
            raise UnknownSchemaId(5)
        return topic, record

    def take(self, topic, key, value, partition=0):
        record = SimpleNamespace(
            topic="ocpp." + topic, partition=partition, offset=3, key=key, value=value
        )
        record.headers, record.timestamp = (("a", b"b"),), 7
        return self.dispatch.take(topic, [record])


OURS = {"station": "ours"}


def text(topic, **fields):
    return json.dumps([topic, fields]).encode()


@pytest.mark.parametrize(
    ("topic", "told"),
    [
        ("connections", ("connection", b"ours", 3, OURS)),
        ("decisions", ("decision", b"ours", OURS)),
        ("commands", ("command", b"ours", (("a", b"b"),), 7, OURS)),
    ],
)
def test_records_of_our_stations_are_handed_out(topic, told):
    """Each topic has its receiver; the connection log has the position, a command its headers."""
    heard = Heard()
    assert heard.take(topic, b"ours", text(topic, **OURS)) == []
    assert heard.told == [told]


def test_foreign_records_are_not_even_decoded():
    """The key decides: broken bytes of a station held elsewhere are not ours to judge."""
    heard = Heard()
    heard.take("commands", b"theirs", b"garbage")
    assert (heard.told, heard.dispatch.broken) == ([], 0)


def test_a_record_in_the_wrong_partition_or_under_a_wrong_key_is_not_obeyed():
    """Another gateway may read it in another order: counted, never half obeyed."""
    heard = Heard()
    heard.take("commands", b"ours", text("commands", **OURS), partition=1)
    heard.take("commands", b"ours", text("commands", station="theirs"))
    heard.take("commands", b"ours", text("commands", station=None))
    heard.take("commands", b"ours", text("commands"))
    assert (heard.told, heard.dispatch.misrouted) == ([], 4)


def test_a_record_of_another_topic_is_broken():
    """A schema of another topic under a key of ours."""
    heard = Heard()
    heard.take("commands", b"ours", text("decisions", **OURS))
    heard.take("commands", b"ours", None)
    assert (heard.told, heard.dispatch.broken) == ([], 2)


def test_an_unknown_schema_is_given_back_to_be_learned():
    """With its id; nothing is counted yet."""
    heard = Heard()
    ((schema_id, record),) = heard.take("decisions", b"ours", text("unknown"))
    assert (schema_id, record.offset, heard.dispatch.broken) == (5, 3, 0)
    heard.dispatch.give_up(schema_id, record)
    assert heard.dispatch.broken == 1


def test_all_stations_are_kept_and_forgotten_by_tombstone():
    """The table has every station, held here or not."""
    heard = Heard()
    heard.take("stations", b"CS-9", text("stations", station="CS-9", boot_interval_s=7))
    assert heard.dispatch.stations == {b"CS-9": Station(boot_interval_s=7)}
    heard.take("stations", b"CS-9", text("stations", station="CS-9", security_profile=8))
    assert (len(heard.dispatch.stations), heard.dispatch.broken) == (1, 1)
    heard.take("stations", b"CS-9", None)
    assert heard.dispatch.stations == {}
    assert heard.told == []


def test_a_station_of_which_nothing_else_is_known_is_not_taken_for_one_that_is_unknown():
    """An unknown one may be let in without a password, and this one has one perhaps."""
    heard = Heard()
    heard.take("stations", b"ours", text("stations", station="ours", credential_hash="ab"))
    assert heard.dispatch.stations == {b"ours": Station(security_profile=3)}
    assert heard.told == [("station", b"ours")]


def test_a_new_row_of_a_station_held_here_is_told():
    """A session that is open has to know that its station was accepted, or no longer is."""
    heard = Heard()
    heard.take("stations", b"ours", text("stations", station="ours"))
    heard.take("stations", b"ours", text("stations", station="ours", security_profile=8))
    assert heard.told == [("station", b"ours")]
    heard.take("stations", b"ours", None)
    assert heard.told == [("station", b"ours")] * 2
