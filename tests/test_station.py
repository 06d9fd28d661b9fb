"""The scripted station does what the tests that rely on it assume."""

import json
from collections.abc import AsyncIterator
from http import HTTPStatus

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from tests.station import Station


async def _central(socket: ServerConnection) -> None:
    """Answer each CALL; a few actions ask for something else."""
    async for text in socket:
        assert isinstance(text, str)
        frame = json.loads(text)
        match frame:
            case [2, _, "Fail", _]:
                await socket.send(json.dumps([4, frame[1], "InternalError", "", {"a": 1}]))
            case [2, _, "Ask", _]:
                await socket.send('[2,"g1","Reset",{"type":"Soft"}]')
                await socket.send(json.dumps([3, frame[1], {}]))
            case [2, _, "Leave", _]:
                await socket.close(1012, "restart")
            case [2, _, _, payload]:
                await socket.send(json.dumps([3, frame[1], payload]))
            case [3 | 4, *_]:
                await socket.send(json.dumps([2, "seen", "DataTransfer", {"got": text}]))


@pytest.fixture
async def url() -> AsyncIterator[str]:
    def paths(socket: ServerConnection, request: Request) -> Response | None:
        return None if request.path.startswith("/ocpp/") else socket.respond(HTTPStatus(404), "no")

    async with serve(
        _central, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp1.6")], process_request=paths
    ) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ocpp"


async def test_a_call_returns_its_answer_and_both_are_in_the_books(url: str) -> None:
    """Results and errors come back as values; the books hold the frames."""
    async with await Station.connect(url, "A/B 1") as station:
        assert station.subprotocol == "ocpp1.6"
        assert (await station.call("Heartbeat")).payload == {}
        error = await station.call("Fail", message_id="x")
        assert (error.ok, error.code, error.details) == (False, "InternalError", {"a": 1})
        assert [(e.message_id, e.action) for e in station.answered()] == [
            ("1", "Heartbeat"),
            ("x", "Fail"),
        ]


async def test_a_call_of_the_other_side_is_received_beside_an_open_call(url: str) -> None:
    """The inbox keeps what is not an answer, and `answer` refers to it."""
    async with await Station.connect(url, "A") as station:
        assert (await station.call("Ask")).ok
        command = await station.receive()
        assert command == [2, "g1", "Reset", {"type": "Soft"}]
        await station.answer(command, {"status": "Accepted"})
        assert json.loads((await station.receive())[3]["got"]) == [3, "g1", {"status": "Accepted"}]
        await station.answer_error(command, "NotSupported")
        assert json.loads((await station.receive())[3]["got"]) == [4, "g1", "NotSupported", "", {}]


async def test_a_raw_text_goes_out_as_it_is_and_its_answer_to_the_inbox(url: str) -> None:
    """`send_text` leaves no trace in the books."""
    async with await Station.connect(url, "A") as station:
        await station.send_text('[2, "raw" ,"Heartbeat",{}]')
        assert await station.receive() == [3, "raw", {}]
        assert station.books == []


async def test_the_end_of_the_socket_reaches_everyone_who_waits(url: str) -> None:
    """A CALL without an answer stays so in the books."""
    async with await Station.connect(url, "A") as station:
        with pytest.raises(ConnectionClosed):
            await station.call("Leave")
        assert await station.closed() == (1012, "restart")
        with pytest.raises(ConnectionClosed):
            await station.receive()
        assert [entry.answer for entry in station.books] == [None]


async def test_an_aborted_connection_ends_without_a_code(url: str) -> None:
    """1006 stands for a close frame that never came."""
    station = await Station.connect(url, "A")
    station.abort()
    assert (await station.closed())[0] == 1006


async def test_a_refused_handshake_raises_with_the_answer(url: str) -> None:
    """Tests read status, headers and body of a refusal."""
    with pytest.raises(InvalidStatus) as refused:
        await Station.at(url.replace("/ocpp", "/other/A"))
    assert refused.value.response.status_code == 404
