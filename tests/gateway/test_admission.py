"""The door of a gateway, over real sockets: passwords, proxies, and what is told of the refused."""

import asyncio
import base64

import pytest
from websockets.exceptions import InvalidStatus

from gateway.stations import Station as Row
from schemas.credentials import credential_hash
from tests.certificates import Authority, basic
from tests.gateway.fake_log import delivery, gateway
from tests.station import PATIENCE_S, Station

KEY = bytes(range(240, 256))
KEPT = {"credential_hash": credential_hash(KEY, b"s"), "credential_salt": b"s".hex()}
HERE = {"trusted_proxies": "127.0.0.1"}


def rows(profile=None):
    return {b"CS-1": Row(security_profile=profile, **KEPT)}


async def refused(url, station="CS-1", headers=None):
    with pytest.raises(InvalidStatus) as caught:
        await Station.connect(url, station, headers=headers)
    return caught.value.response


def reasons(log):
    return [one["reason"] for one in log.of("refusals")]


async def test_a_station_with_a_password_must_send_it():
    """401 with the scheme that is wanted; with it the connection is of profile 1."""
    async with gateway(rows()) as (url, _, log):
        for headers in (None, basic("CS-1", b"wrong"), basic("CS-2", KEY)):
            response = await refused(url, headers=headers)
            assert response.status_code == 401
            assert response.headers["WWW-Authenticate"].startswith("Basic realm=")
        for sent in (KEY, KEY.hex().encode()):
            async with await Station.connect(url, "CS-1", headers=basic("CS-1", sent)):
                pass
    assert reasons(log) == ["no_password", "password", "no_password"]
    assert [one["security_profile"] for one in log.of("connections")[::2]] == [1, 1]


async def test_what_was_sent_as_a_password_is_told_to_nobody(capfd):
    """Neither the log lines nor the events have it, right or wrong, plain or in base64."""
    sent = [basic("CS-1", b"a-wrong-password-0"), basic("CS-1", KEY.hex().encode())]
    async with gateway(rows(), log_level="debug") as (url, server, log):
        await refused(url, headers=sent[0])
        async with await Station.connect(url, "CS-1", headers=sent[1]):
            pass
        written = repr(log.records) + repr(server._metrics.samples())
    written += "".join(capfd.readouterr())
    for word in ("a-wrong-password-0", KEY.hex(), *(one["Authorization"][6:] for one in sent)):
        assert word not in written
    assert "refused" in written


async def test_who_floods_is_counted_and_no_more_than_that(capfd):
    """A few of each address are in the log and on the console; the metric has all."""
    async with gateway(rows()) as (url, server, log):
        for _ in range(9):
            await refused(url)
        (counted,) = (one for one in server._metrics.samples() if one.family == "refusals")
    told = "".join(capfd.readouterr()).count("no_password")
    assert (told, len(reasons(log)), counted.value) == (6, 6, 9)


async def test_an_unknown_station_looks_like_a_wrong_password():
    """Below the minimum nobody is let in, whatever is said of unknown stations."""
    async with gateway(rows(), security_profile_min=1, unknown_stations="accept") as (url, _, log):
        responses = [await refused(url, name, basic(name, b"wrong")) for name in ("CS-1", "CS-2")]
    assert responses[0].status_code == responses[1].status_code == 401
    assert responses[0].body == responses[1].body
    assert reasons(log) == ["password", "unknown_station"]


async def test_who_guesses_is_slowed_and_does_not_lock_the_station_out():
    """429 for the address that guesses; the same station from another gets in, and others there."""
    async with gateway(rows(), **HERE, password_tries_per_minute=3) as (url, _, log):
        guesser, box = {"X-Forwarded-For": "192.0.2.66"}, {"X-Forwarded-For": "192.0.2.1"}
        right = basic("CS-1", KEY)
        for _ in range(3):
            response = await refused(url, headers=guesser | basic("CS-1", b"wrong"))
            assert response.status_code == 401
        for headers in (basic("CS-1", b"wrong"), right):
            response = await refused(url, headers=guesser | headers)
            assert response.status_code == 429
            assert 50 <= int(response.headers["Retry-After"]) <= 61
        async with await Station.connect(url, "CS-1", headers=box | right):
            pass
        async with await Station.connect(url, "CS-2", headers=guesser):
            pass
        unknown = [await refused(url, "CS-1", guesser | right)]
        assert unknown[0].status_code == 429
    assert reasons(log)[:4] == ["password"] * 3 + ["password_tries"]
    assert {one["address"] for one in log.of("refusals")} == {"192.0.2.66"}
    assert log.of("connections")[0]["remote_address"] == "192.0.2.1"


