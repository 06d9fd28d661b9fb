"""Who may call the console."""

import pytest

from chargewire.console.guard import HEADERS, hosts, is_bearer, is_called

TOKEN = "0123456789abcdef"


@pytest.mark.parametrize("listen", ["127.0.0.1:9200", "localhost:9200", "[::1]:9200"])
def test_on_a_loopback_address_it_has_the_names_of_this_machine(listen: str) -> None:
    """Another name that leads here is some other site's (DNS rebinding)."""
    allowed = hosts(listen, ())
    mine = ["localhost", "localhost:9200", "127.0.0.1:1", "[::1]:9200", "[::1]", "LocalHost."]
    assert all(is_called(host, allowed) for host in mine)
    others = ["", "evil.example", "localhost.evil.example:9200", "127.0.0.1.evil.example", "[::2]"]
    assert not any(is_called(host, allowed) for host in others)


def test_elsewhere_it_has_any_name_unless_told_which() -> None:
    """Whoever puts it there knows what it is called."""
    assert is_called("evil.example", hosts("0.0.0.0:9200", ()))
    allowed = hosts("0.0.0.0:9200", ("Console.example.com",))
    assert is_called("console.example.com:443", allowed)
    assert not is_called("localhost", allowed)


def test_the_token_has_to_be_the_very_same() -> None:
    """The scheme is compared without regard to case (RFC 9110, 11.1)."""
    assert is_bearer({"authorization": f"Bearer {TOKEN}"}, TOKEN)
    assert is_bearer({"authorization": f"bearer {TOKEN} "}, TOKEN)
    wrong = ["", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer", "Bearer é\udcff"]
    assert not any(is_bearer({"authorization": text}, TOKEN) for text in wrong)
    assert not is_bearer({}, TOKEN)
    assert not is_bearer({"authorization": "Bearer "}, "")


def test_pages_are_told_to_use_nothing_from_elsewhere() -> None:
    """No other origin, no script or style within a page, no frame around it."""
    policy = HEADERS["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
