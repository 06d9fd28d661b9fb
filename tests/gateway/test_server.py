"""One instance: whom it lets in, who replaces whom, what the log tells it."""

import asyncio
import json

import pytest
from websockets.exceptions import InvalidStatus

from gateway.stations import Station as Row
from tests.gateway.fake_log import delivery, gateway
from tests.station import PATIENCE_S, Station


async def refused(url, station_id="CS-1", **options):
    with pytest.raises(InvalidStatus) as caught:
        await Station.connect(url, station_id, **options)
    return caught.value.response


async def test_the_station_gets_its_first_choice_that_we_speak():
    """And the log says which version was agreed."""
    async with gateway() as (url, _, log):
        offer = ("ocpp1.5", "ocpp2.0.1", "ocpp1.6")
        async with await Station.connect(url, "CS-1", offer) as station:
            assert station.subprotocol == "ocpp2.0.1"
    record = log.of("connections")[0]
    assert (record["type"], record["station"]) == ("connected", "CS-1")
    assert log.of("connections")[-1]["epoch"] == 0


async def test_refusals_say_why_and_are_events():
    """A body for a person, a reason for a machine."""
    async with gateway() as (url, _, log):
        response = await refused(url, subprotocols=())
        assert response.status_code == 400
        assert b"ocpp1.6" in response.body
        assert (await refused(url.replace("/ocpp", "/other"))).status_code == 404
        assert (await refused(url, "x" * 49)).status_code == 400
    assert [r["reason"] for r in log.of("refusals")] == [
        "no_subprotocol",
        "wrong_path",
        "station_id",
    ]
    assert log.of("refusals")[0]["station"] == "CS-1"


async def test_a_plain_http_request_is_told_to_upgrade():
    """A browser, or a station that forgets `Connection: Upgrade`: counted and reported."""
    async with gateway() as (url, _, log):
        host, port = url.removeprefix("ws://").partition("/")[0].split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = "GET /ocpp/CS-1 HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
        writer.write(head.encode())
        assert b"426" in await asyncio.wait_for(reader.readline(), PATIENCE_S)
        writer.close()
        await log.holds(1)
    (refusal,) = log.of("refusals")
    assert (refusal["reason"], refusal["station"]) == ("no_upgrade", "CS-1")


async def test_requests_in_one_packet_are_answered_once():
    """An HTTP client may pipeline; what is no websocket after the first request is not read."""
    async with gateway() as (url, _, log):
        failed = []
        asyncio.get_running_loop().set_exception_handler(lambda _, told: failed.append(told))
        host, port = url.removeprefix("ws://").partition("/")[0].split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /other HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
        assert await asyncio.wait_for(reader.read(), PATIENCE_S) == b""
        writer.close()
        await log.holds(1)
    assert failed == []
    assert [r["reason"] for r in log.of("refusals")] == ["wrong_path"]


async def test_what_is_no_http_is_counted():
    """TLS on the plain port: the operator who debugs `wss://` finds it."""
    async with gateway() as (url, server, log):
        host, port = url.removeprefix("ws://").partition("/")[0].split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")
        assert await asyncio.wait_for(reader.read(), PATIENCE_S) == b""
        writer.close()
        await asyncio.wait_for(writer.wait_closed(), PATIENCE_S)
        assert ("refusals", ("no_http",), 1) in [sample[:3] for sample in server._metrics.samples()]
        assert log.records == []


async def test_a_newer_connection_replaces_the_older():
    """Promise 6 within one gateway: the old socket is closed, calls go to the new one."""
    async with gateway() as (url, server, log):
        old = await Station.connect(url, "CS-1")
        async with await Station.connect(url, "CS-1") as new:
            assert (await old.closed())[0] == 1008
            assert (await new.call("Heartbeat")).ok
            await log.holds(5)
            assert server.connections == 1
    kinds = [(r["type"], r["takeover"]) for r in log.of("connections")]
    assert kinds[:2] == [("connected", False), ("connected", True)]
    await old.close()


async def test_a_connection_elsewhere_closes_ours():
    """Promise 6 across gateways: a higher epoch in the connection log."""
    async with gateway() as (url, server, log), await Station.connect(url, "CS-1") as station:
        delivery(server).connection(b"CS-1", 99, {"type": "connected"})
        assert (await station.closed())[0] == 1008
        await log.holds(2)


async def test_our_own_record_and_older_ones_close_nothing():
    """The tail reads back what we wrote."""
    async with gateway() as (url, server, log), await Station.connect(url, "CS-1") as station:
        delivery(server).connection(b"CS-1", 0, {"type": "connected"})
        delivery(server).connection(b"CS-1", 5, {"type": "disconnected", "reason": "closed"})
        assert (await station.call("Heartbeat")).ok
        del log


