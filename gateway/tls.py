"""TLS between a socket and its link: a transport to the link, a protocol to the socket."""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from gateway.certificates import Certificates
from gateway.link import Link

if TYPE_CHECKING:
    from gateway.server import Server

_READ_BYTES = 65_536


def door(server: "Server", certificates: Certificates | None) -> Callable[[], asyncio.Protocol]:
    """What makes the protocol of each accepted socket: TLS first, where there are certificates."""
    if certificates is None:
        return lambda: Link(server)
    return lambda: Tls(server, certificates.context)


class Tls(asyncio.Protocol, asyncio.Transport):
    """One socket of the TLS port, and the link above it; `context` is that of the moment.

    The loop's own TLS would tell nobody why a handshake failed, and begin to count connections only
    when theirs is over. Here a link exists from the first byte on, and with it its time limit.
    """

    def __init__(self, server: "Server", context: ssl.SSLContext) -> None:
        self._server = server
        self._link = Link(server)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._ssl: ssl.SSLObject | None = context.wrap_bio(
            self._incoming, self._outgoing, server_side=True
        )
        self._heard = self._agreed = self._paused = self._ended = False
        self._socket: asyncio.Transport

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._socket = cast(asyncio.Transport, transport)
        self._link.connection_made(self)
        if self._server.overrun:  # before TLS, which is what costs
            self._fail("handshakes_max", "Too many handshakes at once.")
            self.abort()

    def data_received(self, data: bytes) -> None:
        if not self._ended:
            self._heard = True
            self._incoming.write(data)
            self._take()

    def _take(self) -> None:
        """Take what has come, as far as the link reads."""
        if self._ended or self._ssl is None:
            return
        try:
            if not self._agreed:
                self._ssl.do_handshake()
                self._agreed = True
            while not self._paused:
                if chunk := self._ssl.read(_READ_BYTES):
                    self._link.data_received(chunk)
                else:  # the other side has said that nothing more comes
                    self._link.eof_received()
                    break
                if self._ended:
                    return
            self._flush()
        except ssl.SSLWantReadError:
            self._flush()
        except ssl.SSLError as error:
            self._flush()  # the alert that tells the other side
            self._broken(error)

    def eof_received(self) -> None:
        if self._agreed:
            self._link.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._agreed:
            self._link.connection_lost(exc)
        else:
            if self._heard and not self._ended:  # more than a probe of whether the port is open
                self._fail("tls", "The other side left during the handshake.")
            self._link.abandoned()
        self._ended = True
        self._ssl = None  # what it holds is large, and a link may be collected late

    def pause_writing(self) -> None:
        self._link.pause_writing()

    def resume_writing(self) -> None:
        self._link.resume_writing()

    def _flush(self) -> None:
        if (data := self._outgoing.read()) and not self._socket.is_closing():
            self._socket.write(data)

    def _broken(self, error: ssl.SSLError) -> None:
        if not self._agreed:
            self._fail(*explained(error))
        self._ended = True
        self._socket.close()

    def _fail(self, reason: str, detail: str) -> None:
        self._server.admission.without_tls(self._link, reason, detail)

    # What the link calls.

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._agreed or self._ended or self._ssl is None:
            return
        try:
            self._ssl.write(data)
        except ssl.SSLError as error:
            self._broken(error)
        else:
            self._flush()

    def write_eof(self) -> None:
        """Say that nothing more comes; what still does come is not looked at."""
        self._farewell()
        if not self._socket.is_closing():
            self._socket.write_eof()

    def can_write_eof(self) -> bool:
        return True

    def close(self) -> None:
        self._farewell()
        self._socket.close()

    def _farewell(self) -> None:
        """Send close_notify; that of the other side is not waited for (RFC 8446 section 6.1)."""
        if self._agreed and not self._ended and self._ssl is not None:
            with suppress(ssl.SSLError):  # it wants the other side's, where that has not come
                self._ssl.unwrap()
            self._flush()
        self._ended = True

    def abort(self) -> None:
        self._ended = True
        self._socket.abort()

    def is_closing(self) -> bool:
        return self._socket.is_closing()

    def pause_reading(self) -> None:
        self._paused = True
        self._socket.pause_reading()

    def resume_reading(self) -> None:
        self._paused = False
        self._socket.resume_reading()
        self._server.loop.call_soon(self._take)  # as if it came now: the link is not done yet

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """`ssl_object` and `peercert` as asyncio's own TLS has them, else what the socket has."""
        if name == "ssl_object":
            return self._ssl
        if name == "peercert":
            return self._ssl.getpeercert() if self._agreed and self._ssl is not None else default
        return self._socket.get_extra_info(name, default)


def explained(error: ssl.SSLError) -> tuple[str, str]:
    """Reason by name, of a few, and for people, of a handshake that failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return "client_certificate", f"The client certificate is not taken: {error.verify_message}."
    detail = (error.reason or "unknown").lower().replace("_", " ")
    if "ALERT" in (error.reason or ""):
        return "tls_alert", f"The other side gave up: {detail}."
    return "tls", f"TLS failed: {detail}."
