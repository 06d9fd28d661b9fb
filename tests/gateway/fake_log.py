"""A log in ten lines, for tests of the rim: it keeps records and acknowledges when told to."""

import asyncio
import time
from contextlib import asynccontextmanager

from gateway.certificates import Certificates
from gateway.config import load
from gateway.delivery import Delivery
from gateway.effects import Instant
from gateway.metrics import Metrics
from gateway.notices import Notices
from gateway.policy import Policies
from gateway.server import Server
from gateway.tls import door
from schemas.codec import Codec
from schemas.records import RECORDS
from tests.station import PATIENCE_S

# What a station of 1.6 asks for first.
UPGRADE = (
    b"GET /ocpp/CS-1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
)
CODEC = Codec({topic: number for number, topic in enumerate(RECORDS)})


class FakeLog:
    """Stands where the producer is: acknowledges at once (`open`), or when `release` is called."""

    def __init__(self):
        self.state = "ready"
        self.open = True
        self.records: list[tuple[str, bytes, dict]] = []
        self.headers: list[dict[str, bytes]] = []
        self.waiting = []
        self.came = asyncio.Event()

    @property
    def in_flight(self):
        return len(self.waiting)

    def record(self, topic, partition, key, value, headers, timestamp_ms, done, *, wait=False):
        del partition, timestamp_ms, wait
        name, record = CODEC.decode(value)
        assert topic == "ocpp." + name
        self.records.append((name, key, record))
        self.headers.append(dict(headers))
        self.waiting.append((len(self.records) - 1, done))
        self.came.set()
        if self.open:
            asyncio.get_running_loop().call_soon(self.release)

    def release(self, *, unknown=False):
        waiting, self.waiting = self.waiting, []
        for position, done in waiting:
            done(None if unknown else position)

    def of(self, topic):
        return [record for name, _, record in self.records if name == topic]

    async def holds(self, count):
        """Wait until so many records were handed over."""
        while len(self.records) < count:
            self.came.clear()
            await asyncio.wait_for(self.came.wait(), PATIENCE_S)

    async def has(self, kind):
        """Wait until an event of the connection log is of this kind."""
        async with asyncio.timeout(PATIENCE_S):
            while kind not in [record["type"] for record in self.of("connections")]:
                self.came.clear()
                await self.came.wait()


class Copied(list):
    """Stands where the copies of results are made, and keeps what it is given."""

    def post(self, *copy):
        self.append(copy)


def delivery(server):
    """What hands the log to the links of a server."""
    return Delivery(
        router=server.router,
        policies=server.policies,
        newest=server.newest,
        now=server.now,
        follow=server.spans.follow,
    )


class Unhurried(Server):
    """For its sessions no time passes: on no machine is an answer, or a claim, too late."""

    _moment = Instant(time.monotonic(), time.time_ns() // 1_000_000)

    def now(self):
        return self._moment


@asynccontextmanager
async def gateway(stations=None, tracing=None, *, kind=Unhurried, **settings):
    """A server on a free port: (its URL, the server, its log). What waits for time is a Server."""
    config = load({"handshake_time_s": 120, "drain_time_s": 600} | settings, environ={})
    log, loop = FakeLog(), asyncio.get_running_loop()
    server = kind(
        config=config,
        producer=log,
        encode=CODEC.encode,
        notices=Notices(config, "gw", CODEC.encode, 0),
        policies=Policies(config, stations or {}),
        metrics=Metrics(),
        copies=Copied(),
        loop=loop,
        tracing=tracing,
    )
    certificates = Certificates(config) if config.tls_certificate else None
    listening = await loop.create_server(door(server, certificates), "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    scheme = "wss" if certificates else "ws"
    try:
        yield f"{scheme}://127.0.0.1:{port}/ocpp", server, log
    finally:
        listening.close()
        server.close_all(1001, "the test is over")
        log.open = True
        log.release()
        await server.drain()
