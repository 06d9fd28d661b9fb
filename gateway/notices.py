"""Events that are of no connection: refused handshakes, and signs of a gateway's life."""

import os
import platform
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.config import Config
from gateway.events import Encode
from gateway.handshake import Refuse
from programs.about import VERSION
from programs.kafka.clients import Probe
from schemas.cloudevents import cloudevent
from schemas.topics import partition


@dataclass(frozen=True, slots=True)
class Notices:
    """Writes them for one instance, which lives since `started_ms`."""

    config: Config
    instance: str
    encode: Encode
    started_ms: int

    def refusal(
        self, refuse: Refuse, request: Mapping[str, object], suppressed: int, at_ms: int
    ) -> Probe:
        """The event of a refused handshake.

        `request` has address, path, offered_subprotocols and user_agent; `suppressed` counts those
        of the same address that had no event since the last one.
        """
        event_id = f"{self.instance}.{uuid.uuid4()}"
        record = dict(request) | {
            "event_id": event_id,
            "station": refuse.station,
            "status": refuse.status,
            "reason": refuse.reason,
            "detail": refuse.body.strip(),
            "suppressed": suppressed,
            "gateway": self.instance,
            "at": at_ms,
        }
        value = self.encode("refusals", record)
        address = str(request["address"])
        return self._record("refusals", address, value, "refused", event_id, at_ms)

    def alive(self, state: str, connections: int, at_ms: int) -> Probe:
        """A sign of life; `state` is ready, starting or stopping."""
        record = {
            "gateway": self.instance,
            "host": platform.node(),
            "process_id": os.getpid(),
            "version": VERSION,
            "started_at": self.started_ms,
            "at": at_ms,
            "ready": state == "ready",
            "state": state,
            "connections": connections,
            "listen": self.config.listen,
            "admin": self.config.admin,
        }
        value = self.encode("gateways", record)
        return self._of_gateway("alive", value, at_ms)

    def gone(self, at_ms: int) -> Probe:
        """The tombstone of an instance that ended in order."""
        return self._of_gateway("gone", None, at_ms)

    def _of_gateway(self, word: str, value: bytes | None, at_ms: int) -> Probe:
        event_id = f"{self.instance}.{at_ms}"
        return self._record("gateways", self.instance, value, f"gateway.{word}", event_id, at_ms)

    def _record(  # noqa: PLR0913 - the parts of a record
        self, topic: str, key: str, value: bytes | None, what: str, event_id: str, at_ms: int
    ) -> Probe:
        source = f"/gateways/{self.instance}".encode()
        headers = cloudevent(event_id, f"ocpp.{what}", source, at_ms)
        encoded = key.encode()
        number = partition(encoded, self.config.partitions)
        return Probe(self.config.prefix + topic, number, encoded, value, headers, at_ms)
