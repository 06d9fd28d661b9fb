"""Commands to stations that move between gateways, by a virtual clock: what always holds.

Gateways are killed and stopped, lose Kafka and lag behind; a small arbiter settles what they leave.
"""

import itertools
import json
import random
import re
from collections import defaultdict
from functools import cache

import pytest
from websockets.protocol import OPEN

from gateway.config import load
from gateway.effects import Instant
from gateway.metrics import Metrics
from gateway.notices import Notices
from gateway.policy import Policies
from gateway.server import Server
from tests.gateway.fake_log import CODEC, Copied, delivery
from tests.test_simulation import Clock, Log, Wire

CALL_TIME_S, CLAIM_WAIT_S, GRACE_S, MARGIN_S = 5, 2.0, 3.0, 15.0
ASKED = re.compile(rb'"value":"([^"]+)"')
TOLD = {"answered", "call_error", "bad_answer"}  # results that tell of a frame


class Bus:
    """The topics, each with one partition: record, and when it was written (s)."""

    def __init__(self):
        self.topics = defaultdict(list)

    def append(self, topic, record, at_s):
        self.topics[topic].append((record, at_s))
        return len(self.topics[topic]) - 1


class Producer(Log):
    """A gateway's way to the bus; what is in flight at a failure may land all the same."""

    def __init__(self, node):
        super().__init__()
        self.node = node

    def acknowledge(self, lane):
        record, done, _ = self.lanes[lane].popleft()
        done(self.land(lane, record))

    def land(self, lane, record):
        world = self.node.world
        return world.bus.append(lane[0].removeprefix("ocpp."), record, world.s)

    def strand(self):
        """Some of what is in flight gets there; nobody hears of it."""
        for lane, waiting in self.lanes.items():
            for record, _, _ in itertools.islice(waiting, self.node.world.random.randrange(4)):
                self.land(lane, record)

    def fail(self):
        self.strand()
        super().fail()


class Line(Wire):
    """The socket of a station at one gateway, which looks at each frame that is written."""

    def write(self, data):
        for attempt in ASKED.findall(bytes(data)):
            self.world.asks(self, attempt.decode())
        super().write(data)


class Node:
    """One gateway, with its own clock, producer and place in the log."""

    def __init__(self, world, name):
        self.world, self.name, self.stopped = world, name, False
        self.clock, self.log = Clock(), Producer(self)
        self.clock.s = world.s
        config = load(
            {"call_time_s": CALL_TIME_S, "ping_interval_s": 0, "takeovers_per_minute": 10_000},
            environ={},
        )
        self.server = Server(
            config=config,
            producer=self.log,
            encode=CODEC.encode,
            notices=Notices(config, name, CODEC.encode, 0),
            policies=Policies(config, {}),
            metrics=Metrics(),
            copies=Copied(),
            loop=self.clock,
        )
        self.server.now = lambda: Instant(self.clock.s, round(self.clock.s * 1000))
        self.read_at = {name: len(world.bus.topics[name]) for name in ("connections", "commands")}
        self.superseded, self.delivery = set(), delivery(self.server)

    def asks(self, line, attempt):
        """Promise 5, at the socket: once, in time, and by who has the attempt."""
        world = self.world
        assert attempt not in world.asked, f"{attempt} was asked already"
        world.asked[attempt] = line
        assert round(self.clock.s * 1000) < world.expires_ms[attempt]
        assert world.owner(attempt) == line.link.session.writer.connection_id

    def answered(self, line, frame):
        """The station hears something: some answer, some are slow, some say no."""
        if frame[0] != 2:
            return
        said = self.world.random.choice(
            (
                [3, frame[1], {"status": "Accepted"}],
                [3, frame[1], {"status": "Accepted"}],
                [3, frame[1], {"state": None}],
                [4, frame[1], "InternalError", "", {}],
                None,
            )
        )
        if said is not None:
            wait_s = self.world.random.choice((0.0, 0.1, 2.0, 8.0))
            self.clock.call_later(wait_s, self.say, line, json.dumps(said))

    @staticmethod
    def say(line, text):
        if line.client.state is OPEN and not line.lost:
            line.client.send_text(text.encode())
            line.say()

    def acknowledge(self, count):
        for _ in range(count):
            lanes = [lane for lane, waiting in self.log.lanes.items() if waiting]
            if lanes:
                self.log.acknowledge(self.world.random.choice(lanes))
                self.server.room()

    def tail(self, name, count):
        for record, at_s in self.world.bus.topics[name][self.read_at[name] :][:count]:
            position, self.read_at[name] = self.read_at[name], self.read_at[name] + 1
            key = record["station"].encode()
            if not self.server.router.holds(key):
                continue
            if name == "commands":
                self.delivery.command(key, (), round(at_s * 1000), record)
            else:
                self.delivery.connection(key, position, record)


