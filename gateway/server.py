"""What all links of an instance share: who is let in, who holds a station, and their end."""

import asyncio
import logging
import time
import uuid

import structlog
from websockets.http11 import Request

from gateway.admission import Admission, user_agent
from gateway.config import Config
from gateway.effects import Count, Instant, Write
from gateway.events import Encode, Event, Writer
from gateway.handshake import Accept
from gateway.lanes import Done
from gateway.link import Link
from gateway.metrics import Metrics
from gateway.notices import Notices
from gateway.policy import Policies
from gateway.producer import Producer
from gateway.router import Router
from gateway.session import Session
from gateway.spans import Spans
from programs.kafka.copies import Copies
from programs.tracing import Tracing
from schemas.replying import ReplyTo
from schemas.topics import partition

log = structlog.get_logger("gateway")

SLICE_EVERY_S = 0.1
# Shares of the drain time, each counted from its beginning; the rest is for flushing.
SLICING_SHARE, FINISHING_SHARE, CLOSING_SHARE = 0.4, 0.5, 0.7


class Server:
    """What the links of one instance share, and the protocol factory of its listening socket."""

    def __init__(  # noqa: PLR0913 - the parts that the composition root puts together
        self,
        *,
        config: Config,
        producer: Producer,
        encode: Encode,
        notices: Notices,
        policies: Policies,
        metrics: Metrics,
        copies: Copies,
        loop: asyncio.AbstractEventLoop,
        tracing: Tracing | None = None,
    ) -> None:
        self.config = config
        self.loop = loop
        self.policies = policies
        self.router: Router[Link] = Router()
        self.held: set[Link] = set()
        self.calls_max = config.pipelined_calls_max + config.pipelined_answers_extra
        self.websocket_log: logging.Logger = logging.getLogger("websockets.server")
        # On debug it writes whole frames and headers, and so the secrets in them; on info, what
        # lines of our own tell with the station's name.
        self.websocket_log.setLevel(logging.WARNING)
        self.stopping = False
        self._producer = producer
        self._encode = encode
        self._notices = notices
        self._metrics = metrics
        self.copies = copies
        self.spans = Spans(tracing, config.prefix)
        self._links: set[Link] = set()
        self.opening: set[Link] = set()
        self.admission = Admission(
            config=config,
            policies=policies,
            notices=notices,
            metrics=metrics,
            write=lambda probe: producer.record(*probe, lambda _: None),
            no_room=self._no_room,
            now=self.now,
        )
        self._all_closed = asyncio.Event()

    def now(self) -> Instant:
        """The moment, by the monotonic clock (the loop's has whole milliseconds) and in UTC."""
        return Instant(time.monotonic(), time.time_ns() // 1_000_000)

    @property
    def crowded(self) -> bool:
        """Whether so many events are in flight that nothing more is read."""
        return self._producer.in_flight >= self.config.events_in_flight_max

    @property
    def connections(self) -> int:
        """Links whose `connected` is in the log."""
        return len(self._links) - len(self.opening)

    def room(self) -> None:
        """Events were acknowledged: let those read on that were held for the crowd."""
        for link in list(self.held):
            link.resume()

    # Links coming and going.

    def link_made(self, link: Link) -> None:
        self._links.add(link)
        self.opening.add(link)

    def link_lost(self, link: Link) -> None:
        self._links.discard(link)
        self.opening.discard(link)
        session = link.session
        if session is not None:
            self.router.remove(link)
            if session.writer.epoch is not None:
                self._metrics.disconnected(session.writer.version.name, link.ending[0])
                code, reason = link.ending
                log.info("disconnected", **link.named, code=code, reason=reason)
        if not self._links:
            self._all_closed.set()

    def _no_room(self) -> tuple[str, str] | None:
        """Why no station is let in now: reason, and for people."""
        if self.stopping:
            return "stopping", "This gateway is going down; connect again."
        if self._producer.state != "ready":
            return "outage", "The log is out of reach; try again later."
        if self.connections >= self.config.connections_max:
            return "connections_max", "This gateway is full; try again later."
        if self.overrun:
            return "handshakes_max", "Too many handshakes at once; try again later."
        return None

    @property
    def overrun(self) -> bool:
        """Whether more handshakes are under way than may be."""
        return len(self.opening) > self.config.handshakes_max

    def open(self, link: Link, request: Request, accept: Accept) -> None:
        """Put `connected` into the log; the link is open once that is acknowledged."""
        link.key, link.profile = accept.station.encode(), accept.profile
        link.partition = partition(link.key, self.config.partitions)
        connection_id = str(uuid.uuid4())
        writer = Writer(
            station=accept.station,
            connection_id=connection_id,
            gateway=self._notices.instance,
            version=accept.version,
            encode=self._encode,
        )
        link.session = Session(writer, self.policies.of(link.key))
        facts = {
            "remote_address": link.address,
            "offered_subprotocols": request.headers.get_all("Sec-WebSocket-Protocol"),
            "user_agent": user_agent(request),
            "security_profile": accept.profile,
            "takeover": self.router.holds(link.key),
        }
        self.router.add(link)
        self.record(link, link.session.opened(facts, self.now()), link.connected)

    def opened(self, link: Link, epoch: int) -> None:
        """The link's `connected` is at this offset: it takes over from every older one."""
        self.opening.discard(link)
        session = link.session
        assert session is not None, "an opened link has a session"
        self._metrics.connected(session.writer.version.name)
        log.info("connected", **link.named, version=session.writer.version.name, epoch=epoch)
        self.newest(link.key, epoch)

    # To the log.

    def record(
        self,
        link: Link,
        event: Event,
        done: Done,
        *,
        keep: bool = False,
    ) -> None:
        """Hand an event of the link to the producer; `done` learns its position, or None."""
        self._metrics.event(event)
        if event.rule:
            log.warning("rejected", **link.named, rule=event.rule, message_id=event.message_id)
        if event.trace is not None:
            done = self.spans.sending(link, event, done)
        self._producer.record(
            self.config.prefix + event.topic,
            link.partition,
            link.key,
            event.value,
            event.headers,
            event.at_ms,
            done,
            wait=keep,
        )

    def count(self, effect: Count) -> None:
        self._metrics.count(effect.metric, *effect.labels, by=effect.by)

    def copying(self, link: Link, event: Event, copy_to: ReplyTo, done: Done) -> Done:
        """What is `done` with an event, and after it a copy for whoever wants one."""

        def copied(position: int | None) -> None:
            if position is not None:
                self.copies.post(copy_to, link.key, event)
            done(position)

        return copied

    def answered(self, write: Write) -> None:
        self._metrics.answered(write.action, time.monotonic() - write.since_s)

    # From the log.

    def newest(self, key: bytes, epoch: int) -> None:
        """A connection of the station is in the log at this offset, here or elsewhere."""
        if self.router.connected(key, epoch):
            self.admission.takeovers.happened(key, self.now().s)
            self._metrics.takeover()

    # The end.

    def close_all(self, code: int, reason: str) -> None:
        """Close every link at once, unanswered: the bus is gone for too long."""
        for link in list(self._links):
            link.give_up(code, reason)

    async def drain(self) -> None:
        """Finish the calls in hand and close the links, slice by slice, within the drain time.

        Half of the time is for finishing; what then still waits (for a bus that is down) is closed
        unanswered, so that its stations try again elsewhere.
        """
        self.stopping = True
        begin_s, time_s = self.loop.time(), self.config.drain_time_s
        links = list(self._links)
        slices = max(1, int(time_s * SLICING_SHARE / SLICE_EVERY_S))
        size = max(self.config.drain_slice, -(-len(links) // slices))
        for at in range(0, len(links), size):
            for link in links[at : at + size]:
                link.stop()
            if at + size < len(links):
                await asyncio.sleep(SLICE_EVERY_S)  # a pace, so that not all come back at once
        if await self._empty(begin_s + time_s * FINISHING_SHARE):
            return
        self.close_all(1012, "restart")
        if await self._empty(begin_s + time_s * CLOSING_SHARE):
            return
        for link in list(self._links):
            link.abort()
        await self._empty(self.loop.time() + 0.5)

    async def _empty(self, until_s: float) -> bool:
        """Wait until no link is left; False when the time comes before."""
        if self._links:
            self._all_closed.clear()
            try:
                async with asyncio.timeout_at(until_s):
                    await self._all_closed.wait()
            except TimeoutError:
                return False
        return True
