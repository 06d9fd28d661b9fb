"""What the log tells of a station, handed to the connection that it concerns."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

from gateway.effects import Instant
from tests.gateway.fake_log import delivery, gateway
from tests.station import Station

COMMAND = {
    "command_id": "k",
    "station": "CS-1",
    "action": "Reset",
    "payload": '{"type":"Soft"}',
    "expires_at": 2**53,
    "when_offline": "fail",
    "attempt": 1,
    "requested_by": None,
}
LATER = 2**52  # milliseconds: long after any connection began


def read_back(told, log, **whose):
    """Have the last claim of the log read."""
    position = len(log.of("connections")) + 100
    told.connection(b"CS-1", position, log.of("connections")[-1] | whose)


async def test_a_command_is_claimed_sent_and_answered_over_a_socket():
    """With the log between each step, and a copy for who asked by headers."""
    async with gateway(command_hold_s=0) as (url, server, log):
        async with await Station.connect(url, "CS-1") as station:
            told = delivery(server)
            headers = (("kafka_replyTopic", b"mine"), ("kafka_correlationId", b"7"))
            told.command(b"CS-1", headers, LATER, COMMAND)
            await log.has("taken")
            read_back(told, log)
            await log.holds(3)
            call = await station.receive()
            message_id, action, payload = call[1:]
            assert (action, payload) == ("Reset", {"type": "Soft"})
            await station.answer(call, {"status": "Accepted"})
            await log.holds(5)
    (result,) = log.of("command-results")
    assert (result["outcome"], result["message_id"]) == ("answered", message_id)
    ((to, key, event),) = server.copies
    assert (to.topic, to.correlation, key) == ("mine", b"7", b"CS-1")
    assert event.topic == "command-results"


@asynccontextmanager
async def asked(headers=(), **settings):
    """A station that is asked by a command, while the log acknowledges nothing any more."""
    async with gateway(command_hold_s=0, **settings) as (url, server, log):
        async with await Station.connect(url, "CS-1") as station:
            told = delivery(server)
            told.command(b"CS-1", headers, LATER, COMMAND)
            await log.has("taken")
            read_back(told, log)
            call = await station.receive()
            log.open = False
            yield station, log, call[1]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ([3, "{}", {"status": "Accepted"}], "answered"),
        ([4, "{}", "NotSupported", "", {}], "call_error"),
        ([3, "{}", {}], "bad_answer"),
        ([3, "{}"], "bad_answer"),
    ],
)
async def test_a_result_goes_to_the_log_once_it_has_the_frame_that_is_told_of(answer, outcome):
    """Else Kafka might lose the one and keep the other."""
    async with asked() as (station, log, message_id):
        await station.send_text(json.dumps(answer).replace("{}", message_id, 1))
        await log.holds(4)
        assert log.of("command-results") == []
        log.release()
        assert [one["outcome"] for one in log.of("command-results")] == [outcome]


async def test_an_answer_that_the_log_may_lack_has_no_result():
    """The connection is given up instead, and its end is all that who arbitrates is told."""
    async with asked() as (station, log, message_id):
        await station.send_text(json.dumps([3, message_id, {"status": "Accepted"}]))
        await log.holds(4)
        log.release(unknown=True)
        assert (await station.closed())[0] == 1013
        await log.has("disconnected")
    assert log.of("command-results") == []
    assert [one["type"] for one in log.of("connections")] == ["connected", "taken", "disconnected"]


async def test_a_station_that_leaves_with_its_answer_has_answered():
    """So does who resets itself; the result waits for the log, not for the socket."""
    async with asked() as (station, log, message_id):
        await station.send_text(json.dumps([3, message_id, {"status": "Accepted"}]))
        await log.holds(4)
        station.socket.transport.abort()
        await log.has("disconnected")
        assert log.of("command-results") == []
        log.release()
        assert [one["outcome"] for one in log.of("command-results")] == ["answered"]


async def test_a_call_whose_event_took_long_goes_out_when_it_is_claimed_anew():
    """By the event that it has: Kafka was slow, and nobody has given the command up."""
    async with gateway(command_hold_s=0) as (url, server, log):
        async with await Station.connect(url, "CS-1") as station:
            told = delivery(server)
            told.command(b"CS-1", (), LATER, COMMAND)
            await log.has("taken")
            log.open = False
            read_back(told, log)
            await log.holds(3)
            before = server.now()
            server._moment = Instant(before.s + 1.6, before.ms + 1600)
            log.open = True
            log.release()
            await log.holds(4)
            read_back(told, log)
            await station.answer(await station.receive(), {"status": "Accepted"})
            await log.holds(6)
    assert [one["type"] for one in log.of("connections")][:3] == ["connected", "taken", "taken"]
    assert [one["kind"] for one in log.of("provisioning")] == ["call", "result"]
    assert [one["outcome"] for one in log.of("command-results")] == ["answered"]


async def test_a_command_is_for_the_newest_connection_and_claims_are_for_all():
    """The older one ends as soon as the newer is in the log; it must know what was taken."""
    async with gateway(command_hold_s=0) as (url, server, log):
        async with await Station.connect(url, "CS-1"):
            log.open = False
            connecting = asyncio.create_task(Station.connect(url, "CS-1"))
            await log.holds(2)
            told = delivery(server)
            told.command(b"CS-1", (), LATER, COMMAND)
            assert [record["type"] for record in log.of("connections")] == ["connected"] * 2
            foreign = {"type": "taken", "command_id": "k", "attempt": 1, "waiting": False}
            foreign |= {"epoch": 0, "connection_id": "another", "outcome": None}
            told.connection(b"CS-1", 1, foreign)
            log.open = True
            log.release()
            async with await connecting:
                assert "taken" not in [record["type"] for record in log.of("connections")]


async def test_what_concerns_nobody_here_is_passed_over():
    """The station may have left while its record was read."""
    async with gateway() as (_, server, log):
        told = delivery(server)
        told.command(b"CS-1", (), LATER, COMMAND)
        told.connection(b"CS-1", 5, {"type": "disconnected", "reason": "gateway_lost"})
        told.station(b"CS-1")
    assert log.records == []


async def test_a_connection_that_was_given_up_for_lost_is_closed():
    """For the log it has ended, so no command would come there; the station is to come again."""
    async with gateway() as (url, server, _), await Station.connect(url, "CS-1") as station:
        told = delivery(server)
        lost = {"type": "disconnected", "reason": "gateway_lost", "epoch": 1}
        told.connection(b"CS-1", 9, lost)
        told.connection(b"CS-1", 10, lost | {"epoch": 0, "reason": "closed"})
        assert (await station.call("Heartbeat")).ok
        told.connection(b"CS-1", 11, lost | {"epoch": 0})
        assert await station.closed() == (1012, "gateway_lost")
