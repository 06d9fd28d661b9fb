"""All that the console knows, folded out of the records of the log as they come."""

from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from chargewire.console.commands import Commands
from chargewire.console.config import Config
from chargewire.console.configurations import Configurations
from chargewire.console.curves import Curves
from chargewire.console.rings import Conversations, Recent
from chargewire.console.rows import Key, Newest, shown
from chargewire.console.stations import STATES as STATION_STATES
from chargewire.console.stations import Station, View, has, is_in, states
from chargewire.console.told import Told, told
from chargewire.console.transactions import Transactions
from chargewire.log.summary import Entry, payload
from consumers.meaning.facts import At, Connected, Fact
from consumers.meaning.facts_table import facts_of
from consumers.meaning.payloads import Json
from schemas.catalogue import BLOCKS

SHOWN = ("connections", *BLOCKS, "rejected")
"""Topics whose records are shown as events."""
EVENTS = (*SHOWN, "command-results")
"""Topics that tell what happened: read from some time ago on."""
STATES = (
    "stations",
    "tables.stations",
    "tables.connectors",
    "tables.transactions",
    "tables.commands",
)
"""Topics that tell how things are: read from their beginning."""
LETTERS_MAX = 1000
_CONFIGURATION = frozenset({"GetConfiguration", "GetVariables", "NotifyReport"})
_LAST = 20  # transactions on the page of a station


@dataclass(frozen=True, slots=True)
class Change:
    """Something to tell those who watch: `kind` is event, station, transaction or result.

    `data` is what is shown of it; `event` is set where it is one.
    """

    kind: str
    station: str
    data: Mapping[str, Any]
    event: Told | None = None


