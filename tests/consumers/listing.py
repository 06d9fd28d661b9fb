"""A station with a local authorization list, and the facts that come of asking it."""

import itertools
import json
from dataclasses import dataclass, field

from consumers.authorizations.local_lists import plan
from consumers.authorizations.local_lists.contents import ENTRIES, HELD, LISTS, entry
from consumers.authorizations.local_lists.stations import PROJECTION, STATIONS
from consumers.authorizations.local_lists.wording import limits_question, send_local_list
from consumers.meaning.facts import (
    At,
    CommandAsked,
    CommandEnded,
    Connected,
    Disconnected,
    ListEntry,
    LocalListAnswered,
    LocalListLimitsTold,
    LocalListVersionTold,
)
from consumers.meaning.facts_table import call_payload, facts_of
from consumers.meaning.list_commands import CHECK, LEARN, REQUESTED_BY, SEND, command_id
from consumers.tables.projections import NO_ROWS, fold
from schemas.catalogue import frame_field
from schemas.derive import shape
from schemas.identity import folded_token
from tests.consumers.written import CODEC

NOON = 1_795_262_400_000  # 2026-11-21T12:00:00Z
KEY = ("CS-1",)
SECOND = 1000
MINUTE = 60 * SECOND
UNLIMITED = plan.Limits()


def token(name, status="Accepted", **said):
    """An entry as 1.6 has it."""
    return ListEntry(name, None, status, **said)


def at(epoch, sequence, observed_ms=NOON):
    """The place of a fact of CS-1."""
    return At("CS-1", epoch, sequence, observed_ms, f"{epoch}.{sequence}.CS-1")


def rows_of(projection, *facts):
    """The rows of CS-1 that come of facts, read one after the other."""
    return fold(projection, {}, facts).get(KEY, NO_ROWS)


def joined(lists, stations):
    """The row that the plan is made of; as the keeper selects it."""
    held = lists.get(LISTS.name) or (dict.fromkeys(LISTS.columns.keys()),)
    known = stations.get(STATIONS.name) or (dict.fromkeys(STATIONS.columns.keys()),)
    row = dict(held[0]) | dict(known[0])
    return row | {"list_epoch": held[0]["epoch"]}


@dataclass
class Book:
    """All that was folded of one station."""

    lists: dict = field(default_factory=dict)
    stations: dict = field(default_factory=dict)
    facts: list = field(default_factory=list)

    def read(self, *facts):
        for fact in facts:
            self.facts.append(fact)
            if HELD.group(fact) is not None:
                self.lists = HELD.evolve(self.lists, fact)
            if PROJECTION.group(fact) is not None:
                self.stations = PROJECTION.evolve(self.stations, fact)

    @property
    def row(self):
        return joined(self.lists, self.stations)

    @property
    def entries(self):
        return {row["token"]: entry(row) for row in self.lists.get(ENTRIES.name, ())}


class Station:
    """A station that takes lists as OCPP says, within its limits; what breaks is asked of `fault`.

    `fault(action)` gives None, "lost" (it does it, but nobody hears), "deaf" (it does not, and
    nobody hears), or the status that it answers with in place of doing it. It `tells` its limits
    unasked on every connection, when it is asked, or never.
    """

    def __init__(self, *, limits=UNLIMITED, fault=lambda action: None, tells="unasked"):
        self.limits = limits
        self.fault = fault
        self.tells = tells
        self.entries = {}
        self.version = 0
        self.longest = 0

    def take(self, version, full, entries):
        """The status that it answers."""
        if not full and version <= self.version:
            return "VersionMismatch"
        after = {} if full else dict(self.entries)
        for one in entries:
            if one.status is None:
                after.pop(folded_token(one.token), None)
            else:
                after[folded_token(one.token)] = one
        if len(entries) > self.limits.entries_per_call:
            return "Failed"
        most = self.limits.entries_max
        if most is not None and len(after) > most:
            return "Failed"
        self.entries, self.version = after, version
        return "Accepted"


