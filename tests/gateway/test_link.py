"""One socket: the session's effects performed in order, under pressure and to the end."""

import asyncio
import json
import socket
from contextlib import asynccontextmanager, suppress

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode

from gateway import link
from gateway.effects import Instant
from gateway.server import Server
from tests.gateway.fake_log import UPGRADE, gateway
from tests.station import PATIENCE_S, Station

HEARTBEAT = '[2,"1","Heartbeat",{}]'


async def heard_nothing(station):
    """True when the station gets a pong, and nothing before it."""
    pong = await station.socket.ping()
    await asyncio.wait_for(pong, PATIENCE_S)
    return not station.answered()


async def test_a_call_is_answered_only_after_its_events_are_acknowledged():
    """Promise 1: while the log does not acknowledge, the station hears nothing."""
    async with gateway() as (url, _, log), await Station.connect(url, "CS-1") as station:
        log.open = False
        answer = await station.send_call("Heartbeat")
        await log.holds(3)
        assert await heard_nothing(station)
        log.release()
        assert (await asyncio.wait_for(answer, PATIENCE_S))[0] == 3
        assert [record["kind"] for record in log.of("availability")] == ["call", "result"]


async def test_an_answer_waits_for_all_events_before_it():
    """An acknowledgement out of order, from another partition, releases nothing early."""
    async with gateway() as (url, _, log), await Station.connect(url, "CS-1") as station:
        log.open = False
        answer = await station.send_call("Heartbeat")
        await log.holds(3)
        call, reply = log.waiting
        log.waiting = [call]
        reply[1](reply[0])
        assert await heard_nothing(station)
        log.release()
        await asyncio.wait_for(answer, PATIENCE_S)


async def test_an_unknown_outcome_closes_unanswered():
    """The log may or may not have the call: the station must ask again (1013)."""
    async with gateway() as (url, _, log), await Station.connect(url, "CS-1") as station:
        log.open = False
        await station.send_call("Heartbeat")
        await log.holds(3)
        log.release(unknown=True)
        code, _ = await station.closed()
        assert code == 1013
        assert station.answered() == []


class Timers:
    """Stands where a server's loop is: what it is to call later, it calls when a test says so."""

    def __init__(self):
        self.set = []

    def call_later(self, delay_s, call, *given):
        loop = asyncio.get_running_loop()
        self.set.append(asyncio.TimerHandle(loop.time() + delay_s, call, given, loop))
        return self.set[-1]

    def strike(self):
        struck, self.set = self.set, []
        for timer in struck:
            if not timer.cancelled():
                timer._run()


async def test_a_slow_log_is_not_a_slow_handshake():
    """The station has said all; it is told to come again, not dropped without a word."""
    async with gateway() as (url, server, log):
        server.loop, loop = Timers(), server.loop
        log.open = False
        connecting = asyncio.create_task(Station.connect(url, "CS-1"))
        await log.holds(1)
        assert len(server.loop.set) == 1, "the time of its handshake"
        server.loop.strike()
        server.loop = loop
        log.release(unknown=True)
        with pytest.raises(InvalidStatus) as refused:
            await connecting
        assert refused.value.response.status_code == 503


async def test_the_handshake_waits_for_connected():
    """No frame is taken before the epoch is known; where it stays unknown, the answer is 503."""
    async with gateway() as (url, _, log):
        log.open = False
        connecting = asyncio.create_task(Station.connect(url, "CS-1"))
        await log.holds(1)
        assert not connecting.done()
        log.release(unknown=True)
        with pytest.raises(InvalidStatus) as refused:
            await connecting
        assert refused.value.response.status_code == 503
        assert refused.value.response.headers["Retry-After"] == "10"


async def test_every_frame_of_a_burst_is_answered_in_order():
    """Pipelined calls beyond the limit stay in the socket, and come after."""
    async with gateway(pipelined_calls_max=3) as (url, server, log):
        async with await Station.connect(url, "CS-1") as station:
            log.open = False
            answers = [await station.send_call("Heartbeat") for _ in range(100)]
            await log.holds(3)
            await log.holds(1 + 2 * (3 + 4))
            assert len(server.held) == 1
            assert len(log.records) == 1 + 2 * (3 + 4)
            log.open = True
            log.release()
            replies = await asyncio.wait_for(asyncio.gather(*answers), PATIENCE_S)
            assert [reply[1] for reply in replies] == [str(n) for n in range(1, 101)]
    sequences = [record["sequence"] for record in log.of("availability")]
    assert sequences == list(range(1, 201))