class Model:
    """Takes the records of EVENTS and STATES, in any order among topics; `first` numbers events."""

    def __init__(self, config: Config, first: int) -> None:
        self.recent = Recent(config.console_events, first)
        self.conversations = Conversations(config.console_frames, config.console_frames_total)
        self.transactions = Transactions(config.console_transactions)
        self.commands = Commands()
        self.letters: deque[Told] = deque(maxlen=LETTERS_MAX)
        self.views: dict[str, View] = {}
        self._stations: dict[str, Station] = {}
        self._rows, self._connectors = Newest(), Newest()
        self._curves, self._configurations = Curves(), Configurations()
        self._counts: Counter[str] = Counter()
        self._names: list[str] | None = None  # of the views, in order; None: to be sorted
        self._touched: dict[str, None] = {}
        self._changes: list[Change] = []
        self._is_settled = False

    def take(self, entry: Entry) -> None:
        """Take one record; `changes` tells what that came to."""
        match entry.topic:
            case "tables.stations":
                if taken := self._rows.take(entry):
                    (name, *_), _, row = taken
                    self._station(name).row = row
            case "tables.connectors":
                self._connector(entry)
            case "tables.transactions":
                row = self.transactions.take(entry, self._moved)
                if row is not None:
                    self._changes.append(Change("transaction", row["station"], row))
            case "tables.commands":
                self.commands.take(entry)
            case "stations":
                self._listed(entry)
            case "command-results":
                if entry.record and (result := self.commands.ended(entry.record)):
                    self._changes.append(Change("result", result["station"], result))
            case _:
                self._happened(entry)

    def settled(self) -> None:
        """What is past has been read: from now on, what comes happens now."""
        self.recent.settled()
        self.changes()
        self._is_settled = True

    def changes(self) -> list[Change]:
        """What has changed since this was last asked; a station that changed often comes once."""
        found, self._changes = self._changes, []
        for name in self._touched:
            station, before = self._stations[name], self.views.pop(name, None)
            self._counts.subtract(states(before))
            if (before is not None) != station.is_known:
                self._names = None
            if not station.is_known:  # its rows were taken away
                continue
            self.views[name] = after = station.view()
            self._counts.update(states(after))
            if before is None or _apart(before) != _apart(after):
                found.append(Change("station", name, after))
        self._touched.clear()
        return found if self._is_settled else []

    def counts(self) -> dict[str, int]:
        """How many stations there are, and in each of the states."""
        return {"all": len(self.views)} | {state: self._counts[state] for state in STATION_STATES}

    def listed(
        self, limit: int, *, text: str = "", state: str | None = None, after: str = ""
    ) -> tuple[int, list[View]]:
        """How many stations are meant, and the first of them by id, after a name.

        Meant are those in a state, whose id, vendor or model has a text; only for a text all
        stations have to be looked at.
        """

        def meant(view: View) -> bool:
            return (state is None or is_in(view, state)) and (not text or has(view, text))

        if self._names is None:
            self._names = sorted(self.views)
        begin = bisect_right(self._names, after)
        views = (self.views[name] for name in islice(self._names, begin, None))
        if text:
            total = sum(map(meant, self.views.values()))
        else:
            total = len(self.views) if state is None else self._counts[state]
        return total, [*islice(filter(meant, views), min(limit, total))]

    def station(self, name: str) -> dict[str, Any] | None:
        """All that the page of a station shows; None: no such station."""
        if name not in self.views:
            return None
        _, rows = self.transactions.newest(station=name)
        first = next(iter(rows), None)
        return {
            **self.views[name],
            **self._stations[name].details(),
            "transactions": [shown(row) for row in islice(rows, _LAST)],
            "configuration": self._configurations.of(name),
            "power": None if first is None else self.power(first),
        }

    def power(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The curves of a transaction, without a point where nothing was told of late."""
        curves = self._curves.of(row["station"], row["transaction_id"])
        names = {"transaction_id": row["transaction_id"], "id": row["id"]}
        return names | (curves or {"points": [], "energy": [], "derived": False})

    def _happened(self, entry: Entry) -> None:
        one, record = told(entry), entry.record
        if one is None or record is None:
            return
        self.recent.add(one)
        if one.place[0] >= 0:  # else a gateway did not know to which connection it belongs
            self.conversations.add(one)
        if one.letter is not None:
            self.letters.append(one)
        facts = facts_of(entry.topic, record, entry.offset, None, entry.timestamp_ms)
        station = self._station(one.station)
        if one.is_frame and station.is_new(one.place[0]):
            facts.append(_connected(one, record))
        station.heard(one.at_ms, facts)
        self._curves.take(facts)
        if one.action in _CONFIGURATION and one.direction == "from_station" and one.letter is None:
            said = payload(record) or {}
            self._configurations.take(one.station, one.at_ms, one.action, str(one.kind), said)
        self._changes.append(Change("event", one.station, {}, one))

    def _connector(self, entry: Entry) -> None:
        taken = self._connectors.take(entry)
        if taken is None:
            return
        (name, evse, connector), _, row = taken
        self._station(name).told(evse, connector, row)

    def _listed(self, entry: Entry) -> None:
        """What the platform says of a station: shown only once there is something else of it."""
        if entry.key is None or (entry.record is None and entry.problem != "deleted"):
            return
        name = entry.key.decode(errors="replace")
        station = self._stations.setdefault(name, Station(name))
        station.group = None if entry.record is None else entry.record.get("group")

    def _moved(self, station: str, key: Key, is_open: bool) -> None:
        keys = self._station(station).open
        keys.add(key) if is_open else keys.discard(key)

    def _station(self, name: str) -> Station:
        self._touched[name] = None
        return self._stations.setdefault(name, Station(name))


def _connected(one: Told, record: Json) -> Fact:
    """What a frame tells of its connection: that it is there."""
    epoch, _ = one.place
    at = At(one.station, epoch, 0, one.at_ms, str(one.event_id))
    return Connected(
        at,
        gateway=record["gateway"],
        version=record["ocpp_version"],
        connection_id=record["connection_id"],
    )


def _apart(view: View) -> dict[str, Any]:
    """The view without the time that every frame moves."""
    return {name: value for name, value in view.items() if name != "last_ms"}