def told(station):
    """The limits of a station, as a fact has them."""
    names = ("entries_max", "entries_per_call", "bytes_per_call")
    return {name: getattr(station.limits, name) for name in names}


class Talk:
    """Carries out what is planned: the facts that gateway and station would make of it."""

    def __init__(self, station, version="1.6"):
        self.station = station
        self.version = version
        self.book = Book()
        self.now_ms = NOON
        self.offset = 0
        self.epoch = 0
        self.sequence = 0
        self.calls = []  # (action, list version, full, number of entries, bytes)
        self.limited = []  # those of them that were made when its limits were known
        self.connect()

    def at(self):
        return at(self.epoch, self.sequence, self.now_ms)

    def connect(self):
        self.epoch += 10
        self.sequence = 0
        self.book.read(Connected(self.at(), version=self.version, connection_id=f"c-{self.epoch}"))
        if self.station.tells == "unasked":
            self.sequence += 1
            self.book.read(LocalListLimitsTold(self.at(), **told(self.station)))

    def disconnect(self):
        self.sequence += 1
        self.book.read(Disconnected(self.at(), connection_id=f"c-{self.epoch}"))

    def step(self, tokens):
        """One look at the station, as the keeper takes it; tells the step."""
        row = self.book.row
        limits = plan.limits(row)
        wanted = plan.wanted(tokens, self.version, limits)
        step = plan.step(
            row, wanted.digest, anything_wanted=bool(wanted.entries), now_ms=self.now_ms
        )
        match step:
            case plan.Check():
                self.ask(CHECK, None, False, (), {})
            case plan.Learn():
                action, said = limits_question(self.version)
                self.ask(action, None, False, (), said)
            case plan.Send(list_version, full):
                held = None if full else self.book.entries
                whole, entries = plan.piece(held, wanted, self.version, limits)
                said = send_local_list(self.version, list_version, full=whole, entries=entries)
                self.ask(SEND, list_version, whole, entries, said)
        return step

    def ask(self, action, version, full, entries, payload):
        row = self.book.row
        name = command_id("CS-1", self.epoch, row["asked_id"], row["ended_id"])
        frame = json.dumps([2, "f" * 36, action, payload], separators=(",", ":"))
        self.calls.append((action, version, full, len(entries), len(frame.encode())))
        if row["entries_per_call"] is not None:
            self.limited.append(self.calls[-1])
        self.offset += 1
        said = json.dumps(payload), self.now_ms + MINUTE
        place = at(self.offset, 0, self.now_ms)
        self.book.read(CommandAsked(place, name, action, *said, requested_by=REQUESTED_BY))
        self.now_ms += SECOND
        self.sequence += 2
        fault = self.station.fault(action)
        if fault in ("lost", "deaf"):
            if fault == "lost" and action == SEND:
                self.station.take(version, full, entries)
            self.end(name, action, "timeout", None)
        elif action in LEARN:
            said = {} if self.station.tells == "never" else told(self.station)
            self.book.read(LocalListLimitsTold(self.at(), **said, command=name))
            self.end(name, action, "answered", {})
        elif action == CHECK:
            has = self.station.version
            self.book.read(LocalListVersionTold(self.at(), has, name))
            self.end(name, action, "answered", {"listVersion": has})
        else:
            status = fault or self.station.take(version, full, entries)
            self.book.read(LocalListAnswered(self.at(), version, full, entries, status, name))
            self.end(name, action, "answered", {"status": status})

    def end(self, name, action, outcome, response):
        self.offset += 1
        response = None if response is None else json.dumps(response)
        place = at(self.offset, 0, self.now_ms)
        self.book.read(CommandEnded(place, name, action, 1, outcome, response))

    def run(self, tokens, steps=500):
        """Look at it until nothing is left to do, with all the patience it takes."""
        for _ in range(steps):
            match self.step(tokens):
                case None:
                    return
                case plan.Wait(until_ms):
                    assert until_ms > self.now_ms
                    self.now_ms = until_ms
                case _:
                    self.now_ms += SECOND
        raise AssertionError(f"no end after {steps} steps: {self.calls[-5:]}")


