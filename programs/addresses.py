"""Addresses to listen on, as settings have them: host:port."""

import re

_ADDRESS = re.compile(r"(?:[^\s,:\[\]]+|\[[0-9a-fA-F:.]+\]|):(\d{1,5})")


def is_address(text: str) -> bool:
    """Tell whether a text is ``host:port``; no host means every address."""
    found = _ADDRESS.fullmatch(text)
    return found is not None and int(found[1]) < 65536


def address(text: str) -> tuple[str, int]:
    """Take ``host:port`` apart; an empty host is every address, brackets of IPv6 are dropped."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)
