"""Certificates for tests: an authority, and what it issues, as the files that programs read."""

import base64
import ipaddress
import itertools
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_PEM = serialization.Encoding.PEM


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its key, in files."""

    made: x509.Certificate
    certificate: Path
    key: Path

    @property
    def der(self) -> bytes:
        return self.made.public_bytes(serialization.Encoding.DER)


class Authority:
    """Issues certificates with P-256 keys into a folder; `file` has its own."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._name = name
        self._numbers = itertools.count(1)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._own = self._signed(self._subject(name), self._key.public_key(), 1, authority=True)
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self._own.public_bytes(_PEM))

    def issue(self, name: str, *, dns: tuple[str, ...] = (), days: float = 1) -> Issued:
        """A certificate of this common name, also for 127.0.0.1; negative `days`: it has ended."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._signed(self._subject(name), key.public_key(), days, dns=dns)
        stem = self._folder / f"{self._name}-{next(self._numbers)}"
        certificate, key_file = stem.with_suffix(".crt"), stem.with_suffix(".key")
        certificate.write_bytes(made.public_bytes(_PEM))
        key_file.write_bytes(
            key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        return Issued(made, certificate, key_file)

    def revoked(self, *issued: Issued) -> bytes:
        """A list of revoked certificates (CRL), in PEM."""
        now = datetime.now(UTC)
        made = x509.CertificateRevocationListBuilder().issuer_name(self._subject(self._name))
        made = made.last_update(now - timedelta(hours=1)).next_update(now + timedelta(days=1))
        for one in issued:
            entry = x509.RevokedCertificateBuilder().serial_number(one.made.serial_number)
            made = made.add_revoked_certificate(entry.revocation_date(now).build())
        return made.sign(self._key, hashes.SHA256()).public_bytes(_PEM)

    def trusting(self, issued: Issued | None = None) -> ssl.SSLContext:
        """What a client has that trusts this authority, with its own certificate if it has one."""
        context = ssl.create_default_context(cafile=self.file)
        if issued is not None:
            context.load_cert_chain(issued.certificate, issued.key)
        return context

    @staticmethod
    def _subject(name: str) -> x509.Name:
        return x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example, CN=other"),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )

    def _signed(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        days: float,
        *,
        dns: tuple[str, ...] = (),
        authority: bool = False,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        made = x509.CertificateBuilder().subject_name(subject).public_key(key)
        made = made.issuer_name(self._subject(self._name))
        made = made.serial_number(x509.random_serial_number())
        made = made.not_valid_before(now - timedelta(days=30))
        made = made.not_valid_after(now + timedelta(days=days))
        made = made.add_extension(x509.BasicConstraints(ca=authority, path_length=None), True)
        if not authority:
            names: list[x509.GeneralName] = [x509.DNSName(one) for one in dns]
            names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
            made = made.add_extension(x509.SubjectAlternativeName(names), False)
        return made.sign(self._key, hashes.SHA256())


def basic(station: str, password: bytes) -> dict[str, str]:
    """The header of HTTP Basic authentication (RFC 7617)."""
    said = base64.b64encode(station.encode() + b":" + password).decode()
    return {"Authorization": f"Basic {said}"}