class Gateway:
    """Stations by name, on a gateway: what it writes when commands are carried out."""

    def __init__(self, version="1.6"):
        self.version = version
        self.stations = {}
        self.commands = []
        self._sequences = {}

    def connect(self, name, epoch, station):
        """The record of a connection; its epoch is where it will stand."""
        self.stations[name] = station
        self._sequences[name] = itertools.count(1)
        return {
            "event_id": f"connected-{epoch}-{name}",
            "type": "connected",
            "station": name,
            "at": NOON,
            "connection_id": f"c-{name}",
            "epoch": None,
            "sequence": 0,
            "gateway": "gw",
            "ocpp_version": self.version,
            "remote_address": "127.0.0.1",
            "security_profile": 0,
        }

    def carry_out(self, command, epoch, now_ms):
        """(topic, record) of the CALL, its answer and the result."""
        self.commands.append(command)
        name, action = command["station"], command["action"]
        station, said = self.stations[name], json.loads(command["payload"])
        if action == CHECK:
            response = {VERSION_WORD[self.version]: station.version}
        elif action in LEARN:
            response = self._limits(station, said)
        else:
            call = self._frame(command, epoch, 1, "call", said, now_ms)
            entries = facts_of(*self._asked(call, command, epoch, now_ms))[0]
            taken = station.take(entries.version, entries.full, entries.entries)
            response = {"status": station.fault(action) or taken}
        sequence = next(self._sequences[name])
        call = self._frame(command, epoch, 2 * sequence, "call", said, now_ms)
        answer = self._frame(command, epoch, 2 * sequence + 1, "result", response, now_ms)
        result = {
            "command_id": command["command_id"],
            "station": name,
            "action": action,
            "attempt": 1,
            "outcome": "answered",
            "response": json.dumps(response),
            "message_id": "m",
            "at": now_ms,
        }
        result = CODEC.decode(CODEC.encode("command-results", result))[1]
        topic = "provisioning" if action in LEARN else "local-list"
        return [(topic, call), (topic, answer), ("command-results", result)]

    def _limits(self, station, said):
        """How many entries fit one call, where it tells."""
        most = str(station.limits.entries_per_call)
        if self.version == "1.6":
            key = {"key": "SendLocalListMaxLength", "readonly": True, "value": most}
            silent = {"unknownKey": said["key"]}
            return silent if station.tells == "never" else {"configurationKey": [key]}
        results = []
        for one in said["getVariableData"]:
            known = station.tells != "never" and one["variable"]["name"] == "ItemsPerMessage"
            value = {"attributeValue": most} if known else {}
            status = {"attributeStatus": "Accepted" if known else "UnknownVariable"}
            results.append(one | status | value)
        return {"getVariableResult": results}

    def _asked(self, call, command, epoch, now_ms):
        """What a reader makes of the CALL, were it taken."""
        answer = self._frame(command, epoch, 2, "result", {"status": "Accepted"}, now_ms)
        return "local-list", answer, 0, call_payload(call)

    def _frame(self, command, epoch, sequence, kind, payload, now_ms):
        part = "request" if kind == "call" else "response"
        action = command["action"]
        typed, _ = shape(self.version, action, part).to_avro(payload)
        station = command["station"]
        record = {
            "event_id": f"{epoch}-{sequence}-{station}",
            "station": station,
            "connection_id": f"c-{station}",
            "epoch": epoch,
            "sequence": sequence,
            "call_sequence": None if kind == "call" else sequence - 1,
            "gateway": "gw",
            "ocpp_version": self.version,
            "direction": "to_station" if kind == "call" else "from_station",
            "kind": kind,
            "action": action,
            "message_id": f"m-{sequence}",
            "observed_at": now_ms,
            "command_id": command["command_id"],
            frame_field(self.version, action, part): typed,
        }
        topic = "provisioning" if action in LEARN else "local-list"
        return CODEC.decode(CODEC.encode(topic, record))[1]


VERSION_WORD = {"1.6": "listVersion", "2.0.1": "versionNumber", "2.1": "versionNumber"}
