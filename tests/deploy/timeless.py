"""An event loop whose time passes only while nobody has anything to do.

Days of a simulated station are over in moments, and no machine is too slow for them: what is to
take ten seconds takes ten seconds by this loop's clock, however long it takes by ours.
"""

import asyncio
import selectors
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

_BEGINNING = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
_Result = TypeVar("_Result")


def clock() -> datetime:
    """What time it is by the running loop."""
    return _BEGINNING + timedelta(seconds=asyncio.get_running_loop().time())


class _Leaping(selectors.DefaultSelector):
    """Never waits for a time to come: goes there."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            return super().select()
        ready = super().select(0)
        if not ready:
            self.now_s += max(timeout, 0.0)
        return ready


class Timeless(asyncio.SelectorEventLoop):
    """Nothing is under way where it could not be seen: its connections are pairs of sockets.

    So it reaches its own servers only, and does at once what others do in threads.
    """

    def __init__(self) -> None:
        self._leaping = _Leaping()
        self._serving: dict[int, tuple[asyncio.Server, Callable[[], Any]]] = {}
        super().__init__(self._leaping)

    def time(self) -> float:
        return self._leaping.now_s

    def run_in_executor(  # type: ignore[override] # typeshed has it return a future of its own kind
        self, executor: Any, work: Callable[..., _Result], *arguments: Any
    ) -> "asyncio.Future[_Result]":
        done = self.create_future()
        try:
            done.set_result(work(*arguments))
        except Exception as error:
            done.set_exception(error)
        return done

    async def create_server(self, protocol: Callable[[], Any], *where: Any, **options: Any) -> Any:
        server = await super().create_server(protocol, *where, **options)
        for listening in server.sockets:
            self._serving[listening.getsockname()[1]] = server, protocol
        return server

    async def create_connection(
        self, protocol: Callable[[], Any], host: Any = None, port: Any = None, **options: Any
    ) -> Any:
        server, accepting = self._serving.get(port, (None, None))
        if server is None or accepting is None or not server.is_serving():
            raise ConnectionRefusedError(f"nobody of this loop serves {host}:{port}")
        ours, theirs = socket.socketpair()
        await self.connect_accepted_socket(accepting, theirs)
        return await super().create_connection(protocol, sock=ours)