async def test_frames_that_are_never_answered_are_bounded_too():
    """A station cannot fill the gateway with what it gets no answer to, and none of it is lost."""
    async with gateway(pipelined_calls_max=3) as (url, server, log):
        async with await Station.connect(url, "CS-1") as station:
            log.open = False
            for _ in range(100):
                await station.send_text("[9]")
            await log.holds(1 + 3 * (3 + 4))
            assert len(server.held) == 1
            assert len(log.records) == 1 + 3 * (3 + 4)
            log.open = True
            log.release()
            assert (await station.call("Heartbeat")).ok
    assert len(log.of("rejected")) == 100


async def test_pings_of_a_held_station_are_answered():
    """It is told that we live, while its calls wait for the log."""
    async with gateway(pipelined_calls_max=1, pipelined_answers_extra=1) as (url, server, log):
        async with await Station.connect(url, "CS-1") as station:
            log.open = False
            protocol, transport = station.socket.protocol, station.socket.transport
            for _ in range(3):
                protocol.send_text(HEARTBEAT.encode())
            pong = await station.socket.ping()
            transport.write(b"".join(protocol.data_to_send()))
            await asyncio.wait_for(pong, PATIENCE_S)
            assert len(server.held) == 1
            log.open = True
            log.release()


async def test_a_frame_over_the_limit_closes_1009_with_a_dead_letter():
    """10 MiB: not read, but known to have come."""
    async with gateway() as (url, _, log), await Station.connect(url, "CS-1") as station:
        with pytest.raises(ConnectionClosed):  # noqa: PT012 - the pipe may break while sending
            await station.send_text("x" * 10_485_760)
            await station.receive()
        assert (await station.closed())[0] == 1009
        await log.holds(3)
        (letter,) = log.of("rejected")
        assert (letter["rule"], letter["size"]) == ("frame_too_large", 10_485_760)
        ending = log.of("connections")[-1]
        assert (ending["close_code"], ending["reason"]) == (1009, "frame_too_large")


@asynccontextmanager
async def plain(url):
    """A socket to the gateway that speaks no websocket."""
    host, port = url.removeprefix("ws://").partition("/")[0].split(":")
    with socket.create_connection((host, int(port))) as opened:
        opened.setblocking(False)
        yield opened


async def test_what_is_still_coming_does_not_keep_the_reason_from_the_station():
    """Closed over bytes on their way, the socket would be reset, and the close frame lost."""
    loop = asyncio.get_running_loop()
    async with gateway() as (url, _, log), plain(url) as station, asyncio.timeout(PATIENCE_S):
        await loop.sock_sendall(station, UPGRADE)
        assert b" 101 " in await loop.sock_recv(station, 4096)
        head = Frame(Opcode.TEXT, b"x" * 1_000_000).serialize(mask=True)[:1000]
        await loop.sock_sendall(station, head)
        assert (await loop.sock_recv(station, 4096))[2:4] == (1009).to_bytes(2, "big")
        for _ in range(10):
            await loop.sock_sendall(station, b"x" * 100_000)
        assert await loop.sock_recv(station, 4096) == b"", "an end in good order"
        station.shutdown(socket.SHUT_WR)
        await log.holds(3)


async def test_frames_that_come_with_the_handshake_are_taken():
    """A station that does not wait for our 101 is early; its frame is not lost."""
    loop = asyncio.get_running_loop()
    async with gateway() as (url, _, log), plain(url) as station, asyncio.timeout(PATIENCE_S):
        log.open = False
        early = Frame(Opcode.TEXT, HEARTBEAT.encode()).serialize(mask=True)
        await loop.sock_sendall(station, UPGRADE + early)
        await log.holds(1)
        assert [name for name, *_ in log.records] == ["connections"]
        log.open = True
        log.release()
        heard = b""
        while b'[3,"1"' not in heard:
            heard += await loop.sock_recv(station, 4096)
        assert heard.startswith(b"HTTP/1.1 101 ")


