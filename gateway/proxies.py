"""What a trusted proxy tells of the station behind it."""

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gateway import certificate_names
from gateway.security import Peer

Header = Callable[[str], Sequence[str]]
"""Name of a header -> its values, in their order."""

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# One `key=value` of X-Forwarded-Client-Cert; a quoted value ends at a quote that is not escaped.
_PAIR = re.compile(r'\s*([A-Za-z]+)=("(?:\\.|[^"\\])*"|[^;,"]*)(;|,|\Z)', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Proxies:
    """Those whose headers are believed, by address; `certificate_header` may be empty: none is."""

    trusted: Sequence[str]
    certificate_header: str = ""
    _networks: tuple[_Network, ...] = field(init=False)

    def __post_init__(self) -> None:
        networks = tuple(ipaddress.ip_network(text, strict=False) for text in self.trusted)
        object.__setattr__(self, "_networks", networks)

    def peer(self, direct: Peer, header: Header) -> Peer:
        """The station's side of a connection, where a trusted proxy is what connected.

        From anyone else nothing is believed that is in a header. What the proxy itself proved by
        TLS says nothing of the station: that is in headers alone.
        """
        if not self._trusts(direct.address):
            return direct
        names = self._names(header)
        protocols = _listed(header("X-Forwarded-Proto"))
        said_secure = bool(protocols) and all(one in ("https", "wss") for one in protocols)
        return Peer(self._address(direct, header), said_secure or bool(names), names)

    def _address(self, direct: Peer, header: Header) -> str:
        """The last address of X-Forwarded-For that is no proxy of ours; anyone can write more."""
        for text in reversed(_listed(header("X-Forwarded-For"))):
            if _ip(text) is None:
                break
            if not self._trusts(text):
                return text
        return direct.address

    def _trusts(self, address: str) -> bool:
        ip = _ip(address)
        return ip is not None and any(ip in network for network in self._networks)

    def _names(self, header: Header) -> frozenset[str]:
        values = header(self.certificate_header) if self.certificate_header else ()
        if len(values) != 1:  # two: one of them is not the proxy's
            return frozenset()
        try:
            return named_in(values[0].strip())
        except ValueError:
            return frozenset()


def named_in(value: str) -> frozenset[str]:
    """The names of the certificate in a header's value. Raises ValueError where it has none.

    It is the certificate between colons in base64 (Client-Cert, RFC 9440), in percent-encoded PEM
    (what nginx calls `$ssl_client_escaped_cert`), or Envoy's list of keys and values
    (X-Forwarded-Client-Cert), of which the last element is what the nearest proxy has seen.
    """
    if value.startswith(":"):
        try:
            return certificate_names.of_der(base64.b64decode(value.strip(":"), validate=True))
        except binascii.Error as error:
            raise ValueError("no base64") from error
    if value.startswith("-----BEGIN"):
        return certificate_names.of_pem(value)
    pairs = _last_element(value)
    for key, text in pairs:
        if key == "cert":
            return certificate_names.of_pem(text)
    names = {text for key, text in pairs if key == "dns"}
    for key, text in pairs:
        if key == "subject":
            names |= certificate_names.of_subject(text)
    return frozenset(names)


def _last_element(value: str) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    at = 0
    while at < len(value):
        found = _PAIR.match(value, at)
        if found is None:
            raise ValueError("no X-Forwarded-Client-Cert")
        key, text, end = found.groups()
        pairs.append((key.lower(), text[1:-1] if text[:1] == '"' else text))
        at = found.end()
        if end == ",":
            pairs = []
    return pairs


def _listed(values: Sequence[str]) -> list[str]:
    return [text for value in values for one in value.split(",") if (text := one.strip().lower())]


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)  # a v4 client of a socket for both
    return mapped or found
