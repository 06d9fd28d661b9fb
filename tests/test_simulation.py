"""Many connections of few stations on a log with faults, by a virtual clock: what always holds."""

import heapq
import itertools
import json
import random
from collections import defaultdict, deque
from types import SimpleNamespace

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Opcode
from websockets.protocol import OPEN
from websockets.uri import parse_uri

from gateway.config import load
from gateway.effects import Instant
from gateway.link import Link
from gateway.metrics import Metrics
from gateway.notices import Notices
from gateway.policy import Policies
from gateway.server import Server
from tests.gateway.fake_log import CODEC, Copied, delivery

CALLS = (
    '[2,"{}","Heartbeat",{{}}]',
    '[2,"{}","Authorize",{{"idTag":"A"}}]',
    '[2,"{}","StopTransaction",{{}}]',
    '[2,"{}","Fly",{{}}]',
    '[2,"{}","Heart',
    "[3,1,2]",
    "",
)


class Clock:
    """Stands where the loop is: time goes on when it is told to."""

    def __init__(self):
        self.s, self._numbers, self.timers, self.woken = 1000.0, itertools.count(), [], 0

    def time(self):
        return self.s

    def call_later(self, wait_s, callback, *arguments):
        timer = SimpleNamespace(dead=False)
        timer.cancel = lambda: setattr(timer, "dead", True)
        entry = (self.s + wait_s, next(self._numbers), timer, callback, arguments)
        heapq.heappush(self.timers, entry)
        return timer

    def call_soon(self, callback, *arguments):
        self.call_later(0, callback, *arguments)

    def pass_by(self, wait_s):
        until_s, woken = self.s + wait_s, 0
        while self.timers and self.timers[0][0] <= until_s:
            at_s, _, timer, callback, arguments = heapq.heappop(self.timers)
            self.s = max(self.s, at_s)
            if not timer.dead:
                woken += 1
                assert woken < 1000, "somebody asks to be woken all the time"
                callback(*arguments)
        self.s = until_s


class Log:
    """Stands where the producer is: in order for each partition, until it fails."""

    def __init__(self):
        self.state, self.lanes, self.kept = "ready", defaultdict(deque), []
        self.log, self.offsets, self.acknowledged = [], defaultdict(int), set()

    @property
    def in_flight(self):
        return sum(map(len, self.lanes.values()))

    def record(self, topic, partition, key, value, headers, at_ms, done, *, wait=False):
        del key, headers, at_ms
        record = CODEC.decode(value)[1]
        self.log.append(record)
        if self.state == "ready":
            self.lanes[topic, partition].append((record, done, wait))
        elif wait:
            self.kept.append((topic, partition, record, done, wait))
        else:
            done(None)

    def acknowledge(self, lane):
        record, done, _ = self.lanes[lane].popleft()
        offset = self.offsets[lane]
        self.offsets[lane] += 1
        self.acknowledged.add((record.get("connection_id"), record.get("sequence")))
        done(offset)
        return record, offset

    def fail(self):
        self.state, lanes, self.lanes = "outage", self.lanes, defaultdict(deque)
        for lane in lanes.values():
            for _, done, _ in lane:
                done(None)

    def recover(self):
        self.state, kept, self.kept = "ready", self.kept, []
        for topic, partition, *rest in kept:
            self.lanes[topic, partition].append(tuple(rest))


class Wire:
    """A station, the network and the transport: it may stop reading, or vanish."""

    def __init__(self, world, station):
        self.world, self.station, self.reads = world, station, True
        self.client = ClientProtocol(parse_uri(f"ws://x/ocpp/{station}"), subprotocols=["ocpp1.6"])
        self.to_gateway, self.unread = deque(), deque()
        self.paused = self.closing = self.lost = False
        self.link = Link(world.server)
        self.link.connection_made(self)
        self.client.send_request(self.client.connect())
        self.say()

    def get_extra_info(self, name):
        return ("192.0.2.1", 1) if name == "peername" else None

    def is_closing(self):
        return self.closing

    def pause_reading(self):
        self.paused = True

    def resume_reading(self):
        self.paused = False
        self.world.clock.call_soon(self.deliver)

    def write(self, data):
        if self.closing:
            return
        text = data[:1] == b"\x81"
        assert not (text and self.link in self.world.superseded), "it was taken over"
        self.unread.append(bytes(data))
        if self.reads:
            self.read()
        elif len(self.unread) == 3:
            self.link.pause_writing()

    def close(self):
        self.closing = True
        if not self.unread:
            self.abort()

    def abort(self):
        self.closing = True
        if not self.lost:
            self.lost = True
            self.world.clock.call_soon(self.link.connection_lost, None)

    def read(self):
        """The station reads what came, and checks that it was entitled to each answer."""
        self.reads = True
        while self.unread:
            self.client.receive_data(self.unread.popleft())
        for event in self.client.events_received():
            if getattr(event, "opcode", None) is Opcode.TEXT:
                self.world.answered(self, json.loads(bytes(event.data)))
        self.say()
        if self.closing:
            self.abort()
        self.world.clock.call_soon(self.link.resume_writing)

    def say(self):
        self.to_gateway.extend(data for data in self.client.data_to_send() if data)
        self.world.clock.call_soon(self.deliver)

    def deliver(self):
        while self.to_gateway and not self.paused and not self.closing:
            self.link.data_received(self.to_gateway.popleft())