async def test_what_is_no_frame_after_the_request_ends_it_before_our_101():
    """Nothing can be said any more; the log and the books have a connection that ended."""
    loop = asyncio.get_running_loop()
    async with gateway() as (url, server, log), plain(url) as station, asyncio.timeout(PATIENCE_S):
        log.open = False
        await loop.sock_sendall(station, UPGRADE + b"\xff\xff")
        await log.holds(1)
        assert await loop.sock_recv(station, 4096) == b""
        log.release()
        station.close()
        await log.has("disconnected")
        counted = {one.family: one.value for one in server._metrics.samples()}
    assert log.of("connections")[-1]["close_code"] == 1006
    assert (counted["connects"], counted["connections"]) == (1, 0)


async def test_a_binary_frame_closes_1003_with_a_dead_letter():
    """OCPP-J has text frames only."""
    async with gateway() as (url, _, log), await Station.connect(url, "CS-1") as station:
        await station.send_binary(b"\x00\xff")
        assert (await station.closed())[0] == 1003
        assert log.of("rejected")[0]["rule"] == "binary_frame"


async def test_invalid_utf8_closes_1007_with_a_dead_letter():
    """RFC 6455 section 8.1; the text is kept with the bad bytes replaced."""
    async with gateway() as (url, _, log), await Station.connect(url, "CS-1") as station:
        await station.send_text(b'[2,"1","\xff",{}]')
        assert (await station.closed())[0] == 1007
        (letter,) = log.of("rejected")
        assert (letter["rule"], letter["text"]) == ("invalid_utf8", '[2,"1","\ufffd",{}]')


async def test_fragments_are_one_frame():
    """RFC 6455 section 5.4: a text in pieces, with a ping between them."""
    async with gateway() as (url, _, log), await Station.connect(url, "CS-1") as station:
        protocol, transport = station.socket.protocol, station.socket.transport
        half = len(HEARTBEAT) // 2
        protocol.send_text(HEARTBEAT[:half].encode(), fin=False)
        protocol.send_ping(b"x")
        protocol.send_continuation(HEARTBEAT[half:].encode(), fin=True)
        transport.write(b"".join(protocol.data_to_send()))
        assert json.loads(await station.receive_text())[:2] == [3, "1"]
        assert log.of("availability")[0]["message_id"] == "1"


async def test_a_piece_of_a_frame_is_a_sign_of_life():
    """A long frame over a slow line comes in pieces, and a simple station cannot pong meanwhile."""
    async with (
        gateway(kind=Server) as (url, server, _),
        await Station.connect(url, "CS-1") as station,
    ):
        session = server.router.current(b"CS-1").session
        before = session.deadline_s
        protocol, transport = station.socket.protocol, station.socket.transport
        protocol.send_text(b"[2", fin=False)
        transport.write(b"".join(protocol.data_to_send()))
        async with asyncio.timeout(PATIENCE_S):
            while session.deadline_s == before:  # noqa: ASYNC110 - there is no event for a piece
                await asyncio.sleep(0)


async def test_a_reserved_opcode_ends_the_connection_with_an_event():
    """What is no websocket is closed 1002, and the log says so."""
    async with gateway() as (url, _, log), await Station.connect(url, "CS-1") as station:
        data = bytearray(Frame(Opcode.PING, b"").serialize(mask=True))
        data[0] = 0x83
        station.socket.transport.write(bytes(data))
        assert (await station.closed())[0] == 1002
        await log.holds(2)
        assert log.of("connections")[-1]["close_code"] == 1002


async def test_a_dropped_socket_is_an_event():
    """A lost network has no close frame: 1006."""
    async with gateway() as (url, _, log):
        station = await Station.connect(url, "CS-1")
        station.abort()
        await log.holds(2)
        last = log.of("connections")[-1]
        assert (last["type"], last["close_code"], last["sequence"]) == ("disconnected", 1006, 1)
        await station.close()


@pytest.mark.slow
async def test_a_station_that_never_pongs_is_closed(monkeypatch):
    """A half-open socket: no frame, no pong, then 1011 and the event."""
    monkeypatch.setattr(link, "CLOSE_TIME_S", 0.2)
    async with gateway(kind=Server, ping_interval_s=1, ping_time_s=1) as (url, _, log):
        async with await Station.connect(url, "CS-1") as station:
            station.socket.transport.pause_reading()
            await log.holds(2)
            assert log.of("connections")[-1]["type"] == "disconnected"
            station.socket.transport.resume_reading()


async def flood(station):
    """Calls without end, from a station that never reads: the answers have nowhere to go."""
    station.socket.transport.pause_reading()
    with suppress(ConnectionClosed):
        while True:
            await station.send_text(json.dumps([2, "m" * 255, "Heartbeat", {}]))


