"""The gateway's settings about who may claim to be a station."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass

from programs.settings import KafkaSettings, setting


def _are_networks(texts: tuple[str, ...]) -> bool:
    try:
        for text in texts:
            ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class SecuritySettings(KafkaSettings):
    """TLS of the stations' port, the least security profile, and the proxies before it."""

    security_profile_min: int = setting(
        0,
        "lowest OCPP security profile that any station may use: 0 none, 1 password, 2 password"
        " and TLS, 3 client certificate",
        low=0,
        high=3,
    )
    password_tries_per_minute: int = setting(
        10,
        "wrong passwords for one station from one address before it is slowed (429)",
        unit="per minute",
        low=1,
        high=1000,
    )
    tls_certificate: str = setting(
        "", "PEM file of the certificate, and what leads to its authority: the port speaks wss"
    )
    tls_key: str = setting("", "PEM file of its key; empty: in the same file")
    tls_client_authorities: str = setting(
        "", "PEM file of the authorities of stations' certificates, with their CRLs if there are"
    )
    trusted_proxies: tuple[str, ...] = setting(
        (),
        "proxies, by address or network, whose X-Forwarded-For and X-Forwarded-Proto are believed",
        allowed="addresses or networks, such as 10.0.0.0/8",
        check=_are_networks,
    )
    client_certificate_header: str = setting(
        "",
        "header in which those proxies name a station's verified certificate, such as Client-Cert",
        allowed="empty or the name of a header",
        check=lambda name: not name or name.replace("-", "").isalnum(),
    )

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield what does not go together, with the reason."""
        yield from KafkaSettings.problems(self)
        for name in ("tls_key", "tls_client_authorities"):
            if getattr(self, name) and not self.tls_certificate:
                yield (name, "tls_certificate"), "without a certificate the port does not speak TLS"
        if self.client_certificate_header and not self.trusted_proxies:
            yield (
                ("client_certificate_header", "trusted_proxies"),
                "anyone can send a header: name the proxies that are believed",
            )
        minimum = self.security_profile_min
        if minimum >= 2 and not (self.tls_certificate or self.trusted_proxies):
            yield (
                ("security_profile_min", "tls_certificate", "trusted_proxies"),
                f"profile {minimum} needs TLS, here or at a proxy: no station could connect",
            )
        elif minimum == 3 and not (self.tls_client_authorities or self.client_certificate_header):
            yield (
                (
                    "security_profile_min",
                    "tls_client_authorities",
                    "client_certificate_header",
                ),
                "profile 3 needs client certificates: no station could connect",
            )
