"""Who may call the console, and what a browser is told about it."""

import hmac
import ipaddress
from collections.abc import Collection, Mapping

from programs.addresses import address

HEADERS = {
    # The page is all that there is: no other site, no script or style in the text of a page.
    "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'; object-src 'none'; img-src 'self' data:",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def hosts(listen: str, told: Collection[str]) -> frozenset[str] | None:
    """The names by which browsers may call what listens there; None: any.

    On a loopback address only those of this machine: else any site could have its own name lead
    here (DNS rebinding), and read what the browser gets.
    """
    if told:
        return frozenset(name.lower() for name in told)
    host, _ = address(listen)
    return frozenset((*LOOPBACK, host.lower())) if _is_loopback(host) else None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_called(header: str, allowed: Collection[str] | None) -> bool:
    """Whether a Host header (RFC 9110, 7.2) has one of the names, with whatever port."""
    if allowed is None:
        return True
    name = header.strip().lower()
    is_ipv6 = name.startswith("[")
    name = name[1:].partition("]")[0] if is_ipv6 else name.partition(":")[0]
    return name.rstrip(".") in allowed


def is_bearer(headers: Mapping[str, str], token: str) -> bool:
    """Whether a call brings the token (RFC 6750, 2.1); compared in constant time."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    # Both as bytes: texts that are no ASCII cannot be compared so.
    same = hmac.compare_digest(given.strip().encode(errors="replace"), token.encode())
    return scheme.lower() == "bearer" and bool(token) and same