@pytest.mark.slow
async def test_a_station_that_never_reads_is_closed(monkeypatch):
    """Its answers fill the socket, so it is not read either; it must not stay so for ever."""
    monkeypatch.setattr(link, "CLOSE_TIME_S", 0.2)
    pings = {"ping_interval_s": 0.2, "ping_time_s": 1}
    async with gateway(kind=Server, **pings) as (url, server, log):
        async with await Station.connect(url, "CS-1") as station:
            flooding = asyncio.create_task(flood(station))
            await log.has("disconnected")
            assert log.of("connections")[-1]["close_code"] == 1011
            assert not server.held
            station.socket.transport.abort()
            await flooding


async def test_a_socket_that_cannot_be_emptied_is_dropped(monkeypatch):
    """The station says goodbye and never reads what was sent to it before; there are no pings."""
    monkeypatch.setattr(link, "CLOSE_TIME_S", 0.2)
    async with gateway(ping_interval_s=0) as (url, server, log):
        async with await Station.connect(url, "CS-1") as station:
            held = server.router.current(b"CS-1")
            station.socket.transport.pause_reading()
            held.pause_writing()
            held._transport.write(b"x" * 50_000_000)
            protocol = station.socket.protocol
            protocol.send_close(1000, "")
            station.socket.transport.write(b"".join(protocol.data_to_send()))
            held.resume_writing()
            await log.has("disconnected")
            station.socket.transport.abort()


async def test_a_pong_keeps_a_silent_station():
    """Two pings are answered by themselves, and the connection is still there after both."""
    async with gateway(ping_interval_s=60, ping_time_s=30) as (url, server, log):
        server.loop, loop = Timers(), server.loop
        async with await Station.connect(url, "CS-1") as station:
            pinged: asyncio.Queue[Opcode] = asyncio.Queue()
            protocol = station.socket.protocol
            answer = protocol.recv_frame

            def notice(frame):
                pinged.put_nowait(frame.opcode)
                answer(frame)

            protocol.recv_frame = notice
            session = server.router.current(b"CS-1").session
            for _ in range(2):
                begun = server.now()
                now = Instant(begun.s + 60, begun.ms + 60_000)
                server.now = lambda now=now: now
                server.loop.strike()
                assert await asyncio.wait_for(pinged.get(), PATIENCE_S) is Opcode.PING
                async with asyncio.timeout(PATIENCE_S):
                    while session.deadline_s != now.s + 60:  # noqa: ASYNC110 - nor for a pong
                        await asyncio.sleep(0)
            server.loop = loop
            assert (await station.call("Heartbeat")).ok
            assert len(log.of("connections")) == 1


async def test_a_station_that_leaves_during_the_handshake_leaves_no_connection_open():
    """`connected` may be in the log already: then `disconnected` follows, with its epoch."""
    async with gateway() as (url, _, log):
        log.open = False
        connecting = asyncio.create_task(Station.connect(url, "CS-1"))
        await log.holds(1)
        connecting.cancel()
        await asyncio.gather(connecting, return_exceptions=True)
        log.open = True
        log.release()
        await log.holds(2)
        last = log.of("connections")[-1]
        assert (last["type"], last["epoch"], last["sequence"]) == ("disconnected", 0, 1)


async def test_a_slow_handshake_is_dropped():
    """A socket that sends no request holds its place only so long."""
    async with gateway(handshake_time_s=0.2) as (url, _, log):
        host, port = url.removeprefix("ws://").partition("/")[0].split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /ocpp/CS-1 HTTP/1.1\r\n")
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), PATIENCE_S)
        writer.close()
        assert log.records == []


async def test_a_drain_answers_what_is_in_hand_and_closes_1012():
    """SIGTERM: calls that came are answered, then the station is sent away."""
    async with gateway() as (url, server, log), await Station.connect(url, "CS-1") as station:
        log.open = False
        answer = await station.send_call("Heartbeat")
        await log.holds(3)
        draining = asyncio.create_task(server.drain())
        await asyncio.sleep(0)
        assert not draining.done()
        log.open = True
        log.release()
        assert (await asyncio.wait_for(answer, PATIENCE_S))[0] == 3
        assert (await station.closed())[0] == 1012
        await asyncio.wait_for(draining, PATIENCE_S)
