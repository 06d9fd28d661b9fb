"""Addresses are host and port, and nothing else."""

import pytest

from programs.addresses import address, is_address


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("0.0.0.0:9000", ("0.0.0.0", 9000)),
        (":9000", ("", 9000)),
        ("[::1]:9000", ("::1", 9000)),
        ("gateway-1.example:0", ("gateway-1.example", 0)),
    ],
)
def test_addresses_come_apart(text: str, wanted: tuple[str, int]) -> None:
    """Host without brackets, port as a number."""
    assert is_address(text)
    assert address(text) == wanted


@pytest.mark.parametrize("text", ["", "9000", "host", "host:", "host:65536", "a b:1", "::1:9000"])
def test_what_is_no_address(text: str) -> None:
    """A port is missing or too high, or the host is ambiguous."""
    assert not is_address(text)
