"""Facts about what a proxy tells, and of whom it is believed."""

import base64
from urllib.parse import quote

import pytest

from gateway.proxies import Proxies, named_in
from gateway.security import Peer
from tests.certificates import Authority

BEHIND = Peer("10.0.0.7")


@pytest.fixture(scope="module")
def issued(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("pki")).issue("CS-1")


def told(headers, direct=BEHIND, trusted=("10.0.0.0/8", "fd00::1"), name="Client-Cert"):
    """What is believed of a connection with these headers."""

    def header(wanted):
        found = headers.get(wanted, ())
        return [found] if isinstance(found, str) else found

    return Proxies(trusted, name).peer(direct, header)


def test_nobody_else_is_believed(issued):
    """Whatever the headers say, an untrusted peer is what its socket is."""
    headers = {
        "X-Forwarded-For": "192.0.2.1",
        "X-Forwarded-Proto": "https",
        "Client-Cert": f":{base64.b64encode(issued.der).decode()}:",
    }
    for direct in (Peer("192.0.2.9"), Peer("fd00::2"), Peer(""), Peer("192.0.2.9", secure=True)):
        assert told(headers, direct) is direct
    assert told(headers, trusted=()) is BEHIND
    assert told(headers).names == {"CS-1"}


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ((), "10.0.0.7"),
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.66, 192.0.2.1", "192.0.2.1"),
        ("192.0.2.66, 192.0.2.1, 10.9.9.9", "192.0.2.1"),
        (("192.0.2.66", "192.0.2.1"), "192.0.2.1"),
        ("192.0.2.66, unknown", "10.0.0.7"),
        ("10.1.1.1, 10.2.2.2", "10.0.0.7"),
        ("2001:DB8::1", "2001:db8::1"),
    ],
)
def test_the_address_is_the_last_that_no_proxy_of_ours_has(forwarded, address):
    """What stands before it anyone may have written."""
    assert told({"X-Forwarded-For": forwarded}).address == address


@pytest.mark.parametrize(
    ("protocol", "secure"),
    [((), False), ("https", True), ("WSS", True), ("http", False), ("https,http", False)],
)
def test_the_protocol_that_the_station_used_is_the_proxys_word(protocol, secure):
    """TLS between the proxy and us says nothing of the station's side."""
    assert told({"X-Forwarded-Proto": protocol}).secure is secure
    inside = Peer("10.0.0.7", secure=True, names=frozenset({"proxy"}))
    assert told({"X-Forwarded-Proto": protocol}, inside) == Peer("10.0.0.7", secure)


def test_a_proxy_of_an_ipv4_network_may_come_over_an_ipv6_socket():
    """One that listens for both has such addresses."""
    assert told({"X-Forwarded-For": "192.0.2.1"}, Peer("::ffff:10.0.0.7")).address == "192.0.2.1"


def test_a_certificate_is_read_in_the_forms_of_common_proxies(issued):
    """RFC 9440, nginx's escaped PEM, and Envoy's X-Forwarded-Client-Cert."""
    pem = quote(issued.certificate.read_text())
    for value in (
        f":{base64.b64encode(issued.der).decode()}:",
        pem,
        f'Hash=ab;Cert="{pem}";Subject="CN=CS-9"',
        'By=spiffe://x;Hash=ab;Subject="O=A,CN=CS-1";URI=',
        "Hash=ab;DNS=CS-1",
        r'Subject="O=A \"q\\";DNS=CS-1'.replace(r"\"q", "q"),
    ):
        assert named_in(value) == {"CS-1"}, value


def test_of_several_elements_the_nearest_proxys_counts():
    """It appends; what stands before may come from the station itself."""
    assert named_in('Hash=a;DNS=CS-2,Hash=b;Subject="CN=CS-1"') == {"CS-1"}
    assert named_in('DNS=CS-2,Subject="O=a;DNS=CS-3,DNS=CS-4"') == frozenset()


@pytest.mark.parametrize(
    "value", ["", "x", ":!:", "::", "-----BEGIN x", 'Subject="CN=CS-1', 'Subject="O=\\"",CN=CS-1"']
)
def test_a_header_that_makes_no_sense_names_nobody(value):
    """Nor does one that is there twice."""
    assert told({"Client-Cert": value}).names == frozenset()
    assert told({"Client-Cert": ("DNS=CS-1", "DNS=CS-1")}).names == frozenset()
    assert told({"Client-Cert": "DNS=CS-1"}, name="").names == frozenset()
