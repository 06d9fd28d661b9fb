"""What stations should never send, over real sockets: answered rightly, kept, and survived."""

import asyncio
import base64
import json
import os
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

import pytest
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.frames import Frame, Opcode

from deploy.local.kafka import Broker
from tests.end_to_end.gateways import Fleet, Gateway, Logged, until
from tests.station import PATIENCE_S, Station

pytestmark = pytest.mark.kafka

FRAME_LIMIT = 262_144


@dataclass(frozen=True, slots=True)
class Place:
    """The gateways that all tests of this module share."""

    fleet: Fleet
    gateway: Gateway
    # With little patience: it pings after a second, and handshakes take one at most. A pong may be
    # as late as a machine that stands still for ten makes it.
    brisk: Gateway

    async def rejected(self, station: str) -> list[Logged]:
        """The dead letters of a station."""
        return [one for one in await self.fleet.log("rejected") if one["station"] == station]

    async def ending(self, station: str) -> Logged:
        """The last event of a station's connection, when it is there."""

        def there(log: list[Logged]) -> bool:
            return any(one["station"] == station and one["type"] == "disconnected" for one in log)

        log = await self.fleet.logged(there, "connections")
        return [one for one in log if one["station"] == station][-1]


@pytest.fixture(scope="module")
def place(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    fleet = Fleet(kafka.bootstrap, f"bad-{os.getpid()}.", tmp_path_factory.mktemp("bad"))

    async def start() -> Place:
        await fleet.topics()
        brisk = fleet.launch(ping_interval_s=1, ping_time_s=11, handshake_time_s=1)
        gateway = await fleet.start()
        await brisk.ready()
        return Place(fleet, gateway, brisk)

    async def end() -> None:
        async with fleet:
            for gateway in fleet.gateways:
                gateway.terminate()
            for gateway in fleet.gateways:
                assert await gateway.ended() == 0
                assert "Traceback" not in gateway.said()

    try:
        yield asyncio.run(start())
        asyncio.run(end())
    finally:
        for gateway in fleet.gateways:
            gateway.kill()


@dataclass(frozen=True, slots=True)
class Case:
    """A text, and what becomes of it: the error word that answers it, None for no answer."""

    name: str
    version: str
    text: str
    rule: str
    code: str | None = None
    message_id: str = "1"


FORMAT_16, FORMAT_2, FRAMEWORK = "FormationViolation", "FormatViolation", "RpcFrameworkError"
STATUS = (
    '[2,"1","StatusNotification",{"connectorId":%s,"errorCode":"NoError","status":"Available"}]'
)
BOOT = '[2,"1","BootNotification",{%s}]'
CASES = (
    Case("half a frame", "1.6", '[2,"1","Heartbeat",{', "malformed_json", FORMAT_16),
    Case("half a frame 2.x", "2.0.1", '[2,"1","Heartbeat",{', "malformed_json", FORMAT_2),
    Case("no JSON", "1.6", "Hello?", "malformed_json"),
    Case("no JSON 2.0.1", "2.0.1", "Hello?", "malformed_json", FRAMEWORK, "-1"),
    Case("no JSON 2.1", "2.1", "Hello?", "malformed_json", FRAMEWORK, "-1"),
    Case("an object", "1.6", '{"2":"1"}', "malformed_json"),
    Case("half a result", "1.6", '[3,"1",{', "malformed_json"),
    Case("nothing", "1.6", "", "empty_frame"),
    Case("blanks", "2.0.1", "  \n", "empty_frame"),
    Case("an empty list", "1.6", "[]", "unknown_message_type"),
    Case("three elements", "1.6", '[2,"1","Heartbeat"]', "arity", FORMAT_16),
    Case("five elements", "1.6", '[2,"1","Heartbeat",{},1]', "arity", FORMAT_16),
    Case("three elements 2.x", "2.0.1", '[2,"1","Heartbeat"]', "arity", FRAMEWORK),
    Case("a short result", "1.6", '[3,"1"]', "arity"),
    Case("an unknown type", "1.6", '[9,"1",{}]', "unknown_message_type"),
    Case(
        *("an unknown type 2.x", "2.0.1", '[9,"1",{}]'),
        *("unknown_message_type", "MessageTypeNotSupported"),
    ),
    Case("SEND before 2.1", "1.6", '[6,"1","Heartbeat",{}]', "unknown_message_type"),
    Case("an unknown SEND", "2.1", '[6,"1","NotifyNothing",{}]', "unknown_action"),
    Case("a CALL as SEND", "2.1", '[6,"1","Heartbeat",{}]', "wrong_frame_kind"),
    Case("an unknown action", "1.6", '[2,"1","Nonsense",{}]', "unknown_action", "NotImplemented"),
    Case("in lower case", "1.6", '[2,"1","heartbeat",{}]', "unknown_action", "NotImplemented"),
    Case("a list as action", "1.6", '[2,"1",["Heartbeat"],{}]', "action", FORMAT_16),
    Case("our own call", "1.6", '[2,"1","ClearCache",{}]', "wrong_direction", "NotSupported"),
    Case("our own call 2.x", "2.0.1", '[2,"1","ClearCache",{}]', "wrong_direction", "NotSupported"),
    Case(
        *("an endless message id", "1.6", f'[2,"{"i" * 300}","Heartbeat",{{}}]'),
        *("message_id", FORMAT_16, "i" * 255),
    ),
    Case("a number as id", "1.6", '[2,12,"Heartbeat",{}]', "message_id", FORMAT_16, "12"),
    Case("an empty id", "2.0.1", '[2,"","Heartbeat",{}]', "message_id", FRAMEWORK, "-1"),
    Case("null as id", "2.0.1", '[2,null,"Heartbeat",{}]', "message_id", FRAMEWORK, "-1"),
    Case("deep", "1.6", "[" * 100_000 + "]" * 100_000, "nesting"),
    Case("deep 2.x", "2.0.1", "[" * 100_000 + "]" * 100_000, "nesting", FRAMEWORK, "-1"),
    Case(
        *("a deep payload", "2.0.1"),
        f'[2,"1","DataTransfer",{{"vendorId":"v","data":{"[" * 50_000 + "]" * 50_000}}}]',
        *("nesting", FORMAT_2),
    ),
    Case("NaN", "1.6", STATUS % "NaN", "malformed_json", FORMAT_16),
    Case("Infinity", "2.0.1", STATUS % "-Infinity", "malformed_json", FORMAT_2),
    Case(
        *("a missing field", "1.6", BOOT % '"chargePointVendor":"v"'),
        *("missing_field", "OccurenceConstraintViolation"),
    ),
    Case(
        *("a missing field 2.x", "2.0.1", BOOT % '"reason":"PowerUp"'),
        *("missing_field", "OccurrenceConstraintViolation"),
    ),
    Case(
        *("a wrong type", "1.6", BOOT % '"chargePointVendor":{},"chargePointModel":"m"'),
        *("wrong_type", "TypeConstraintViolation"),
    ),
    Case("a list as payload", "1.6", '[2,"1","Heartbeat",[]]', "not_an_object", FORMAT_16),
    Case(
        *("half a surrogate pair", "1.6", '[2,"1","DataTransfer",{"vendorId":"\\ud800"}]'),
        *("lone_surrogate", FORMAT_16),
    ),
    Case("a result for nobody", "1.6", '[3,"no",{}]', "unsolicited_answer"),
    Case("an error for nobody", "2.0.1", '[4,"no","GenericError","",{}]', "unsolicited_answer"),
    Case("a result error for nobody", "2.1", '[5,"no","Generic","",{}]', "unsolicited_answer"),
    # Nothing is cut off below the frame limit.
    Case("long", "1.6", f'[2,"1","{"x" * 250_000}",{{}}]', "unknown_action", "NotImplemented"),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_frame_that_cannot_be_taken(place: Place, case: Case) -> None:
    """The right CALLERROR or none, one dead letter with all of it, and the next CALL works."""
    name = f"bad: {case.name}"
    async with await Station.connect(place.gateway.url, name, (f"ocpp{case.version}",)) as station:
        await station.send_text(case.text)
        received = None
        if case.code is not None:
            received = await station.receive_text()
            kind, message_id, code, description, details = json.loads(received)
            assert (kind, code, message_id, details) == (4, case.code, case.message_id, {})
            assert isinstance(description, str)
            assert len(description) <= 255
        assert (await station.call("Heartbeat", message_id="after")).ok
    (letter,) = await place.rejected(name)
    assert (letter["rule"], letter["text"]) == (case.rule, case.text)
    assert letter["size"] == len(case.text.encode())
    assert letter["answer"] == received
    assert letter["sequence"] == 1
    assert letter["answer_sequence"] == (None if received is None else 2)
    assert (await place.ending(name))["sequence"] == (4 if received is None else 5)


@dataclass(frozen=True, slots=True)
class Bent:
    """A text that is taken all the same; `keeps_text` where its typed payload has not all of it."""

    name: str
    text: str
    deviations: tuple[str, ...]
    keeps_text: bool = False
    topic: str = "availability"


BENT = (
    Bent(
        "a key twice",
        BOOT % '"chargePointVendor":"a","chargePointModel":"m","chargePointVendor":"b"',
        ("duplicate_key",),
        keeps_text=True,
        topic="provisioning",
    ),
    Bent("a long message id", f'[2,"{"1" * 100}","Heartbeat",{{}}]', ("over_long_message_id",)),
    Bent("null as payload", '[2,"1","Heartbeat",null]', ("null_payload",), keeps_text=True),
    Bent("a property too many", '[2,"1","Heartbeat",{"x":1}]', ("unknown_property",)),
    Bent("blanks", ' [ 2 , "1" ,\n"Heartbeat" , { } ] ', ()),
    Bent(
        "no number of Avro",
        '[2,"1","StopTransaction",{"meterStop":1000000000000000000000000,"transactionId":-1,'
        '"timestamp":"2026-11-21T10:00:00Z"}]',
        ("oversize_number",),
        keeps_text=True,
        topic="transactions",
    ),
    Bent(
        "no value, no time",
        '[2,"1","MeterValues",{"connectorId":0,"transactionId":9223372036854775807,"meterValue":'
        '[{"timestamp":"","sampledValue":[{"value":"NaN","measurand":"Request.Energy"}]}]}]',
        ("unreadable_timestamp", "unknown_word"),
        keeps_text=True,
        topic="metering",
    ),
)


@pytest.mark.parametrize("bent", BENT, ids=lambda bent: bent.name)
async def test_a_frame_that_is_bent(place: Place, bent: Bent) -> None:
    """It is answered, its event names what was bent, and the text is kept where that is more."""
    name = f"bent: {bent.name}"
    async with await Station.connect(place.gateway.url, name) as station:
        await station.send_text(bent.text)
        assert (await station.receive())[0] == 3
        assert (await station.call("Heartbeat", message_id="after")).ok
    log = await place.fleet.log(bent.topic)
    event = next(one for one in log if one["station"] == name and one["sequence"] == 1)
    assert event["deviations"] == [*bent.deviations]
    assert event["raw"] == (bent.text if bent.keeps_text else None)
    assert await place.rejected(name) == []


# Frames after which there is nothing more to say: close code, rule, text of the dead letter.


async def send_binary(station: Station) -> int:
    await station.send_binary(b'[2,"1","Heartbeat",{}]')
    return 22


async def send_no_utf8(station: Station) -> int:
    await station.send_text(b'[2,"\xff","Heartbeat",{}]')
    return 22


async def send_too_much(station: Station) -> int:
    text = '[2,"1","DataTransfer",{"vendorId":"v","data":"' + "x" * 10_485_760 + '"}]'
    with suppress(ConnectionClosed):  # it may be over before all of it is out
        await station.send_text(text)
    return len(text)


async def send_too_much_in_pieces(station: Station) -> int:
    with suppress(ConnectionClosed):
        await station.socket.send("x" * 60_000 for _ in range(6))
    return 300_000


END: Mapping[str, tuple[Callable[[Station], Awaitable[int]], int, str, str]] = {
    "binary": (send_binary, 1003, "binary_frame", '[2,"1","Heartbeat",{}]'),
    "no UTF-8": (send_no_utf8, 1007, "invalid_utf8", '[2,"\ufffd","Heartbeat",{}]'),
    "ten MiB": (send_too_much, 1009, "frame_too_large", ""),
    "pieces": (send_too_much_in_pieces, 1009, "frame_too_large", ""),
}


@pytest.mark.parametrize("name", END)
async def test_a_frame_that_ends_the_connection(place: Place, name: str) -> None:
    """The close code says why, the dead letter what is known; what was asked before is answered."""
    send, code, rule, text = END[name]
    async with await Station.connect(place.gateway.url, name) as station:
        assert (await station.call("Heartbeat", message_id="before")).ok
        size = await send(station)
        assert (await station.closed())[0] == code
    ending = await place.ending(name)
    assert (ending["close_code"], ending["reason"]) == (code, rule)
    (letter,) = await place.rejected(name)
    assert (letter["rule"], letter["text"], letter["answer"]) == (rule, text, None)
    assert letter["sequence"] == 3
    assert ending["sequence"] == 4
    assert letter["size"] >= size if rule == "frame_too_large" else letter["size"] == size
    async with await Station.connect(place.gateway.url, name) as again:
        assert (await again.call("Heartbeat", message_id="again")).ok


async def test_the_largest_frame_and_one_in_pieces(place: Place) -> None:
    """A frame up to the limit is taken, whether in one piece or many."""
    text = '[2,"1","DataTransfer",{"vendorId":"v","data":"%s"}]'
    text %= "x" * (FRAME_LIMIT - len(text) + 2)
    assert len(text) == FRAME_LIMIT
    async with await Station.connect(place.gateway.url, "LARGE") as station:
        await station.send_text(text)
        assert (await station.receive())[:2] == [3, "1"]
        await station.socket.send(text[at : at + 1000] for at in range(0, len(text), 1000))
        assert (await station.receive())[:2] == [3, "1"]
    events = [one for one in await place.fleet.log("data-transfer") if one["station"] == "LARGE"]
    assert [one["kind"] for one in events] == ["call", "result"] * 2
    assert json.dumps([2, "1", "DataTransfer", events[0].payload], separators=(",", ":")) == text


async def test_calls_without_waiting(place: Place) -> None:
    """Hundreds at once, bad ones between them: each is answered, in the order of the calls."""
    async with await Station.connect(place.gateway.url, "PIPE") as station:
        for number in range(300):
            action = "Nonsense" if number % 10 == 9 else "Heartbeat"
            await station.send_text(json.dumps([2, str(number), action, {}]))
        answers = [await station.receive() for _ in range(300)]
    assert [answer[1] for answer in answers] == [str(number) for number in range(300)]
    assert [answer[0] for answer in answers] == ([3] * 9 + [4]) * 30
    assert len(await place.rejected("PIPE")) == 30
    log = [one for one in await place.fleet.log("availability") if one["station"] == "PIPE"]
    assert len(log) == 2 * 270
    assert (await place.ending("PIPE"))["sequence"] == 601


async def test_a_call_id_used_twice(place: Place) -> None:
    """A retry with the same message id is a call like any other, and is answered."""
    async with await Station.connect(place.gateway.url, "TWICE") as station:
        for _ in range(3):
            await station.send_text('[2,"1","Heartbeat",{}]')
        assert [(await station.receive())[:2] for _ in range(3)] == [[3, "1"]] * 3


# Half-open sockets.


async def test_a_station_that_vanishes(place: Place) -> None:
    """No FIN, no pong: the ping finds out, and the log says so."""
    station = await come(place.brisk, "GONE")
    async with dropping(station):
        assert (await station.call("Heartbeat")).ok
        station.socket.transport.pause_reading()
        ending = await place.ending("GONE")
        assert (ending["close_code"], ending["reason"]) == (1011, "ping_time")


async def test_a_station_that_is_silent_but_alive(place: Place) -> None:
    """It answers pings, so it stays; and it need not say anything else."""
    async with await come(place.brisk, "QUIET") as station:
        pings = await seen(station, Opcode.PING, 2)  # the second one when the first was answered
        assert pings >= 2
        assert (await station.call("Heartbeat")).ok


async def test_a_station_that_sends_and_never_reads(place: Place) -> None:
    """It is held back, costs nobody anything, and is let go when its pongs stay out."""
    station = await come(place.brisk, "DEAF", receive_bytes=4096)

    async def flood() -> None:
        call = json.dumps([2, "1" * 250, "Heartbeat", {}])  # a long answer fills buffers sooner
        with suppress(ConnectionClosed):
            while True:
                await station.send_text(call)
                await asyncio.sleep(0)  # the others' turn, while the socket still takes it

    async def held() -> bool:
        return (await place.brisk.metrics())["paused"] > 0

    async with dropping(station), await come(place.brisk, "BESIDE") as beside:
        station.socket.transport.pause_reading()
        flooding = asyncio.create_task(flood())
        await until(held, "it is not held back")
        assert (await beside.call("Heartbeat")).ok
        ending = await place.ending("DEAF")
        assert (ending["close_code"], ending["reason"]) == (1011, "ping_time")
        assert (await beside.call("Heartbeat")).ok
    await flooding


async def come(gateway: Gateway, name: str, receive_bytes: int | None = None) -> Station:
    """A station at a gateway without patience: it tries until a handshake was quick enough."""

    async def connected() -> Station | None:
        own = socket.socket()
        own.setblocking(False)
        if receive_bytes is not None:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        try:
            await asyncio.get_running_loop().sock_connect(own, ("127.0.0.1", gateway.port))
            return await Station.connect(gateway.url, name, sock=own, max_queue=None)
        except (OSError, WebSocketException):
            own.close()
            return None

    station: Station = await until(connected, f"{name} does not get in")
    return station


@asynccontextmanager
async def dropping(station: Station) -> AsyncIterator[None]:
    """Drop the socket in the end, without a word."""
    try:
        yield
    finally:
        station.abort()
        await station.closed()


async def seen(station: Station, opcode: Opcode, count: int) -> int:
    """Wait for so many frames of this kind from the gateway."""
    number, enough = 0, asyncio.Event()
    protocol = station.socket.protocol
    take = protocol.recv_frame

    def counted(frame: Frame) -> None:
        nonlocal number
        number += frame.opcode is opcode
        if number >= count:
            enough.set()
        take(frame)

    protocol.recv_frame = counted  # type: ignore[method-assign]
    await asyncio.wait_for(enough.wait(), PATIENCE_S)
    return number


# Handshakes.

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
KEY = base64.b64encode(bytes(16)).decode()
UPGRADE = {
    "Host": "gateway:9000",
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Protocol": "ocpp1.6",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: str


@asynccontextmanager
async def opened(gateway: Gateway) -> AsyncIterator[Streams]:
    """A socket without manners."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def asking(
    gateway: Gateway,
    path: str,
    headers: Mapping[str, str | None] | None = None,
    *,
    lower: bool = False,
    more: bytes = b"",
) -> AsyncIterator[tuple[Answer, Streams]]:
    """Ask for an upgrade in our own words; None leaves a header out."""
    wanted = {k: v for k, v in (UPGRADE | dict(headers or {})).items() if v is not None}
    lines = [f"{name.lower() if lower else name}: {value}\r\n" for name, value in wanted.items()]
    async with opened(gateway) as (reader, writer):
        writer.write(f"GET {path} HTTP/1.1\r\n{''.join(lines)}\r\n".encode() + more)
        async with asyncio.timeout(PATIENCE_S):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *rest = head.splitlines()
            found = dict(line.lower().split(": ", 1) for line in rest if line)
            body = await reader.readexactly(int(found.get("content-length", "0")))
        yield Answer(int(first.split()[1]), found, body.decode()), (reader, writer)


@pytest.mark.parametrize(
    ("path", "headers", "status", "says"),
    [
        ("/ocpp/CS%zz", {}, 400, "percent"),
        ("/ocpp/CS%", {}, 400, "percent"),
        ("/ocpp/%FF", {}, 400, "percent"),
        ("/ocpp/%00", {}, 400, "control"),
        ("/ocpp/" + "x" * 49, {}, 400, "48"),
        ("/ocpp/", {}, 400, "1 to 48"),
        ("/ocpp", {}, 404, "/ocpp/<station id>"),
        ("/ocpp/a/b", {}, 404, "/ocpp/"),
        ("/", {}, 404, "/ocpp/<station id>"),
        ("/ocpp/CS-1", {"Sec-WebSocket-Protocol": None}, 400, "Sec-WebSocket-Protocol is missing"),
        ("/ocpp/CS-1", {"Sec-WebSocket-Protocol": "ocpp1.5"}, 400, "ocpp1.6, ocpp2.0.1, ocpp2.1"),
        ("/ocpp/CS-1", {"Connection": "close"}, 426, "connection"),
        ("/ocpp/CS-1", {"Connection": None}, 426, "connection"),
        ("/ocpp/CS-1", {"Upgrade": "h2c"}, 426, "websocket"),
        ("/ocpp/CS-1", {"Sec-WebSocket-Key": None}, 400, "Sec-WebSocket-Key"),
        ("/ocpp/CS-1", {"Sec-WebSocket-Key": "short"}, 400, "Sec-WebSocket-Key"),
        ("/ocpp/CS-1", {"Sec-WebSocket-Version": "8"}, 400, "Sec-WebSocket-Version"),
    ],
)
async def test_a_handshake_that_is_refused(
    place: Place, path: str, headers: dict[str, str | None], status: int, says: str
) -> None:
    """The status and a body for a person; the socket is closed, and the gateway lives."""
    async with asking(place.gateway, path, headers) as (answer, (reader, _)):
        assert answer.status == status
        assert says.lower() in answer.body.lower()
        assert await asyncio.wait_for(reader.read(), PATIENCE_S) == b"", "the socket is closed"


@pytest.mark.parametrize(
    ("headers", "lower"),
    [
        ({}, True),
        ({"Host": "gateway"}, False),
        ({"Connection": "keep-alive, Upgrade"}, False),
        ({"Upgrade": "WebSocket"}, False),
        ({"Sec-WebSocket-Protocol": "ocpp1.5, ocpp1.6,ocpp2.0.1"}, False),
        ({"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}, False),
        ({"Authorization": "Basic Og==", "Cookie": "x=1"}, False),
        ({"User-Agent": "x" * 4000}, False),
    ],
)
async def test_a_handshake_in_its_own_words(
    place: Place, headers: dict[str, str], lower: bool
) -> None:
    """Header names in lower case, Host without a port, compression offered: all are welcome."""
    path = f"/ocpp/{uuid.uuid4()}?x=1"
    async with asking(place.gateway, path, headers, lower=lower) as (answer, (reader, writer)):
        assert answer.status == 101
        assert answer.headers["sec-websocket-protocol"] == "ocpp1.6"
        assert "sec-websocket-extensions" not in answer.headers, "compression is off"
        writer.write(Frame(Opcode.TEXT, b'[2,"1","Heartbeat",{}]').serialize(mask=True))
        head = await asyncio.wait_for(reader.readexactly(2), PATIENCE_S)
        assert head[0] == 0x81, "a text frame, whole, not compressed"
        assert (await reader.readexactly(head[1])).startswith(b'[3,"1",{"currentTime"')


async def test_frames_in_one_go_with_the_handshake(place: Place) -> None:
    """A station that does not wait for the 101 is early, not wrong: its frame is answered."""
    early = Frame(Opcode.TEXT, b'[2,"1","Heartbeat",{}]').serialize(mask=True)
    async with asking(place.gateway, "/ocpp/EARLY", more=early) as (answer, (reader, _)):
        assert answer.status == 101
        head = await asyncio.wait_for(reader.readexactly(2), PATIENCE_S)
        assert (await reader.readexactly(head[1])).startswith(b'[3,"1",{"currentTime"')


async def test_handshakes_that_take_too_long(place: Place) -> None:
    """Sockets that say nothing, or a letter now and then, are dropped; others come in meanwhile."""
    before = await place.brisk.metrics()
    loop = asyncio.get_running_loop()
    before_s = loop.time()
    async with AsyncExitStack() as stack:
        slow = [await stack.enter_async_context(opened(place.brisk)) for _ in range(20)]
        for _, writer in slow[::2]:
            writer.write(b"GET /ocpp/SLOW HTTP/1.1\r\nHost: x\r\nX-")
        station = await stack.enter_async_context(await come(place.brisk, "QUICK"))
        assert (await station.call("Heartbeat")).ok
        for reader, _ in slow:
            with suppress(ConnectionError):
                assert await asyncio.wait_for(reader.read(), PATIENCE_S) == b""
        assert loop.time() - before_s > 0.9
        assert (await station.call("Heartbeat")).ok
    name = 'refusals_total{reason="handshake_time"}'
    assert (await place.brisk.metrics())[name] - before.get(name, 0) >= 20


@pytest.mark.parametrize(
    "said",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
        b"HELO station\r\n\r\n",
        b"GET /ocpp/CS-1 HTTP/1.0\r\n\r\n",
        b"POST /ocpp/CS-1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
        b"GET /ocpp/CS-1 HTTP/1.1\r\n" + b"X: " + b"x" * 100_000 + b"\r\n\r\n",
        b"GET /ocpp/CS-1 HTTP/1.1\r\n" + b"X: x\r\n" * 5000 + b"\r\n",
        b"\0" * 1000,
        b"",
    ],
    ids=["TLS", "SMTP", "HTTP/1.0", "POST", "a long line", "many lines", "zeros", "nothing"],
)
async def test_what_is_no_handshake(place: Place, said: bytes) -> None:
    """The socket is closed, whoever rings; nobody else notices."""
    async with await come(place.brisk, "NEXT DOOR") as station:
        async with opened(place.brisk) as (reader, writer):
            writer.write(said)
            if not said:
                writer.write_eof()
            with suppress(ConnectionError):
                answer = await asyncio.wait_for(reader.read(), PATIENCE_S)
                assert answer[:13] in (b"", b"HTTP/1.1 400 ", b"HTTP/1.1 426 ", b"HTTP/1.1 431 ")
        assert (await station.call("Heartbeat")).ok


async def test_frames_that_break_the_websocket(place: Place) -> None:
    """Unmasked, reserved bits, a stray continuation, ...: 1002, its ending in the log, no harm."""
    for number, bad in enumerate(
        [
            Frame(Opcode.TEXT, b"[]").serialize(mask=False),
            b"\xc1\x80\0\0\0\0",
            Frame(Opcode.CONT, b"[]").serialize(mask=True),
            b"\x83\x80\0\0\0\0",
            b"\x09\x80\0\0\0\0",
        ]
    ):
        async with asking(place.gateway, f"/ocpp/BROKEN-{number}") as (answer, (reader, writer)):
            assert answer.status == 101
            writer.write(bad)
            left = await asyncio.wait_for(reader.read(), PATIENCE_S)
        assert left[:1] == b"\x88"
        assert left[2:4] == (1002).to_bytes(2, "big")
        ending = await place.ending(f"BROKEN-{number}")
        assert (ending["close_code"], ending["reason"]) == (1002, "protocol_error")