async def test_a_wrong_password_takes_nothing_over():
    """Only who is let in replaces the station's connection."""
    async with gateway(rows()) as (url, _, log):
        async with await Station.connect(url, "CS-1", headers=basic("CS-1", KEY)) as station:
            await refused(url, headers=basic("CS-1", b"wrong"))
            assert (await station.call("Heartbeat")).ok
    assert [one["type"] for one in log.of("connections")] == ["connected", "disconnected"]


async def test_a_proxy_that_is_trusted_tells_of_tls_and_certificates(tmp_path):
    """And from one that is not, the same headers are worth nothing."""
    issued = Authority(tmp_path).issue("CS-1")
    headers = {
        "X-Forwarded-For": "192.0.2.1",
        "X-Forwarded-Proto": "https",
        "Client-Cert": f":{base64.b64encode(issued.der).decode()}:",
    }
    believed = HERE | {"client_certificate_header": "Client-Cert"}
    async with gateway(rows(3), **believed) as (url, _, log):
        async with await Station.connect(url, "CS-1", headers=headers):
            pass
        assert (await refused(url, headers=headers | {"Client-Cert": ":x:"})).status_code == 403
    assert log.of("connections")[0]["security_profile"] == 3
    async with gateway(rows(3), **believed | {"trusted_proxies": "192.0.2.0/24"}) as (url, _, log):
        assert (await refused(url, headers=headers)).status_code == 403
    (refusal,) = log.of("refusals")
    assert (refusal["reason"], refusal["address"]) == ("no_tls", "127.0.0.1")


async def test_a_proxys_word_of_tls_makes_a_password_profile_2():
    """Without it, the password went over the network for all to read."""
    async with gateway(rows(2), **HERE) as (url, _, log):
        right = basic("CS-1", KEY)
        async with await Station.connect(url, "CS-1", headers=right | {"X-Forwarded-Proto": "wss"}):
            pass
        assert (await refused(url, headers=right)).status_code == 403
    assert log.of("connections")[0]["security_profile"] == 2


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (Row(security_profile=1, **KEPT), "security_profile"),
        (Row(**KEPT), "security_profile"),
        (None, "unknown_station"),
    ],
)
async def test_a_connection_ends_when_its_profile_is_no_longer_enough(row, reason):
    """1008 as soon as the row is read: more is asked for, or the station is no longer one."""
    known = {b"CS-1": Row(security_profile=0, **KEPT)}
    async with gateway(known, unknown_stations="refuse") as (url, server, log):
        async with await Station.connect(url, "CS-1") as station:
            known.pop(b"CS-1") if row is None else known.update({b"CS-1": row})
            delivery(server).station(b"CS-1")
            assert await station.closed() == (1008, reason)
        await log.has("disconnected")


async def test_a_connection_outlives_a_change_of_its_password():
    """Over it the station is told the new one; the next connection needs it."""
    known = rows(1)
    async with gateway(known) as (url, server, _):
        async with await Station.connect(url, "CS-1", headers=basic("CS-1", KEY)) as station:
            changed = {"credential_hash": credential_hash(b"new", b"t"), "credential_salt": "74"}
            known[b"CS-1"] = Row(security_profile=1, **changed)
            delivery(server).station(b"CS-1")
            assert (await station.call("Heartbeat")).ok
            assert (await refused(url, headers=basic("CS-1", KEY))).status_code == 401
            async with await Station.connect(url, "CS-1", headers=basic("CS-1", b"new")):
                assert (await station.closed())[0] == 1008


async def test_headers_that_come_twice_break_nothing():
    """Of two passwords none is taken; two user agents are both told of."""
    async with gateway(rows()) as (url, _, log):
        host, port = url.removeprefix("ws://").partition("/")[0].split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        right = basic("CS-1", KEY)["Authorization"]
        writer.write(
            b"GET /ocpp/CS-1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Protocol: ocpp1.6\r\nUser-Agent: a\r\nUser-Agent: b\r\n"
            + f"Authorization: {right}\r\n".encode() * 2
            + b"\r\n"
        )
        assert b"401" in await asyncio.wait_for(reader.readline(), PATIENCE_S)
        writer.close()
    assert log.of("refusals")[0]["user_agent"] == "a, b"
