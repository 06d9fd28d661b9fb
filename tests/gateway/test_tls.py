"""The TLS port over real sockets: who is let in, who is not and why, and what comes through."""

import asyncio
import socket
import ssl
import warnings
from contextlib import suppress
from shutil import copy

import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.frames import Frame, Opcode

from gateway.stations import Station as Row
from schemas.credentials import credential_hash
from tests.certificates import Authority, basic
from tests.gateway.fake_log import UPGRADE, gateway
from tests.station import PATIENCE_S, Station

BOOT = {"chargePointVendor": "v", "chargePointModel": "m"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """An authority that the gateway does not trust."""
    return Authority(tmp_path_factory.mktemp("other"), "stranger")


@pytest.fixture(scope="module")
def settings(authority):
    own = authority.issue("gateway")
    return {
        "tls_certificate": str(own.certificate),
        "tls_key": str(own.key),
        "tls_client_authorities": str(authority.file),
    }


async def tells(log, *reasons):
    """Wait for the refusals in the log, and compare why they were."""
    async with asyncio.timeout(PATIENCE_S):
        while len(log.of("refusals")) < len(reasons):
            log.came.clear()
            await log.came.wait()
    assert tuple(one["reason"] for one in log.of("refusals")) == reasons


async def fails(url, context, **options):
    """Connecting ends before there is any HTTP."""
    with pytest.raises((OSError, EOFError, InvalidHandshake, ConnectionClosed)) as caught:
        async with asyncio.timeout(PATIENCE_S):
            await Station.connect(url, "CS-1", ssl=context, **options)
    assert not isinstance(caught.value, InvalidStatus | TimeoutError)


async def test_a_certificate_of_the_stations_own_lets_it_in(settings, authority):
    """Profile 3: its common name is the station id; the log has the profile."""
    rows = {b"CS-1": Row(security_profile=3)}
    async with gateway(rows, **settings) as (url, _, log):
        context = authority.trusting(authority.issue("CS-1"))
        async with await Station.connect(url, "CS-1", ssl=context) as station:
            assert (await station.call("BootNotification", BOOT)).ok
        named = authority.trusting(authority.issue("box 7", dns=("CS-1",)))
        async with await Station.connect(url, "CS-1", ssl=named):
            pass
    assert [one["security_profile"] for one in log.of("connections")[::2]] == [3, 3]


async def test_anothers_certificate_or_none_does_not(settings, authority):
    """403, and nothing of it is in the connection log; a password is no substitute."""
    rows = {b"CS-1": Row(security_profile=3)}
    async with gateway(rows, **settings) as (url, _, log):
        for own in (authority.issue("CS-2"), None):
            with pytest.raises(InvalidStatus) as caught:
                await Station.connect(url, "CS-1", ssl=authority.trusting(own))
            assert caught.value.response.status_code == 403
        await tells(log, "certificate_name", "no_certificate")
    assert log.of("connections") == []


@pytest.mark.parametrize("wrong", ["stranger", "expired", "revoked"])
async def test_a_certificate_that_cannot_be_verified_ends_the_handshake(
    settings, authority, stranger, tmp_path, wrong
):
    """By another authority, past its end, or on the list: the event says which."""
    own, said = {
        "stranger": (stranger.issue("CS-1"), "issuer certificate"),
        "expired": (authority.issue("CS-1", days=-1), "expired"),
        "revoked": (authority.issue("CS-1"), "revoked"),
    }[wrong]
    client = authority.trusting()
    client.load_cert_chain(own.certificate, own.key)
    revoking = tmp_path / "authorities"
    copy(authority.file, revoking)
    if wrong == "revoked":
        revoking.write_bytes(authority.file.read_bytes() + authority.revoked(own))
    async with gateway(**settings | {"tls_client_authorities": str(revoking)}) as (url, _, log):
        await fails(url, client)
        async with await Station.connect(url, "CS-1", ssl=authority.trusting()):
            pass
        await tells(log, "client_certificate")
    (refusal,) = log.of("refusals")
    assert said in refusal["detail"]
    assert (refusal["status"], refusal["station"], refusal["address"]) == (0, None, "127.0.0.1")


async def test_tls_below_1_2_is_refused(settings, authority):
    """Whatever the client would do."""
    client = authority.trusting()
    client.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        client.minimum_version = ssl.TLSVersion.TLSv1_1
        client.maximum_version = ssl.TLSVersion.TLSv1_1
    async with gateway(**settings) as (url, _, log):
        await fails(url, client)
        await tells(log, "tls")
        assert "unsupported protocol" in log.of("refusals")[0]["detail"]


async def test_a_client_that_does_not_trust_us_and_plain_http_are_told_apart(settings, stranger):
    """Our certificate, or a station that was given ws:// for wss://."""

    def connect(port):
        with socket.create_connection(("127.0.0.1", port)) as raw:
            with pytest.raises(ssl.SSLCertVerificationError):
                stranger.trusting().wrap_socket(raw, server_hostname="127.0.0.1")

    async with gateway(**settings) as (url, _, log):
        await asyncio.to_thread(connect, int(url.split(":")[2].partition("/")[0]))
        await tells(log, "tls_alert")
        await fails(url, stranger.trusting())  # asyncio's client says nothing when it leaves
        await tells(log, "tls_alert", "tls")
        await fails(url.replace("wss", "ws"), None)
        await tells(log, "tls_alert", "tls", "tls")
    alert, left, plain = (one["detail"] for one in log.of("refusals"))
    assert ("unknown ca" in alert, "left" in left, "http request" in plain) == (True,) * 3


async def test_a_password_over_tls_is_profile_2(settings, authority):
    """And the same password over plain ws is not enough for a station that must use TLS."""
    key = bytes(range(240, 256))
    kept = {"credential_hash": credential_hash(key, b"s"), "credential_salt": b"s".hex()}
    rows = {b"CS-1": Row(security_profile=2, **kept)}
    async with gateway(rows, **settings) as (url, _, log):
        trusting = authority.trusting()
        async with await Station.connect(url, "CS-1", headers=basic("CS-1", key), ssl=trusting):
            pass
        with pytest.raises(InvalidStatus) as caught:
            await Station.connect(url, "CS-1", headers=basic("CS-1", b"wrong"), ssl=trusting)
        assert caught.value.response.status_code == 401
    assert log.of("connections")[0]["security_profile"] == 2
    async with gateway(rows) as (url, _, log):
        with pytest.raises(InvalidStatus) as caught:
            await Station.connect(url, "CS-1", headers=basic("CS-1", key))
        assert caught.value.response.status_code == 403
        await tells(log, "no_tls")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_frames_of_all_sizes_come_through_both_ways(settings, authority, version):
    """More than a TLS record holds, many at once, and the closing handshake at the end."""
    client = authority.trusting()
    client.maximum_version = version
    async with gateway(**settings) as (url, _, log):
        async with await Station.connect(url, "CS-1", ssl=client) as station:
            data = {"vendorId": "v", "data": "x" * 100_000}
            assert (await station.call("DataTransfer", data)).payload["status"] == "UnknownVendorId"
            calls = [await station.send_call("Heartbeat") for _ in range(50)]
            assert len(await asyncio.wait_for(asyncio.gather(*calls), PATIENCE_S)) == 50
        await log.has("disconnected")
        station = await Station.connect(url, "CS-1", ssl=client)
        await station.send_text("x" * 300_000)
        assert (await station.closed())[0] == 1009
    reasons = [one["close_code"] for one in log.of("connections") if one["type"] == "disconnected"]
    assert reasons == [1000, 1009]


async def test_a_station_that_vanishes_without_a_farewell_is_noticed(settings, authority):
    """TCP ends, TLS does not: as of a box that lost its power."""
    async with gateway(**settings) as (url, _, log):
        station = await Station.connect(url, "CS-1", ssl=authority.trusting())
        station.abort()
        await log.has("disconnected")
        await station.closed()
    assert log.of("connections")[-1]["close_code"] == 1006


async def test_a_station_that_does_not_read_is_not_read_either(settings, authority):
    """What it has pipelined waits in its socket, not in our memory."""
    async with gateway(**settings, pipelined_calls_max=2) as (url, server, log):
        log.open = False
        connecting = asyncio.create_task(Station.connect(url, "CS-1", ssl=authority.trusting()))
        await log.holds(1)
        log.release()
        async with await connecting as station:
            calls = [await station.send_call("Heartbeat") for _ in range(100)]
            async with asyncio.timeout(PATIENCE_S):
                while not server.held:
                    log.came.clear()
                    await log.came.wait()
            assert len(log.records) < 50
            log.open = True
            log.release()
            assert len(await asyncio.wait_for(asyncio.gather(*calls), PATIENCE_S)) == 100


async def test_we_say_farewell_before_the_socket_ends(settings, authority):
    """Else nobody could tell our end from somebody's in between (RFC 8446 section 6.1)."""

    def ask(port):
        client = authority.trusting()
        with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as raw:
            options = {"server_hostname": "127.0.0.1", "suppress_ragged_eofs": False}
            with client.wrap_socket(raw, **options) as secured:
                secured.sendall(b"GET /other HTTP/1.1\r\nHost: x\r\n\r\n")
                came = [secured.recv(65_536)]
                while came[-1]:  # raises where the socket just ends
                    came.append(secured.recv(65_536))
        return b"".join(came)

    async with gateway(**settings) as (url, _, _):
        said = await asyncio.to_thread(ask, int(url.split(":")[2].partition("/")[0]))
    assert said.startswith(b"HTTP/1.1 404")


async def test_a_farewell_is_answered(settings, authority):
    """Also where the other side takes leave first, and waits for ours before it goes."""

    def leave(port):
        raw = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        with authority.trusting().wrap_socket(raw, server_hostname="127.0.0.1") as secured:
            return secured.unwrap().recv(1)  # raises where the socket just ends

    async with gateway(**settings) as (url, _, _):
        port = int(url.split(":")[2].partition("/")[0])
        assert await asyncio.to_thread(leave, port) == b""


async def test_what_comes_with_the_request_waits_until_it_is_answered(settings, authority):
    """A frame, and a farewell: nothing of a TLS record is read on that would wait in a socket."""
    frame = Frame(Opcode.TEXT, b'[2,"1","Heartbeat",{}]').serialize(mask=True)
    came, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    secured = authority.trusting().wrap_bio(came, sent, server_hostname="127.0.0.1")
    async with gateway(**settings) as (url, server, log), asyncio.timeout(PATIENCE_S):
        host, port = url.removeprefix("wss://").partition("/")[0].split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        while True:
            try:
                secured.do_handshake()
                break
            except ssl.SSLWantReadError:
                writer.write(sent.read())
                came.write(await reader.read(65_536))
        secured.write(UPGRADE + frame)
        with suppress(ssl.SSLWantReadError):
            secured.unwrap()
        writer.write(sent.read())
        await log.has("disconnected")
        writer.close()
        counted = {one.family: one.value for one in server._metrics.samples()}
    assert log.of("availability")[0]["action"] == "Heartbeat"
    assert (counted["connects"], counted["connections"]) == (1, 0)


async def test_a_handshake_that_dawdles_is_cut_off(settings):
    """The time limit begins with the socket, not with HTTP; it counts once."""
    async with gateway(**settings, handshake_time_s=0.2) as (url, server, log):
        host, port = url.removeprefix("wss://").partition("/")[0].split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"\x16\x03\x01\x02\x00\x01")
        with suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), PATIENCE_S) == b""
        writer.close()
        counted = [one[1:3] for one in server._metrics.samples() if one.family == "refusals"]
        assert counted == [(("handshake_time",), 1)]
        assert not server.opening
    assert log.records == []


async def test_handshakes_beyond_the_limit_are_turned_away_before_tls(settings, authority):
    """TLS is what costs; sockets that say nothing are counted from the first moment."""
    async with gateway(**settings, handshakes_max=1) as (url, _, log):
        async with await Station.connect(url, "CS-1", ssl=authority.trusting()):
            host, port = url.removeprefix("wss://").partition("/")[0].split(":")
            _, silent = await asyncio.open_connection(host, int(port))
            await fails(url, authority.trusting())
            await tells(log, "handshakes_max")
        silent.close()