async def test_two_boxes_with_one_id_are_slowed():
    """More than a few takeovers a minute: 503 with the time to wait."""
    async with gateway(takeovers_per_minute=2) as (url, _, log):
        boxes = [await Station.connect(url, "CS-1") for _ in range(3)]
        response = await refused(url)
        assert response.status_code == 503
        assert 50 <= int(response.headers["Retry-After"]) <= 61
        async with await Station.connect(url, "CS-2") as other:
            assert (await other.call("Heartbeat")).ok
        for box in boxes:
            await box.close()
    assert log.of("refusals")[0]["reason"] == "takeovers"


async def test_two_boxes_at_two_gateways_are_slowed():
    """Neither gateway holds the station when its box comes back; the log is not flooded."""
    async with gateway(takeovers_per_minute=2) as (url, server, log):
        for elsewhere in (100, 200):
            async with await Station.connect(url, "CS-1") as ours:
                delivery(server).connection(b"CS-1", elsewhere, {"type": "connected"})
                assert (await ours.closed())[0] == 1008
        assert (await refused(url)).status_code == 503
    assert log.of("refusals")[0]["reason"] == "takeovers"


async def test_a_full_gateway_and_an_outage_refuse_with_retry_after():
    """Promise 2: offline rather than lie."""
    async with gateway(connections_max=1) as (url, _, log), await Station.connect(url, "CS-1"):
        assert (await refused(url, "CS-2")).status_code == 503
        log.state = "outage"
        response = await refused(url, "CS-3")
        assert (response.status_code, response.headers["Retry-After"]) == (503, "10")
    assert [r["reason"] for r in log.of("refusals")] == ["connections_max", "outage"]


async def test_a_decision_from_the_log_answers_its_call():
    """Any team can answer: consume the event, produce a decision."""
    async with gateway(decided="Authorize") as (url, server, log):
        async with await Station.connect(url, "CS-1") as station:
            answer = await station.send_call("Authorize", {"idTag": "A"})
            await log.holds(2)
            (call,) = log.of("authorization")
            decision = {
                "event_id": call["event_id"],
                "response": json.dumps({"idTagInfo": {"status": "Blocked"}}),
                "error_code": None,
                "error_description": None,
            }
            delivery(server).decision(b"CS-1", decision)
            heard = await asyncio.wait_for(answer, PATIENCE_S)
            assert heard[2] == {"idTagInfo": {"status": "Blocked"}}


async def test_the_stations_row_decides_boot_and_quirks():
    """`ocpp.stations`: registration, interval, strictness, by station."""
    rows = {
        b"CS-1": Row(registration_status="Pending", boot_interval_s=7, quirks=frozenset()),
    }
    boot = {"chargePointVendor": "v", "chargePointModel": "m", "more": 1}
    async with gateway(rows) as (url, _, log):
        async with await Station.connect(url, "CS-1") as strict:
            reply = await strict.call("BootNotification", boot)
            assert reply.code == "FormationViolation"
            del boot["more"]
            reply = await strict.call("BootNotification", boot)
            assert (reply.payload["status"], reply.payload["interval"]) == ("Pending", 7)
        async with await Station.connect(url, "CS-2") as lenient:
            reply = await lenient.call("BootNotification", boot | {"more": 1})
            assert (reply.payload["status"], reply.payload["interval"]) == ("Accepted", 300)
        del log


async def test_a_new_row_of_the_station_holds_for_its_next_call():
    """Who was Pending asks again over the same socket, and must not hear it for ever."""
    rows = {b"CS-1": Row(registration_status="Pending")}
    boot = {"chargePointVendor": "v", "chargePointModel": "m"}
    async with gateway(rows) as (url, server, _), await Station.connect(url, "CS-1") as station:
        assert (await station.call("BootNotification", boot)).payload["status"] == "Pending"
        rows[b"CS-1"] = Row(registration_status="Accepted", boot_interval_s=9)
        delivery(server).station(b"CS-1")
        reply = await station.call("BootNotification", boot)
        assert (reply.payload["status"], reply.payload["interval"]) == ("Accepted", 9)


async def test_a_refusal_tells_no_secret_of_its_url():
    """Some stations send their password in the query."""
    async with gateway() as (url, _, log):
        with pytest.raises(InvalidStatus):
            await Station.at(f"{url}/CS-1?password=s3cr3t", subprotocols=())
        await log.holds(1)
    assert "s3cr3t" not in log.of("refusals")[0]["path"]
    assert log.of("refusals")[0]["path"].startswith("/ocpp/CS-1?")


async def test_unknown_stations_can_be_kept_out():
    """`unknown_stations=refuse`: 404 at the handshake, known ones come in."""
    async with gateway({b"CS-1": Row()}, unknown_stations="refuse") as (url, _, log):
        assert (await refused(url, "CS-9")).status_code == 404
        async with await Station.connect(url, "CS-1") as known:
            assert (await known.call("Heartbeat")).ok
    assert log.of("refusals")[0]["reason"] == "unknown_station"
