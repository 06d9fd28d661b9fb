"""What the log tells of a station, handed to the connection that it concerns."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gateway.answers import Decision
from gateway.claims import Claim
from gateway.commands import command_of
from gateway.effects import Instant
from gateway.link import Link
from gateway.policy import Policies
from gateway.router import Router
from schemas.traces import Context

LOST = "gateway_lost"  # why a connection of this gateway ended, by another's word


class Delivery:
    """Receives what a dispatch hands out; `newest` is told of each `connected`.

    `follow` makes the place of a command in a trace of the traceparent that came with it.
    """

    def __init__(
        self,
        *,
        router: Router[Link],
        policies: Policies,
        newest: Callable[[bytes, int], None],
        now: Callable[[], Instant],
        follow: Callable[[bytes | None], Context | None],
    ) -> None:
        self._router = router
        self._policies = policies
        self._newest = newest
        self._now = now
        self._follow = follow

    def connection(self, key: bytes, position: int, record: Mapping[str, Any]) -> None:
        """A record of the connection log about a station held here."""
        kind = record["type"]
        if kind == "connected":
            self._newest(key, position)
        elif kind == "disconnected" and record["reason"] == LOST:
            # It was given up by who arbitrates: no command would come here any more.
            for link in [*self._router.links(key)]:
                if link.epoch == record["epoch"]:
                    link.give_up(1012, LOST)
        elif kind in ("taken", "settled"):
            claim = Claim(
                kind,
                record["command_id"],
                record["attempt"],
                position,
                record["epoch"],
                record["connection_id"],
                record["outcome"],
                record["waiting"],
            )
            # Also those whose epoch is not known yet: they must know what was taken before.
            for link in [*self._router.links(key)]:
                if link.session is not None:
                    link.perform(link.session.claimed(claim, self._now()))

    def command(
        self,
        key: bytes,
        headers: Sequence[tuple[str, bytes]],
        written_ms: int,
        record: Mapping[str, Any],
    ) -> None:
        """A command for a station held here: it is for the newest of its connections."""
        links = self._router.links(key)
        if links and (session := links[-1].session) is not None:
            command = command_of(record, headers, written_ms, str(uuid.uuid4()), self._follow)
            links[-1].perform(session.commanded(command, self._now()))

    def decision(self, key: bytes, record: Mapping[str, Any]) -> None:
        """A decision about a station held here."""
        link = self._router.current(key)
        if link is None or link.session is None:
            return
        decision = Decision(
            event_id=record["event_id"],
            response=record["response"],
            error_code=record["error_code"],
            error_description=record["error_description"],
        )
        link.perform(link.session.decided(decision, self._now()))

    def station(self, key: bytes) -> None:
        """The row of a station held here has changed: it holds for the next CALL.

        A connection of a lower security profile than is now asked for ends. One whose password is
        no longer that of the row goes on: over it the station is told the new one (OCPP 2.x A01).
        """
        for link in [*self._router.links(key)]:
            if (reason := self._policies.ends(key, link.profile)) is not None:
                link.give_up(1008, reason)
            elif link.session is not None:
                link.session.policy = self._policies.of(key)
