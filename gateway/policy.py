"""What binds a session: the configuration, and over it what the platform says of the station."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from gateway import calls, replies, session
from gateway.commands import Secret
from gateway.config import Config
from gateway.security import required
from gateway.stations import Station
from gateway.validation import DEFAULT_QUIRKS

# What `unknown_stations` gives in a BootNotification.conf; `refuse` never gets that far.
_REGISTRATION = {"accept": "Accepted", "pending": "Pending", "reject": "Rejected"}


@dataclass(frozen=True)
class Policies:
    """Policies by record key; `stations` is the live table of `ocpp.stations`.

    `secret` looks one up that a command names.
    """

    config: Config
    stations: Mapping[bytes, Station]
    secret: Secret = lambda name: None

    def of(self, key: bytes) -> session.Policy:
        """The policy of a station whose record key is `key`, as things stand now."""
        station = self.stations.get(key)
        return self._unknown if station is None else self._known(station)

    def refuses(self, key: bytes) -> bool:
        """Whether a station is refused at the handshake because the platform does not know it."""
        return self.config.unknown_stations == "refuse" and key not in self.stations

    def ends(self, key: bytes, profile: int) -> str | None:
        """Why a connection of this security profile may not go on; None: it may."""
        if self.refuses(key):
            return "unknown_station"
        wanted = required(self.stations.get(key), self.config.security_profile_min)
        return "security_profile" if profile < wanted else None

    @cached_property
    def _commands(self) -> calls.Limits:
        config = self.config
        return calls.Limits(
            call_time_s=config.call_time_s,
            queued_max=config.queued_commands_max,
            hold_s=config.command_hold_s,
            frame_limit_bytes=config.frame_limit_bytes,
            secret=self.secret,
        )

    @cached_property
    def _unknown(self) -> session.Policy:
        registration = _REGISTRATION.get(self.config.unknown_stations, "Rejected")
        return self._policy(registration, None)

    def _known(self, station: Station) -> session.Policy:
        policy = self._policy(station.registration_status or "Accepted", station.boot_interval_s)
        if station.quirks is not None:
            lenient = DEFAULT_QUIRKS if "lenient" in station.quirks else frozenset()
            policy = replace(policy, quirks=station.quirks | lenient)
        if station.ping_interval_s is not None:
            policy = replace(policy, ping_interval_s=float(station.ping_interval_s))
        return policy

    def _policy(self, registration: str, interval_s: int | None) -> session.Policy:
        config = self.config
        # 0 would leave the next BootNotification to the station (OCPP 1.6, 4.2).
        if not interval_s:
            accepted = registration == "Accepted"
            interval_s = config.boot_interval_s if accepted else config.pending_interval_s
        decided = frozenset(config.decided)
        unsure = "error" if "Authorize" in decided else "accept"
        return session.Policy(
            quirks=config.quirk_rules,
            decided=decided,
            answers=replies.Policy(
                registration=registration,
                interval_s=interval_s,
                authorize=config.authorize_fallback or unsure,
            ),
            decision_time_s=config.decision_time_s,
            frame_limit_bytes=config.frame_limit_bytes,
            ping_interval_s=config.ping_interval_s,
            ping_time_s=config.ping_time_s,
            commands=self._commands,
        )
