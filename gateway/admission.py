"""Whom a gateway lets in, and what it tells of those that it does not."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog
from websockets.http11 import Request

from gateway import handshake, redaction
from gateway.config import Config
from gateway.effects import Instant
from gateway.handshake import Accept, Refuse
from gateway.metrics import Metrics
from gateway.notices import Notices
from gateway.policy import Policies
from gateway.proxies import Proxies
from gateway.security import Peer, judged, password_in
from programs.kafka.clients import Probe

if TYPE_CHECKING:
    from gateway.link import Link

log = structlog.get_logger("gateway")


class Admission:
    """The door of one instance; `no_room` says why nobody is let in now: reason, and for people.

    `write` puts an event into the log; `takeovers` is told of each.
    """

    def __init__(  # noqa: PLR0913 - everything outside arrives as an argument
        self,
        *,
        config: Config,
        policies: Policies,
        notices: Notices,
        metrics: Metrics,
        write: Callable[[Probe], None],
        no_room: Callable[[], tuple[str, str] | None],
        now: Callable[[], Instant],
    ) -> None:
        self.takeovers = handshake.Pace(config.takeovers_per_minute)
        self._config = config
        self._policies = policies
        self._notices = notices
        self._metrics = metrics
        self._write = write
        self._no_room = no_room
        self._now = now
        self._proxies = Proxies(config.trusted_proxies, config.client_certificate_header)
        self._tries = handshake.Pace(config.password_tries_per_minute)
        self._refusals = handshake.RefusalLog()

    def judge(self, link: "Link", request: Request) -> Accept | Refuse:
        """What becomes of an upgrade request: whether it is one for us, whether now, and of whom.

        From here on the link's address is the station's, also behind a trusted proxy.
        """
        peer = self._proxies.peer(link.peer, request.headers.get_all)
        link.address = peer.address
        config = self._config
        answer = handshake.answer(
            request.path, _listed(request), prefix=config.path, fallback=config.subprotocol_fallback
        )
        if isinstance(answer, Refuse):
            return answer
        if (full := self._no_room()) is not None:
            return Refuse(503, full[0], full[1] + "\n", answer.station, config.retry_after_s)
        profile = self._profile(answer.station, peer, request)
        if isinstance(profile, Refuse):
            return profile
        return self._not_now(answer.station) or replace(answer, profile=profile)

    def _profile(self, station: str, peer: Peer, request: Request) -> int | Refuse:
        """The security profile of the connection, or why it may not be."""
        # By address too: who guesses must not lock the station itself out.
        tried, now_s = f"{peer.address} {station}".encode(), self._now().s
        if wait_s := self._tries.wait_s(tried, now_s):
            body = "Too many wrong passwords; try again later.\n"
            return Refuse(429, "password_tries", body, station, wait_s)
        said = request.headers.get_all("Authorization")
        password = password_in(said[0], station) if len(said) == 1 else None
        row = self._policies.stations.get(station.encode())
        found = judged(station, row, peer, password, self._config.security_profile_min)
        if isinstance(found, Refuse) and found.status == 401 and password is not None:
            self._tries.happened(tried, now_s)
        return found

    def _not_now(self, station: str) -> Refuse | None:
        """Why this station, that has proved who it is, is not let in all the same."""
        key = station.encode()
        # Also where none is held here: the other box may be at another gateway.
        if wait_s := self.takeovers.wait_s(key, self._now().s):
            body = "Connections of this station id replace each other: is the id used twice?\n"
            return Refuse(503, "takeovers", body, station, wait_s)
        if self._policies.refuses(key):
            return Refuse(404, "unknown_station", "This station is not registered.\n", station)
        return None

    def refused(self, link: "Link", request: Request, refuse: Refuse) -> None:
        """Count a refused handshake, and tell of it unless its address floods."""
        asked = {
            "path": redaction.redact_text(request.path)[:1000],
            "offered_subprotocols": request.headers.get_all("Sec-WebSocket-Protocol"),
            "user_agent": user_agent(request),
        }
        self._tell(link, refuse, asked)

    def without_tls(self, link: "Link", reason: str, detail: str) -> None:
        """TLS was not agreed upon, or not even tried: what was to be asked for is not known."""
        self._tell(link, Refuse(0, reason, detail), {"path": "", "offered_subprotocols": []})

    def _tell(self, link: "Link", refuse: Refuse, asked: Mapping[str, object]) -> None:
        self._metrics.refused(refuse.reason)
        now = self._now()
        suppressed = self._refusals.admits(link.address, now.s)
        if suppressed is None:
            return
        log.info(
            "refused",
            address=link.address,
            reason=refuse.reason,
            station=refuse.station,
            suppressed=suppressed,
        )
        asked = {"user_agent": None, **asked, "address": link.address}
        self._write(self._notices.refusal(refuse, asked, suppressed, now.ms))

    def late(self, link: "Link") -> None:
        """A handshake took too long."""
        self._metrics.refused("handshake_time")
        log.info("handshake too slow", address=link.address)

    def garbled(self, link: "Link") -> None:
        """What came is no HTTP request: TLS on a plain port, a scanner, a line without end."""
        self._metrics.refused("no_http")
        log.info("no HTTP request", address=link.address)


def user_agent(request: Request) -> str | None:
    """The User-Agent header, where there is one or more."""
    return ", ".join(request.headers.get_all("User-Agent")) or None


def _listed(request: Request) -> list[str]:
    """The subprotocols that are offered."""
    values = request.headers.get_all("Sec-WebSocket-Protocol")
    return [name.strip() for value in values for name in value.split(",")]
