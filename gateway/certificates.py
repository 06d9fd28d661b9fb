"""The certificate files of the stations' port, as a TLS context that follows them."""

import asyncio
import os
import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from gateway.security_settings import SecuritySettings
from programs.kafka.tls import TlsFileError, pair_problem
from programs.settings import variable

REREAD_EVERY_S = 5.0
EXPIRING = timedelta(days=14)

# What OCPP asks for (2.0.1 part 2, A00.FR.318 and the 1.6 security whitepaper), after those that
# keep a recorded conversation secret when the key is lost later. TLS 1.3 has its own.
_CIPHERS = ":".join(
    (
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "AES128-GCM-SHA256",
        "AES256-GCM-SHA384",
        "@SECLEVEL=2",  # RSA keys of 2048 bits, no SHA-1: the least that OCPP allows
    )
)

log = structlog.get_logger("gateway")


class Certificates:
    """`context` is made of the newest files that can be used; `broken` says that newer cannot."""

    def __init__(self, settings: SecuritySettings) -> None:
        """Raises TlsFileError where the files cannot be used at all."""
        self._settings = settings
        self._seen = self._state()
        self.broken = False
        self.loads = 1
        self.context, self._ends = loaded(settings)
        self._tell_end()

    @property
    def expiring(self) -> bool:
        """Whether our certificate ends within two weeks, or has ended."""
        return self._ends - datetime.now(UTC) < EXPIRING

    async def follow(self) -> None:
        """Look every few seconds whether the files are others, for ever."""
        while True:
            await asyncio.sleep(REREAD_EVERY_S)
            self.reread()

    def reread(self) -> None:
        """Take the files where they have changed; those that cannot be used are left alone.

        New connections have the new context; those that are open keep what they agreed upon.
        """
        state = self._state()
        if state == self._seen:
            return
        self._seen = state  # before the files are read: what changes meanwhile is seen again
        try:
            self.context, self._ends = loaded(self._settings)
        except TlsFileError as error:
            self.broken = True
            log.error("new certificate files cannot be used; the old are kept", problem=str(error))
        else:
            self.broken = False
            self.loads += 1
            log.info("certificate files read again", ends=self._ends.isoformat())
            self._tell_end()

    def _tell_end(self) -> None:
        if problem := ended(self._settings, self._ends):
            log.error("stations will refuse the certificate", problem=problem)

    def _state(self) -> list[tuple[int, ...] | None]:
        return [_state(path) for _, path in _files(self._settings)]


def loaded(settings: SecuritySettings) -> tuple[ssl.SSLContext, datetime]:
    """The context made of the files, and when our certificate ends. Raises TlsFileError."""
    files = dict(_files(settings))
    certificate, authorities = files["tls_certificate"], files.get("tls_client_authorities")
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_ciphers(_CIPHERS)
    made.options |= (
        ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    )
    key = files.get("tls_key")
    try:
        # Without a password OpenSSL would ask for one at the terminal.
        made.load_cert_chain(certificate, key, password="")
        ends = _end(certificate)
    except (OSError, ValueError) as error:  # also what OpenSSL finds in the files
        why = pair_problem(certificate, key, error, variable("tls_key"))
        if "has a password" in why:
            why += f"; this port takes keys without: `openssl pkey -in {key or certificate}`"
        given = " with ".join(_named(files, "tls_certificate", "tls_key"))
        raise TlsFileError(f"{given}: {why}") from error
    try:
        if authorities:
            made.load_verify_locations(authorities)
            made.verify_mode = ssl.CERT_OPTIONAL  # who needs one is known when the id is
            if b"-----BEGIN X509 CRL-----" in Path(authorities).read_bytes():
                made.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    except OSError as error:
        (given,) = _named(files, "tls_client_authorities")
        raise TlsFileError(f"{given}: must be PEM that can be read: {error.strerror}") from error
    return made, ends


def ended(settings: SecuritySettings, ends: datetime) -> str:
    """What to say of our certificate where it has ended; empty: it has not."""
    if ends > datetime.now(UTC):
        return ""
    (given,) = _named(dict(_files(settings)), "tls_certificate")
    return f"{given}: it ended at {ends:%Y-%m-%d %H:%M} UTC; put a new one in its place"


def _named(files: Mapping[str, str], *names: str) -> list[str]:
    return [f"{variable(one)}={files[one]}" for one in names if one in files]


def _end(path: str) -> datetime:
    from cryptography import x509  # noqa: PLC0415 - slow to import, and only where TLS is spoken

    return x509.load_pem_x509_certificate(Path(path).read_bytes()).not_valid_after_utc


def _files(settings: SecuritySettings) -> Iterator[tuple[str, str]]:
    for name in ("tls_certificate", "tls_key", "tls_client_authorities"):
        if path := getattr(settings, name):
            yield name, path


def _state(path: str) -> tuple[int, ...] | None:
    """What differs when a file does, or a link to it is set anew; None: it is not there."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