class Arbiter:
    """Settles what gateways leave: a model of the commands consumer, in one table."""

    def __init__(self, world):
        self.world, self.read_at = world, defaultdict(int)
        self.rows, self.epochs, self.since_s = {}, {}, {}

    def step(self):
        for name in ("commands", "connections", "command-results"):
            for record, at_s in self.world.bus.topics[name][self.read_at[name] :]:
                position, self.read_at[name] = self.read_at[name], self.read_at[name] + 1
                getattr(self, name.replace("command-", ""))(record, position, at_s)
        for row in list(self.rows.values()):
            if not row["over"]:
                self.judge(row)

    def row(self, record):
        key = record["command_id"], record["attempt"]
        names = ("taken", "turn", "over", "said", "asked")
        return self.rows.setdefault(key, dict.fromkeys(names))

    def commands(self, record, position, at_s):
        self.row(record)["asked"] = record, at_s

    def results(self, record, position, at_s):
        self.row(record)["over"] = True

    def connections(self, record, position, at_s):
        station = record["station"]
        match record["type"]:
            case "connected":
                self.epochs[station], self.since_s[station] = position, at_s
            case "disconnected" if record["epoch"] == self.epochs.get(station):
                self.epochs[station], self.since_s[station] = None, at_s
            case "taken":
                row, newest = self.row(record), self.epochs.get(station)
                counts = newest is None or record["epoch"] >= newest
                if counts and row["taken"] is None and not row["over"]:
                    row["taken"] = record["epoch"]
                if row["taken"] == record["epoch"] and not record["waiting"]:
                    row["turn"] = position
            case "settled":
                self.settled(self.row(record), record)

    def settled(self, row, record):
        unasked = record["outcome"] in ("offline", "expired")
        before = row["turn" if record["waiting"] else "taken"]
        if row["over"] or (unasked and not record["gateway"] and before is not None):
            return
        row["over"], world = True, self.world
        if record["waiting"]:
            world.unasked.add(record["command_id"])
        asked = (asked for asked, _ in world.bus.topics["commands"])
        command = next(one for one in asked if one["command_id"] == record["command_id"])
        again = command["when_offline"] == "wait" and record["outcome"] == "offline"
        if again and world.s * 1000 < command["expires_at"]:
            world.command(command | {"attempt": record["attempt"] + 1})
        else:
            told = {key: record[key] for key in ("command_id", "attempt", "outcome", "station")}
            world.bus.append("command-results", told, world.s)

    def judge(self, row):
        if row["asked"] is None:
            return
        (command, at_s), now_s = row["asked"], self.world.s
        station, expires_s = command["station"], command["expires_at"] / 1000
        unasked, waits = "expired" if now_s >= expires_s else "offline", row["turn"] is None
        if row["taken"] is None:
            if now_s - at_s < CLAIM_WAIT_S:
                return
            self.settle(row, command, unasked)
        elif row["taken"] != self.epochs.get(station):
            if now_s - self.since_s[station] > GRACE_S:
                self.settle(row, command, unasked if waits else "connection_lost", waits)
        elif now_s > expires_s + CALL_TIME_S + MARGIN_S:
            self.settle(row, command, unasked if waits else "timeout", waits)

    def settle(self, row, command, outcome, waiting=False):
        if row["said"] != (outcome, waiting):
            row["said"] = outcome, waiting
            record = {"type": "settled", "outcome": outcome, "gateway": None, "epoch": None}
            record["waiting"] = waiting
            record |= {key: command[key] for key in ("command_id", "attempt", "station")}
            self.world.bus.append("connections", record | {"connection_id": None}, self.world.s)


