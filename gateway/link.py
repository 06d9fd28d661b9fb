"""One socket: bytes in, the session's effects performed in order, bytes out."""

import asyncio
from collections import deque
from typing import TYPE_CHECKING, cast

from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.frames import Frame as WebsocketFrame
from websockets.frames import Opcode
from websockets.http11 import Request, Response
from websockets.protocol import CONNECTING, OPEN
from websockets.server import ServerProtocol

from gateway import certificate_names
from gateway.effects import Close, Count, Effect, Ended, Ping, Record, Write
from gateway.handshake import Accept, Refuse
from gateway.lanes import Done
from gateway.outbox import Outbox
from gateway.security import Peer
from gateway.session import Session

if TYPE_CHECKING:
    from gateway.server import Server

_DATA = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)
_BROKEN = (PayloadTooBig, ProtocolError, UnicodeDecodeError)  # frames that end the protocol
CLOSE_TIME_S = 5.0  # how long the station may take to end the closing handshake


class Link(asyncio.Protocol):
    """The rim of one connection: websockets' Sans-I/O protocol below, a session above."""

    __slots__ = (
        "_closed",
        "_due_s",
        "_fragments",
        "_held",
        "_inbox",
        "_outbox",
        "_protocol",
        "_response",
        "_server",
        "_timer",
        "_transport",
        "_write_paused",
        "address",
        "key",
        "opened",
        "partition",
        "profile",
        "session",
    )

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._protocol = ServerProtocol(
            max_size=server.config.frame_limit_bytes, logger=server.websocket_log
        )
        self._inbox: deque[Request | Response | WebsocketFrame] = deque()
        self._outbox = Outbox(send=self._send, unknown=self._unknown)
        self._fragments: tuple[bool, bytearray] | None = None  # whether it is text, and what came
        self._response: Response | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due_s = 0.0
        self._held = self._write_paused = self._closed = self.opened = False
        self._transport: asyncio.Transport
        self.session: Session | None = None
        self.key = b""
        self.profile = 0
        self.partition = 0
        self.address = ""

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is not derived from it
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        self._timer = self._server.loop.call_later(
            self._server.config.handshake_time_s, self._handshake_late
        )
        self._server.link_made(self)

    def data_received(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        self._inbox.extend(self._protocol.events_received())
        self._work()

    def eof_received(self) -> None:
        self._protocol.receive_eof()
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._protocol.receive_eof()
        self._end()

    def abandoned(self) -> None:
        """The socket is gone, and of what came over it nothing was for us."""
        self._end()

    def pause_writing(self) -> None:
        self._write_paused = True

    def resume_writing(self) -> None:
        self._write_paused = False
        self.resume()

    # From the station.

    def _work(self) -> None:
        """Take what has come, as far as there is room for it."""
        # What comes before our 101 is early, not lost: it waits.
        while self._inbox and self._response is None:
            if self.opened and self._full():
                self._hold()
                if self._protocol.state is OPEN:
                    self._flush()  # the station's pings are answered all the same
                return
            event = self._inbox.popleft()
            if isinstance(event, Request):
                self._requested(event)
            elif isinstance(event, WebsocketFrame) and self.opened:
                self._frame(event)
        self._judge_end()
        self._flush()

    def _frame(self, frame: WebsocketFrame) -> None:
        if frame.opcode is Opcode.TEXT and frame.fin:
            self._message(frame.data, text=True)
            return
        self._opened_session().heard(self._server.now())
        if frame.opcode in _DATA:
            self._fragment(frame)

    def _fragment(self, frame: WebsocketFrame) -> None:
        if frame.opcode is not Opcode.CONT:
            self._fragments = frame.opcode is Opcode.TEXT, bytearray()
        assert self._fragments is not None, "the protocol layer refuses stray continuations"
        text, came = self._fragments
        came += frame.data  # bounded by the frame limit, however small or empty the pieces are
        if frame.fin:
            self._fragments = None
            self._message(came, text=text)

    def _message(self, data: bytes | bytearray | memoryview, *, text: bool) -> None:
        session, now = self._opened_session(), self._server.now()
        raw = bytes(data)
        if not text:
            shown = raw.decode("utf-8", "replace")
            close = Close(1003, "binary_frame")
            self.perform(session.unreadable("binary_frame", shown, len(raw), close, now))
            return
        try:
            decoded = raw.decode()
        except UnicodeDecodeError:
            shown = raw.decode("utf-8", "replace")
            close = Close(1007, "invalid_utf8")
            self.perform(session.unreadable("invalid_utf8", shown, len(raw), close, now))
            return
        self.perform(session.received(decoded, now, self._server.spans.begin()))

    def _judge_end(self) -> None:
        """A frame over the limit ended the protocol: that, too, goes into the log."""
        error = self._protocol.parser_exc
        if isinstance(error, PayloadTooBig) and self.opened and self.session is not None:
            self.opened = False
            size = (error.size or 0) + (error.current_size or 0)
            close = Close(1009, "frame_too_large")
            self.perform(
                self.session.unreadable("frame_too_large", "", size, close, self._server.now())
            )

    # Handshake.

    def _requested(self, request: Request) -> None:
        match self._server.admission.judge(self, request):
            case Refuse() as refused:
                self._refuse(request, refused)
            case Accept() as accepted:
                response = self._protocol.accept(request)
                if response.status_code != 101:
                    body = (response.body or b"").decode()
                    refused = Refuse(response.status_code, "no_upgrade", body, accepted.station)
                    self._server.admission.refused(self, request, refused)
                    self._respond(response)
                    return
                if accepted.subprotocol is not None:
                    response.headers["Sec-WebSocket-Protocol"] = accepted.subprotocol
                self._response = response
                self._stop_timer()  # the station has done its part; ours is bounded by `ack_time_s`
                # No frame is taken before the epoch is known.
                self._transport.pause_reading()
                self._server.open(self, request, accepted)

    def _refuse(self, request: Request, refused: Refuse) -> None:
        self._server.admission.refused(self, request, refused)
        response = self._protocol.reject(refused.status, refused.body)
        if refused.status == 401:
            response.headers["WWW-Authenticate"] = 'Basic realm="chargewire"'
        if refused.retry_after_s is not None:
            response.headers["Retry-After"] = str(refused.retry_after_s)
        self._respond(response)

    def _respond(self, response: Response) -> None:
        if not self._protocol.eof_sent:  # by what came after the request and is no websocket frame
            self._protocol.send_response(response)

    def connected(self, position: int | None) -> None:
        """`connected` is in the log at this position; None: it is not known whether it is."""
        session, response = self.session, self._response
        assert session is not None, "the server makes the session before the record"
        assert response is not None, "the response waits for this"
        self._response = None
        effects: list[Effect] = []
        if position is not None:
            effects = session.recorded(position, self._server.now())
        if self._closed:
            self.perform(session.closed(*self.ending, self._server.now()))
            return
        self._transport.resume_reading()
        if position is None:
            refused = self._protocol.reject(503, "The log is out of reach; try again later.\n")
            refused.headers["Retry-After"] = str(self._server.config.retry_after_s)
            self._respond(refused)
            self._flush()
            return
        self._respond(response)
        self.opened = self._protocol.state is OPEN
        self._server.opened(self, position)
        self.perform(effects)
        if self._server.stopping:
            self.stop()
        self._arm()
        self._work()

    def _handshake_late(self) -> None:
        self._timer = None
        self._server.admission.late(self)
        self._transport.abort()

    # Effects.

    def perform(self, effects: list[Effect]) -> None:
        """Perform the effects in order; a write waits for the events before it."""
        for effect in effects:
            if isinstance(effect, Record):
                self._record(effect)
            elif isinstance(effect, Write | Close):
                self._outbox.put(effect)
            elif isinstance(effect, Ping):
                if self._protocol.state is OPEN:
                    self._protocol.send_ping(b"")
            elif isinstance(effect, Count):
                self._server.count(effect)
            elif effect.until_s is None:
                self._outbox.put(effect)
            else:
                self._server.spans.ended(self, effect)
        self._outbox.drain()
        self._arm()

    def _record(self, effect: Record) -> None:
        done: Done = _nothing if effect.keep else self._outbox.ticket()
        if effect.copy_to is not None:
            done = self._server.copying(self, effect.event, effect.copy_to, done)
        if effect.then:
            done = self._followed(effect.then, done)
        self._server.record(self, effect.event, done, keep=effect.keep)

    def _followed(self, then: tuple[Effect, ...], done: Done) -> Done:
        """What is `done` with an event, and before it what follows from its being in the log."""

        def acknowledged(position: int | None) -> None:
            known = position is not None
            self.perform([one for one in then if known or isinstance(one, Ended)])
            done(position)

        return acknowledged

    def _send(self, effect: Write | Close | Ended | None) -> None:
        """What the outbox gives free; None: nothing more for now."""
        if isinstance(effect, Write):
            if self._protocol.state is not OPEN:
                return
            if not effect.call:
                self._protocol.send_text(effect.text.encode())
                self._server.answered(effect)
            elif self._opened_session().leaves(effect.call, self._server.now()):
                self._protocol.send_text(effect.text.encode())
        elif isinstance(effect, Close):
            self.close(effect.code, effect.reason)
        elif isinstance(effect, Ended):
            self._server.spans.ended(self, effect)
        else:
            self._flush()
            if self._held:
                self.resume()
            self._arm()  # the time of a CALL of ours runs from here

    def _unknown(self) -> None:
        self.give_up(1013, "outage")

    def give_up(self, code: int, reason: str) -> None:
        """Close without answering what still waits."""
        if self.session is not None:
            self.session.given_up()
        self.close(code, reason)

    def superseded(self) -> None:
        """A newer connection of the station is in the log."""
        self.give_up(1008, "takeover")

    def stop(self) -> None:
        """The gateway goes down: finish the calls in hand, then close (1012)."""
        if self.opened and self.session is not None:
            self.perform(self.session.stopping(self._server.now()))
        elif self.session is None:
            self._transport.close()

    @property
    def epoch(self) -> int | None:
        """The offset of this connection's `connected`, once it is known."""
        return None if self.session is None else self.session.writer.epoch

    @property
    def peer(self) -> Peer:
        """Who is at the other end of the socket, and what it has proved by TLS."""
        told = self._transport.get_extra_info
        names = certificate_names.of_peer(told("peercert"))
        return Peer(self.address, told("ssl_object") is not None, names)

    @property
    def named(self) -> dict[str, str]:
        """Station and connection, for the log."""
        if self.session is None:
            return {"address": self.address}
        writer = self.session.writer
        return {"station": writer.station, "connection": writer.connection_id}

    @property
    def ending(self) -> tuple[int, str]:
        """Code and reason of the close frame that ended the connection (RFC 6455 section 7.4).

        Ours where we began, else the station's; 1006 where there was none.
        """
        protocol = self._protocol
        sent, received = protocol.close_sent, protocol.close_rcvd
        if sent is not None and isinstance(protocol.parser_exc, _BROKEN):
            # The protocol layer has closed by itself, with a sentence for a reason.
            large = isinstance(protocol.parser_exc, PayloadTooBig)
            return int(sent.code), "frame_too_large" if large else "protocol_error"
        first = received if protocol.close_rcvd_then_sent else sent or received
        return (1006, "") if first is None else (int(first.code), first.reason)

    def close(self, code: int, reason: str) -> None:
        """Start the closing handshake; the socket is dropped when the station does not end it."""
        self._outbox.clear()
        if self._closed:
            return
        if self._protocol.state is CONNECTING:
            self._transport.close()  # nothing was promised yet
        elif self._protocol.state is OPEN:
            self._protocol.send_close(code, reason)
        self._flush()
        self._release()  # so that the station's own close frame is read
        self._drop_late()

    def _drop_late(self) -> None:
        """Drop the socket where it is not closed in time: a station may not even read."""
        self._stop_timer()
        self._due_s = 0.0  # no deadline of the session comes before this one
        self._timer = self._server.loop.call_later(CLOSE_TIME_S, self._transport.abort)

    def abort(self) -> None:
        """Drop the socket at once."""
        self._transport.abort()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._transport.write(data)
            else:
                self._finish()

    def _finish(self) -> None:
        """End our stream; a server then closes the connection at once (RFC 6455 7.1.1).

        But not over bytes that nobody has read: the station would be reset before it reads why.
        """
        if isinstance(self._protocol.parser_exc, _BROKEN):
            self._transport.write_eof()
            self._release()
        else:
            self._transport.close()
        self._drop_late()

    # Pressure and time.

    def _full(self) -> bool:
        assert self.session is not None
        limit = self._server.calls_max
        return (
            self._write_paused
            or self.session.pending + self._outbox.unsent >= limit
            # Two events and a write for each call; what is never answered must not come faster.
            or len(self._outbox) >= 3 * limit
            or self._server.crowded
        )

    def _hold(self) -> None:
        if not self._held:
            self._held = True
            self._server.held.add(self)
            if not self._transport.is_closing():
                self._transport.pause_reading()

    def resume(self) -> None:
        """Read on, if there is room again."""
        if self._held and not self._closed and not self._full():
            self._release()
            self._work()

    def _release(self) -> None:
        if self._held:
            self._held = False
            self._server.held.discard(self)
            if not self._transport.is_closing():
                self._transport.resume_reading()

    def _arm(self) -> None:
        deadline_s = self.session.deadline_s if self.session and self.opened else None
        if deadline_s is None:
            return
        if self._timer is not None:
            if self._due_s <= deadline_s:
                return
            self._timer.cancel()
        self._due_s = deadline_s
        wait_s = deadline_s - self._server.now().s
        self._timer = self._server.loop.call_later(max(0.0, wait_s), self._wake)

    def _wake(self) -> None:
        self._timer = None
        session, now = self.session, self._server.now()
        if session is None or self._closed:
            return
        if self._held and not self._write_paused:
            # Nothing is read, so silence says nothing; but a station that does not read either
            # may be gone.
            session.unread(now)
        deadline_s = session.deadline_s
        if deadline_s is not None and deadline_s <= now.s:
            self.perform(session.woken(now))
            self._flush()
        self._arm()

    def _end(self) -> None:
        if self._closed:
            return
        self._closed = True
        self.opened = False
        self._outbox.clear()
        self._server.held.discard(self)
        self._stop_timer()
        self._server.link_lost(self)
        if self.session is None and self._protocol.handshake_exc is not None:
            self._server.admission.garbled(self)
        if self.session is not None and self._response is None:
            self.perform(self.session.closed(*self.ending, self._server.now()))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _opened_session(self) -> Session:
        assert self.session is not None, "an open link has a session"
        return self.session


def _nothing(position: int | None) -> None:
    """Nobody waits for the place of an event that is kept."""
