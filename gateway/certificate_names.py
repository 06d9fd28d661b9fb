"""Whose a certificate is: the names in it that may be a station's id."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

# An escaped pair, or any character (RFC 4514 section 2.4).
_STEP = re.compile(r"(\\[0-9a-fA-F]{2}|\\.|.)", re.DOTALL)
_HEX_PAIR = re.compile(r"\\[0-9a-fA-F]{2}")


def of_peer(certificate: Mapping[str, Any] | None) -> frozenset[str]:
    """Common names and DNS names in what `ssl` tells of a peer's verified certificate."""
    if not certificate:
        return frozenset()
    common = {
        value
        for pairs in certificate.get("subject", ())
        for name, value in pairs
        if name == "commonName"
    }
    dns = {value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"}
    return frozenset(common | dns)


def of_der(der: bytes) -> frozenset[str]:
    """The same of a certificate in DER. Raises ValueError where it is none."""
    # Only behind a proxy that ends TLS, and slow to import.
    from cryptography import x509  # noqa: PLC0415
    from cryptography.x509.oid import NameOID  # noqa: PLC0415

    try:
        certificate = x509.load_der_x509_certificate(der)
        subject = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        common = {str(one.value) for one in subject}
        more = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset(common)
    except (x509.InvalidVersion, x509.DuplicateExtension) as error:
        raise ValueError(str(error)) from error
    return frozenset(common | set(more.get_values_for_type(x509.DNSName)))


def of_pem(text: str) -> frozenset[str]:
    """The same of the first certificate in a PEM text, percent-encoded or not. ValueError."""
    from ssl import PEM_cert_to_DER_cert  # noqa: PLC0415

    end = "-----END CERTIFICATE-----"
    first = unquote_to_bytes(text).decode("ascii").partition(end)[0].strip()
    return of_der(PEM_cert_to_DER_cert(f"{first}\n{end}\n"))


def of_subject(text: str) -> frozenset[str]:
    """The common names in a subject as text, `CN=CS-1,O=Example` (RFC 4514).

    A comma or a plus within a value is escaped there, so nobody gets another name by writing one
    into another part of the subject; the older quotes, which do without, are not read: ValueError,
    as with what is not UTF-8.
    """
    if '"' in text:
        raise ValueError("a subject with quotes")
    names, part = set(), ""
    for step in [*_STEP.findall(text), ","]:
        if step not in ",+":
            part += step
            continue
        kind, _, value = part.partition("=")
        if kind.strip().upper() == "CN":
            names.add(_plain(value))
        part = ""
    return frozenset(names)


def _plain(value: str) -> str:
    found = b""
    for step in _STEP.findall(value):
        if _HEX_PAIR.fullmatch(step):
            found += bytes.fromhex(step[1:])
        else:
            found += step[-1].encode()
    return found.decode()
