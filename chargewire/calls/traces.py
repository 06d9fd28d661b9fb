"""The traces of commands that somebody asks: each begins here, and ends with its result."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Self

from programs import tracing
from programs.settings import KafkaSettings
from programs.spans import Place, Span, Told, sent
from schemas.replying import Headers
from schemas.topics import partition
from schemas.traces import TRACEPARENT, Trace

Record = Mapping[str, Any]
_SEND = "send"


class CallTraces:
    """Nothing is traced where the settings do not want it. As a context it ends with its block."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._tracing = tracing.begun(settings, "chargewire-call")
        self._settings = settings
        self._begun: dict[str, tuple[Record, Trace, int]] = {}  # by station

    def begin(self, commands: Sequence[Record]) -> list[tuple[str, str]]:
        """Station and trace id of each command that is traced; one alone always is.

        There is one command at most for each station.
        """
        if self._tracing is None:
            return []
        for command in commands:
            trace = self._tracing.root() if len(commands) == 1 else self._tracing.begin()
            if trace is not None:
                self._begun[command["station"]] = command, trace, time.time_ns()
        return [
            (station, f"{trace.trace_id:032x}") for station, (_, trace, _) in self._begun.items()
        ]

    def headers(self, key: bytes) -> Headers:
        """What the record with this key has to carry."""
        found = self._begun.get(key.decode())
        return [] if found is None else [(TRACEPARENT, found[1].child(_SEND).header)]

    def written(self) -> None:
        """All commands are in the log."""
        if self._tracing is None:
            return
        prefix, partitions, end_ns = (
            self._settings.prefix,
            self._settings.partitions,
            time.time_ns(),
        )
        for command, trace, start_ns in self._begun.values():
            key = command["station"].encode()
            place = Place(f"{prefix}commands", partition(key, partitions), key)
            told = _told(command)
            self._tracing.ended(sent(trace.child(_SEND), place, start_ns, end_ns, told))

    def ended(self, result: Record) -> None:
        """A command has its result."""
        found = self._begun.pop(result["station"], None)
        if found is not None:
            self._end(*found, outcome=result["outcome"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing more is waited for: what is left is sent."""
        for found in self._begun.values():
            self._end(*found, outcome="not_waited_for")
        if self._tracing is not None:
            self._tracing.close()

    def _end(self, command: Record, trace: Trace, start_ns: int, *, outcome: str) -> None:
        assert self._tracing is not None, "else nothing has begun"
        span = Span(
            name=f"call {command['action']}",
            kind="client",
            trace=trace,
            start_ns=start_ns,
            end_ns=time.time_ns(),
            told={**_told(command), "ocpp.command.outcome": outcome},
            failure="" if outcome in ("answered", "not_waited_for") else outcome,
        )
        self._tracing.ended(span)


def _told(command: Record) -> Told:
    return {
        "ocpp.station.id": command["station"],
        "ocpp.action": command["action"],
        "ocpp.command.id": command["command_id"],
    }
