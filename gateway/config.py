"""The gateway's settings: every limit by name, with its unit and what it may be."""

import difflib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gateway.security_settings import SecuritySettings
from gateway.validation import DEFAULT_QUIRKS, QUIRKS
from programs import settings_file
from programs.addresses import is_address
from programs.settings import setting
from schemas.catalogue import ACTIONS, BY_SUBPROTOCOL

STATION_TIME_OUT_S = 30  # most stations give up a CALL then, and count it as a failed try
_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")
_DECIDABLE = {action.name for action in ACTIONS.values() if action.from_station}
_DECIDED = re.compile(r"[A-Z][A-Za-z0-9]*|DataTransfer:.+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config(SecuritySettings):
    """All that an operator may choose about a gateway; the variable is CHARGEWIRE_<NAME>."""

    listen: str = setting(
        "0.0.0.0:9000", "where stations connect", allowed="host:port", check=is_address
    )
    admin: str = setting(
        "0.0.0.0:9100",
        "metrics, health and schemas over HTTP",
        allowed="host:port",
        check=is_address,
    )
    path: str = setting(
        "/ocpp",
        "what stands before the station id in the URL",
        allowed="empty or /one/or/more/names, without a slash at the end",
        check=lambda text: _PATH.fullmatch(text) is not None,
    )
    instance: str = setting("", "name of this gateway in the log; empty: the host's name")
    workers: int = setting(
        1, "processes that share the port, each a gateway", unit="processes", low=1, high=256
    )

    connections_max: int = setting(
        20_000, "connections held at once by one worker", unit="connections", low=1, high=1_000_000
    )
    handshakes_max: int = setting(
        500, "handshakes under way at once by one worker", unit="handshakes", low=1
    )
    handshake_time_s: float = setting(
        10, "longest that a handshake may take", unit="seconds", low=0.1, high=120
    )
    pipelined_calls_max: int = setting(
        16, "calls of a station taken before the first is answered", unit="calls", low=1, high=1000
    )
    pipelined_answers_extra: int = setting(
        4, "frames read beyond that, for answers to our own call", unit="frames", low=1, high=1000
    )
    events_in_flight_max: int = setting(
        20_000, "events not yet acknowledged by Kafka, one worker", unit="events", low=2
    )

    decision_time_s: float = setting(
        5, "longest wait for a decision, then the fallback", unit="seconds", low=0.1, high=25
    )
    call_time_s: float = setting(
        30, "longest wait for a station's answer to a command", unit="seconds", low=1, high=600
    )
    command_hold_s: float = setting(
        10,
        "commands wait so long for a new connection's first call to be answered",
        unit="seconds",
        low=0,
        high=120,
    )
    gather_ms: int = setting(
        0,
        "Kafka gathers commands and decisions so long: less work in large fleets, later answers",
        unit="milliseconds",
        low=0,
        high=1000,
    )
    queued_commands_max: int = setting(
        100, "commands that wait for one station", unit="commands", low=1, high=10_000
    )
    secrets: str = setting("", "folder of the secrets that commands may name, a file each")
    ack_time_s: float = setting(
        10, "longest wait for Kafka's acknowledgement", unit="seconds", low=0.1, high=25
    )
    outage_time_s: float = setting(
        20, "Kafka down for so long: close all sockets", unit="seconds", low=0.1, high=3600
    )
    retry_after_s: int = setting(
        10, "Retry-After of a refused handshake", unit="seconds", low=1, high=3600
    )
    ping_interval_s: float = setting(
        60, "silence before a ping; 0: never ping", unit="seconds", low=0, high=3600
    )
    ping_time_s: float = setting(
        30, "silence after a ping before closing", unit="seconds", low=1, high=600
    )
    takeovers_per_minute: int = setting(
        5, "takeovers of one station before it is slowed (503)", unit="per minute", low=1
    )
    drain_time_s: float = setting(
        25, "from SIGTERM to the end, at most", unit="seconds", low=1, high=3600
    )
    drain_slice: int = setting(
        100,
        "sockets closed every 100 ms while draining, more where time is short",
        unit="sockets",
        low=1,
    )

    subprotocol_fallback: str = setting(
        "",
        "version of stations that offer none; empty: refuse them",
        choices=("", *BY_SUBPROTOCOL),
    )
    unknown_stations: str = setting(
        "accept",
        "stations that ocpp.stations does not have: boot answer, or no connection",
        choices=("accept", "pending", "reject", "refuse"),
    )
    boot_interval_s: int = setting(
        300, "heartbeat interval given to accepted stations", unit="seconds", low=1, high=86_400
    )
    pending_interval_s: int = setting(
        60, "boot retry interval given to the others", unit="seconds", low=1, high=86_400
    )
    decided: tuple[str, ...] = setting(
        (),
        "actions answered by a deciding service, such as Authorize or DataTransfer:vendor",
        allowed="names of actions, DataTransfer also as DataTransfer:<vendor id>",
        check=lambda names: all(_DECIDED.fullmatch(name) for name in names),
    )
    authorize_fallback: str = setting(
        "",
        "Authorize without a decision; empty: error where decided, accept where not",
        choices=("", "accept", "invalid", "error"),
    )
    quirks: tuple[str, ...] = setting(
        ("lenient",), "rules bent for stations, by name; lenient: the usual ones; strict: none"
    )
    allow_single_replica: bool = setting(
        False, "start on topics with one replica; they do not survive a broker"
    )
    log_format: str = setting(
        "auto",
        "auto: console on a terminal, JSON elsewhere",
        choices=("auto", "json", "console"),
    )
    log_level: str = setting(
        "info", "least level that is logged", choices=("debug", "info", "warning", "error")
    )

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield what does not go together, with the reason."""
        yield from SecuritySettings.problems(self)
        if 2 * self.ack_time_s + self.decision_time_s >= STATION_TIME_OUT_S:
            yield (
                ("ack_time_s", "decision_time_s"),
                "a decided call waits for two acknowledgements and one decision; together they"
                f" must stay under {STATION_TIME_OUT_S} s, when stations give up",
            )
        if self.outage_time_s < self.ack_time_s:
            yield (
                ("outage_time_s", "ack_time_s"),
                "Kafka is not down before an acknowledgement is late: outage_time_s must not be"
                " less than ack_time_s",
            )
        if self.listen == self.admin and not self.listen.endswith(":0"):
            yield ("listen", "admin"), "stations and operators need a port each"
        for name in self.decided:
            action = name.partition(":")[0]
            if action not in _DECIDABLE:
                yield ("decided",), f"{action}: no station calls that{_near(action, _DECIDABLE)}"
            elif action == "StopTransaction":
                yield ("decided",), "StopTransaction is always confirmed, nobody decides it"
        if "strict" in self.quirks and self.quirks != ("strict",):
            yield ("quirks",), "strict means none: it stands alone"
        for name in self.quirks:
            if name not in QUIRKS and name not in ("strict", "lenient"):
                yield ("quirks",), f"{name} is no rule{_near(name, QUIRKS)}"

    @property
    def quirk_rules(self) -> frozenset[str]:
        """The rules that are bent for stations without quirks of their own: `lenient` spelt out."""
        named = frozenset(self.quirks) - {"strict", "lenient"}
        return named | DEFAULT_QUIRKS if "lenient" in self.quirks else named


def _near(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=3, cutoff=0.5) or sorted(known)
    return "; there are " + ", ".join(near)


def load(flags: Mapping[str, object], environ: Mapping[str, str] = os.environ) -> Config:
    """Read the gateway's settings: flags (by field name), environment, file, defaults.

    Raises SettingsError with every problem in one list.
    """
    return settings_file.load(Config, flags, environ)