class World:
    def __init__(self, seed):
        self.random, self.bus, self.s = random.Random(seed), Bus(), 1000.0
        self.asked, self.expires_ms, self.numbers = {}, {}, itertools.count(1)
        self.names = itertools.count(1)
        self.nodes = [Node(self, f"gw-{next(self.names)}") for _ in range(3)]
        self.lines, self.arbiter, self.ids = [], Arbiter(self), []
        self.unasked = set()  # commands that were given up while they waited for their turn

    def owner(self, attempt):
        """Who may ask it, by the log: the connection with the first claim that counts, after one
        that is not to wait, unless the attempt was given up."""
        command_id, number = attempt.split("/")
        newest, owner, turn = {}, None, False
        for position, (record, _) in enumerate(self.bus.topics["connections"]):
            if record["type"] == "connected":
                newest[record["station"]] = position
            elif (record["command_id"], record["attempt"]) == (command_id, int(number)):
                if record["type"] == "settled":
                    unasked = record["outcome"] in ("offline", "expired") and not record["gateway"]
                    if not (unasked and (turn if record["waiting"] else owner)):
                        return None
                elif owner is None and record["epoch"] >= newest[record["station"]]:
                    owner = record["connection_id"]
                turn |= owner == record["connection_id"] and not record["waiting"]
        return owner if turn else None

    def command(self, record):
        attempt = f"{record['command_id']}/{record['attempt']}"
        payload = json.dumps({"key": "k", "value": attempt})
        record = record | {"action": "ChangeConfiguration", "payload": payload}
        self.expires_ms[attempt] = record["expires_at"]
        for _ in range(self.random.choice((1, 1, 1, 2))):  # whoever writes may repeat himself
            self.bus.append("commands", record, self.s)

    def ask(self):
        command_id = f"k-{next(self.numbers)}"
        self.ids.append(command_id)
        wait_s = self.random.choice((0.5, 3.0, 20.0, 60.0))
        self.command(
            {
                "command_id": command_id,
                "attempt": 1,
                "station": f"CS-{self.random.randrange(3)}",
                "expires_at": round((self.s + wait_s) * 1000),
                "when_offline": self.random.choice(("fail", "wait")),
                "requested_by": None,
            }
        )

    def step(self):  # noqa: PLR0912 - whatever may happen
        running = [node for node in self.nodes if not node.stopped]
        node = self.random.choice(running) if running else None
        living = [line for line in self.lines if not line.lost and not line.world.stopped]
        line = self.random.choice(living) if living else None
        match self.random.randrange(25):
            case 0 | 1 if node:
                self.lines.append(Line(node, f"CS-{self.random.randrange(3)}"))
            case 2 | 3 if line and line.client.state is OPEN:
                Node.say(line, f'[2,"{next(self.numbers)}","Heartbeat",{{}}]')
            case 4 if line:
                line.abort()
            case 5 | 6 | 7:
                self.ask()
            case 8 if node and self.random.random() < 0.2:
                node.log.fail()
            case 9 if node:
                node.log.recover()
            case 10 if node and self.random.random() < 0.2:
                self.kill(node)
            case 11 if node and self.random.random() < 0.4:
                node.stopped = True  # SIGSTOP
            case 12:
                for one in self.nodes:  # SIGCONT
                    one.stopped = False
            case 13 | 14:
                self.arbiter.step()
            case 15:
                for one in self.nodes:
                    if one.stopped and self.random.random() < 0.4:
                        self.give_up(one)
            case 16 if node and self.random.random() < 0.4:
                self.stall(node)
            case _ if node:
                for _ in range(self.random.choice((1, 1, 4))):
                    node.acknowledge(self.random.randrange(12))
                    for name in self.random.sample(("connections", "commands"), 2):
                        node.tail(name, self.random.randrange(12))
        self.go_on(self.random.choice((0.001, 0.001, 0.01, 0.1, 1.0, 4.0, self.to_expiry())))

    def stall(self, node):
        """It stands still for so long that it is given up, and goes on when it is least expected:
        the last that it heard is that there is something to ask."""
        node.acknowledge(self.random.randrange(12))
        node.tail("connections", self.random.randrange(12))
        node.stopped = True
        self.give_up(node)
        for _ in range(3):
            self.go_on(GRACE_S)
            self.arbiter.step()
        node.stopped = False
        self.go_on(0.001)
        node.acknowledge(100)

    def to_expiry(self):
        """A moment that ends as some command expires, where it is a short one."""
        left = (expires_ms / 1000 - self.s for expires_ms in self.expires_ms.values())
        return min((one for one in left if 0 < one < 1.5), default=0.001)

    def kill(self, node):
        node.log.strand()
        self.lines = [line for line in self.lines if line.world is not node]
        self.nodes[self.nodes.index(node)] = Node(self, f"gw-{next(self.names)}")
        self.give_up(node)

    def give_up(self, node):
        """Who arbitrates notices by `ocpp.gateways`, and ends its connections in the log."""
        connections = self.bus.topics["connections"]
        nothing = dict.fromkeys(("gateway", "connection_id", "command_id", "attempt"))
        for epoch, (record, _) in enumerate(list(connections)):
            if record["type"] == "connected" and record["gateway"] == node.name:
                lost = {"type": "disconnected", "station": record["station"], "epoch": epoch}
                lost["reason"] = "gateway_lost"
                self.bus.append("connections", nothing | lost, self.s)

    def go_on(self, wait_s):
        self.s += wait_s
        for node in self.nodes:
            if not node.stopped:
                behind_s = self.s - node.clock.s
                if behind_s > wait_s + 1e-6:
                    node.clock.s = self.s - wait_s  # it was stopped: all timers are late at once
                node.clock.pass_by(self.s - node.clock.s)

    def end(self):
        for node in self.nodes:
            node.stopped = False
            node.log.recover()
        for _ in range(600):
            for node in self.nodes:
                node.acknowledge(50)
                node.tail("connections", 50)
                node.tail("commands", 50)
            self.arbiter.step()
            self.go_on(0.5)
        by_gateways, first, told = defaultdict(list), {}, set()
        for record, _ in self.bus.topics["command-results"]:
            first.setdefault(record["command_id"], record["outcome"])
            if "at" in record:
                by_gateways[record["command_id"], record["attempt"]].append(record["outcome"])
            if record["outcome"] in TOLD:
                told.add(record["command_id"])
        assert set(first) == set(self.ids)
        asked = [attempt.split("/")[0] for attempt in self.asked]
        assert len(asked) == len(set(asked)), "what may have been asked is not asked again"
        unasked = {name for name, outcome in first.items() if outcome in ("offline", "expired")}
        assert unasked & set(asked) == set()
        claims = (record for record, _ in self.bus.topics["connections"])
        turns = {
            one["command_id"] for one in claims if one["type"] == "taken" and not one["waiting"]
        }
        lost = {name for name, outcome in first.items() if outcome == "connection_lost"}
        assert lost <= turns, "what only waited is not lost"
        assert [found for found in by_gateways.values() if len(found) > 1] == []
        assert told - self.heard() == set()
        return first

    def heard(self):
        """Commands whose station's answer is an event in the log."""
        events = (event for event, _ in itertools.chain.from_iterable(self.bus.topics.values()))
        return {event["command_id"] for event in events if event.get("direction") == "from_station"}


SEEDS = range(40)


@cache
def outcomes(seed):
    """How the commands of one world ended, and whether one was asked that had waited in vain."""
    world = World(seed)
    for _ in range(400):
        world.step()
    found = frozenset(world.end().values())
    again = world.unasked & {attempt.split("/")[0] for attempt in world.asked}
    return found | {"asked after all"} if again else found


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_every_command_ends_once_and_is_asked_once(seed):
    """No attempt reaches a station twice, none goes out after it expired or without the claim that
    counts, gateways write one result for each at most, and no command is without a result."""
    assert outcomes(seed)


@pytest.mark.slow
def test_these_worlds_saw_every_outcome():
    """Or they prove little."""
    expected = {"answered", "call_error", "bad_answer", "timeout", "offline", "expired"}
    expected |= {"connection_lost", "asked after all"}
    assert expected <= frozenset().union(*map(outcomes, SEEDS))
