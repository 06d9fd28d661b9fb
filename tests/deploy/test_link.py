"""One connection of a simulated station, and the books of what passed on it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from deploy.local import link as module
from deploy.local.calls import Payload
from deploy.local.effects import Answer, Effect, Restart
from deploy.local.link import Books, Hearing, Link, OfflineError, WrongAnswerError

Server = Callable[[ServerConnection], Awaitable[None]]


def restarts(action: str, payload: Payload) -> Answer:
    """The answer of a station that knows nothing but Reset."""
    return {"Reset": ({"status": "Accepted"}, (Restart("Soft"),))}[action]


@asynccontextmanager
async def linked(
    server: Server,
    books: Books,
    version: str = "1.6",
    heard: list[Effect] | None = None,
    answer: Callable[[str, Payload], Answer] = restarts,
) -> AsyncIterator[Link]:
    """A link to a server that does what it is told."""
    names = [Subprotocol(f"ocpp{version}")]
    effects = [] if heard is None else heard
    async with serve(server, "127.0.0.1", 0, subprotocols=names) as listening:
        port = listening.sockets[0].getsockname()[1]
        uri = f"ws://127.0.0.1:{port}/S"
        async with connect(uri, subprotocols=names, proxy=None) as socket:
            link = Link("S", version, socket, books, Hearing(answer, effects.append))
            running = asyncio.create_task(link.run())
            yield link
            await link.close()
            await running


async def test_an_answer_after_the_time_is_wrong_but_in_the_books(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was answered was answered, whether the station still waits for it or not."""
    monkeypatch.setattr(module, "ANSWER_S", 0.05)
    late, books = asyncio.Event(), list[module.Entry]()

    async def server(socket: ServerConnection) -> None:
        first = json.loads(await socket.recv())
        await late.wait()
        now = {"currentTime": "2026-01-01T00:00:00Z"}
        await socket.send(json.dumps([3, first[1], now]))
        second = json.loads(await socket.recv())
        await socket.send(json.dumps([3, second[1], now]))
        await socket.wait_closed()

    async with linked(server, books) as link:
        with pytest.raises(WrongAnswerError):
            await link.call("Heartbeat", {}, "a")
        assert books[0].answer is None
        late.set()
        monkeypatch.setattr(module, "ANSWER_S", 30)
        link._point._response_timeout = 30
        assert await link.call("Heartbeat", {}, "b") == {"currentTime": "2026-01-01T00:00:00Z"}
    assert [entry.answer and entry.answer[1] for entry in books] == ["a", "b"]


async def test_a_call_on_a_connection_that_ends_is_offline() -> None:
    """At once, not after the answer time; so is every later one."""
    books: Books = []

    async def server(socket: ServerConnection) -> None:
        await socket.recv()
        socket.transport.abort()

    async with linked(server, books) as link:
        async with asyncio.timeout(30):
            with pytest.raises(OfflineError):
                await link.call("Heartbeat", {}, "a")
            with pytest.raises(OfflineError):
                await link.call("Heartbeat", {}, "b")
    assert [(entry.message_id, entry.answer) for entry in books] == [("a", None)]


async def test_a_payload_of_ours_that_breaks_its_schema_is_a_bug() -> None:
    """It never goes out, and it is not taken for a wrong answer."""

    async def server(socket: ServerConnection) -> None:
        await socket.wait_closed()

    books: Books = []
    async with linked(server, books) as link:
        with pytest.raises(Exception, match="TypeConstraint"):
            await link.call("Authorize", {"idTag": "x" * 30}, "a")
    assert list(books) == []


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_a_call_is_answered_before_its_effect_is_performed(version: str) -> None:
    """NotImplemented for an action without an answer, also in 2.1."""
    answers: asyncio.Queue[list[object]] = asyncio.Queue()
    heard: list[Effect] = []

    async def server(socket: ServerConnection) -> None:
        kind = "Soft" if version == "1.6" else "OnIdle"
        await socket.send(json.dumps([2, "r", "Reset", {"type": kind}]))
        await socket.send(json.dumps([2, "c", "ClearCache", {}]))
        try:
            async for text in socket:
                answers.put_nowait(json.loads(text))
        except ConnectionClosed:
            return

    async with linked(server, [], version, heard):
        async with asyncio.timeout(30):
            assert await answers.get() == [3, "r", {"status": "Accepted"}]
            second = await answers.get()
    assert second[:3] == [4, "c", "NotImplemented"]
    assert heard == [Restart("Soft")]


async def test_names_that_the_package_would_change_pass_as_they_are() -> None:
    """Both ways: soC in what is said, limit_L2 in what is asked."""
    answers: asyncio.Queue[list[object]] = asyncio.Queue()
    period = {"startPeriod": 0, "limit": 9.0, "limit_L2": 8.0}
    schedule = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [period]}
    asked = {
        "evseId": 1,
        "chargingProfile": {
            "id": 1,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Relative",
            "chargingSchedule": [schedule],
        },
    }
    heard: list[Payload] = []

    async def server(socket: ServerConnection) -> None:
        swap = json.loads(await socket.recv())
        answers.put_nowait(swap)
        await socket.send(json.dumps([3, swap[1], {}]))
        await socket.send(json.dumps([2, "p", "SetChargingProfile", asked]))
        answers.put_nowait(json.loads(await socket.recv()))
        await socket.wait_closed()

    def answer(action: str, payload: Payload) -> Answer:
        heard.append(payload)
        return {"status": "Accepted"}, ()

    battery = {"evseId": 1, "serialNumber": "1", "soC": 90.0, "soH": 95.5}
    token = {"idToken": "T", "type": "Central"}
    said = {"batteryData": [battery], "eventType": "BatteryIn", "idToken": token, "requestId": 1}
    async with linked(server, [], "2.1", answer=answer) as link:
        await link.call("BatterySwap", said, "b")
        async with asyncio.timeout(30):
            assert (await answers.get())[3] == said
            assert await answers.get() == [3, "p", {"status": "Accepted"}]
    assert heard == [asked]


async def test_what_no_schema_forbids_and_nobody_understands_is_refused() -> None:
    """PropertyConstraintViolation, and the connection lives on."""
    answers: asyncio.Queue[list[object]] = asyncio.Queue()

    async def server(socket: ServerConnection) -> None:
        for name in ("a", "b"):
            await socket.send(json.dumps([2, name, "ClearCache", {}]))
            answers.put_nowait(json.loads(await socket.recv()))
        await socket.wait_closed()

    def answer(action: str, payload: Payload) -> Answer:
        raise ValueError(action)

    async with linked(server, [], answer=answer), asyncio.timeout(30):
        words = [(await answers.get())[:3] for _ in range(2)]
    assert words == [[4, name, "PropertyConstraintViolation"] for name in ("a", "b")]
