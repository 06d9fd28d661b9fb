"""Whose a certificate is."""

from urllib.parse import quote

import pytest

from gateway.certificate_names import of_der, of_peer, of_pem, of_subject
from tests.certificates import Authority


@pytest.fixture(scope="module")
def issued(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("pki")).issue("CS-1", dns=("cs-1.example",))


def test_common_names_and_dns_names_count():
    """In the form that Python's ssl has; addresses and other parts of the subject do not."""
    certificate = {
        "subject": ((("organizationName", "CS-9"),), (("commonName", "CS-1"),)),
        "subjectAltName": (("DNS", "cs-1.example"), ("IP Address", "10.0.0.1")),
    }
    assert of_peer(certificate) == {"CS-1", "cs-1.example"}
    assert of_peer(None) == of_peer({}) == frozenset()


def test_a_certificate_in_der_or_pem_has_the_same_names(issued):
    """The organization `Example, CN=other` is no common name."""
    pem = issued.certificate.read_text()
    names = {"CS-1", "cs-1.example"}
    assert of_der(issued.der) == of_pem(pem) == of_pem(quote(pem)) == of_pem(pem * 2) == names


def test_what_is_no_certificate_is_an_error(issued):
    """Never a guess."""
    fifth = issued.der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x05")  # version
    twice = issued.der.replace(b"\x55\x1d\x13", b"\x55\x1d\x11")  # an extension
    for wrong in (b"", b"x", issued.der[:-1], fifth, twice):
        with pytest.raises(ValueError, match=r"."):
            of_der(wrong)
    for text in ("", "-----BEGIN CERTIFICATE-----", "%ff"):
        with pytest.raises(ValueError, match=r"."):
            of_pem(text)


@pytest.mark.parametrize(
    ("subject", "names"),
    [
        ("CN=CS-1", {"CS-1"}),
        ("CN=CS-1,O=Example,C=DE", {"CS-1"}),
        ("O=Example, cn=CS-1", {"CS-1"}),
        ("O=Example+CN=CS-1", {"CS-1"}),
        (r"CN=S\C3\A4ule\, 1", {"Säule, 1"}),
        (r"O=Example\, CN=CS-2,CN=CS-1", {"CS-1"}),
        (r"O=Example\+CN=CS-2", set()),
        ("O=CN=CS-2", set()),
        ("", set()),
        ("/O=Example/CN=CS-1", set()),
    ],
)
def test_common_names_in_a_subject_as_text(subject, names):
    """What is escaped within a value begins no other part."""
    assert of_subject(subject) == names


def test_a_name_that_is_no_utf_8_is_none():
    """What stands for it would be the same for many."""
    with pytest.raises(ValueError, match="utf-8"):
        of_subject(r"CN=CS-\FF")


def test_quotes_in_a_subject_are_not_read():
    """Within them a comma needs no escape, so they could hide a name."""
    with pytest.raises(ValueError, match="quotes"):
        of_subject('O="x,CN=CS-2",CN=CS-1')