class World:
    def __init__(self, seed):
        self.random, self.clock, self.log = random.Random(seed), Clock(), Log()
        limits = {"pipelined_calls_max": 2, "pipelined_answers_extra": 1, "ping_time_s": 5}
        config = load(
            limits | {"ping_interval_s": 10, "decided": "Authorize", "takeovers_per_minute": 1000},
            environ={},
        )
        self.server = Server(
            config=config,
            producer=self.log,
            encode=CODEC.encode,
            notices=Notices(config, "gw", CODEC.encode, 0),
            policies=Policies(config, {}),
            metrics=Metrics(),
            copies=Copied(),
            loop=self.clock,
        )
        self.server.now = lambda: Instant(self.clock.s, round(self.clock.s * 1000))
        self.wires, self.numbers, self.superseded, self.tail = [], itertools.count(1), set(), []

    def answered(self, wire, answer):
        """Promise 1: this answer, and all before it, are in the log."""
        connection = wire.link.session.writer.connection_id
        (number,) = [
            record["answer_sequence"] if "rule" in record else record["sequence"]
            for record in self.log.log
            if record.get("connection_id") == connection
            and record.get("message_id") in (answer[1], "")
            and (record.get("direction") == "to_station" or record.get("answer"))
        ]
        for record in self.log.log:
            if record.get("connection_id") == connection and record["sequence"] <= number:
                assert (connection, record["sequence"]) in self.log.acknowledged

    def step(self):
        living = [wire for wire in self.wires if not wire.lost]
        wire = self.random.choice(living) if living else None
        match self.random.randrange(18):
            case 0:
                self.wires.append(Wire(self, f"CS-{self.random.randrange(3)}"))
            case 1 | 2 | 3 | 4 if wire and wire.client.state is OPEN:
                for _ in range(self.random.choice((1, 1, 2, 9))):
                    text = self.random.choice(CALLS).format(next(self.numbers))
                    wire.client.send_text(text.encode())
                wire.say()
            case 5 if wire and wire.client.state is OPEN:
                wire.client.send_close(1000, "")
                wire.say()
            case 6 if wire:
                wire.reads = False
            case 7 if wire:
                wire.read()
            case 8 if wire and self.random.random() < 0.3:
                wire.abort()
            case _:
                self.step_of_the_log()
        self.clock.pass_by(self.random.choice((0.001, 0.001, 0.1, 1.0, 4.0)))
        self.note_superseded()

    def step_of_the_log(self):
        match self.random.randrange(10):
            case 0 if self.random.random() < 0.2:
                self.log.fail()
            case 1:
                self.log.recover()
            case 2 | 3 if self.tail:
                delivery(self.server).connection(*self.tail.pop(0))
            case 4:
                self.decide()
            case _:
                for _ in range(self.random.randrange(12)):
                    self.acknowledge()

    def acknowledge(self):
        lanes = [lane for lane, waiting in self.log.lanes.items() if waiting]
        if lanes:
            lane = self.random.choice(lanes)
            record, offset = self.log.acknowledge(lane)
            if lane[0] == "ocpp.connections":
                self.tail.append((record["station"].encode(), offset, record))
        self.note_superseded()
        self.server.room()

    def note_superseded(self):
        """Whose epoch is below that of a younger one of this gateway."""
        for wire in self.wires:
            epoch, key = wire.link.epoch, wire.link.key
            if epoch is not None and any(
                other.link.key == key and (other.link.epoch or 0) > epoch and other.link.opened
                for other in self.wires
            ):
                self.superseded.add(wire.link)

    def decide(self):
        waiting = [record for record in self.log.log if record.get("decision_by")]
        if waiting:
            call = self.random.choice(waiting)
            decision = {"event_id": call["event_id"], "error_code": None, "error_description": None}
            response = '{"idTagInfo":{"status":"Blocked"}}'
            key = call["station"].encode()
            delivery(self.server).decision(key, decision | {"response": response})

    def end(self):
        """Everything ends, and what it leaves is a whole."""
        self.log.recover()
        self.server.close_all(1012, "restart")
        for _ in range(20):
            self.clock.pass_by(10.0)
            while self.log.in_flight:
                self.acknowledge()
        server, by_connection = self.server, defaultdict(list)
        assert not [entry for entry in self.clock.timers if not entry[2].dead]
        assert (server.connections, len(server.held)) == (0, 0)
        assert not any(server.router.holds(wire.link.key) for wire in self.wires)
        for record in self.log.log:
            if "sequence" in record:
                by_connection[record["connection_id"]].append(record)
        for records in by_connection.values():
            numbers = [
                number
                for record in records
                for number in (record["sequence"], record.get("answer_sequence"))
                if number is not None
            ]
            assert numbers == list(range(len(numbers)))
            kinds = [record.get("type") for record in records]
            assert (kinds[0], kinds[-1]) == ("connected", "disconnected")
            assert (kinds.count("connected"), kinds.count("disconnected")) == (1, 1)


@pytest.mark.parametrize("seed", range(60))
def test_the_promises_hold_whatever_happens(seed):
    """Answers after their events, one order without gaps, one end to each beginning, no leftovers:
    with takeovers, outages, stations that do not read and stations that vanish."""
    world = World(seed)
    for _ in range(300):
        world.step()
    world.end()
