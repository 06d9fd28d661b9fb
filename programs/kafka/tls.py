"""The TLS context of connections to the brokers, from the files that Kafka's options name."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_CERTIFICATE, _KEY, _LOCKED = b"-----BEGIN CERTIFICATE", b"PRIVATE KEY-----", b"ENCRYPTED"


class TlsFileError(OSError):
    """A file that the options name is no good; the text says which, and of what option."""


def context(options: Mapping[str, str]) -> ssl.SSLContext:
    """Build the context from ``ssl.*`` options. Raises TlsFileError."""
    trusted = _first(options, "ssl.ca.location", "ssl.truststore.location")
    with _naming(options, trusted):
        made = ssl.create_default_context(cafile=options.get(trusted))
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if options.get("ssl.endpoint.identification.algorithm", "https") != "https":
        made.check_hostname = False
    own = _first(options, "ssl.certificate.location", "ssl.keystore.location")
    if own in options:
        key, password = options.get("ssl.key.location"), options.get("ssl.key.password")
        try:
            # Without a password OpenSSL would ask for one at the terminal.
            made.load_cert_chain(options[own], key, password or "")
        except OSError as error:
            why = pair_problem(options[own], key, error, "ssl.key.location")
            locked = "; ssl.key.password has its password" if "has a password" in why else ""
            given = _given(options, own, "ssl.key.location")
            raise TlsFileError(f"{given}: {why}{locked}") from error
    return made


def pair_problem(certificate: str, key: str | None, error: Exception, setting: str) -> str:
    """Why a certificate and its key cannot be loaded, where OpenSSL only says "PEM lib".

    Without `key` it is looked for in the certificate's file; `setting` could name another.
    """
    texts = {}
    for path in (certificate, key or certificate):
        try:
            texts[path] = Path(path).read_bytes()
        except OSError as unread:
            return f"{path}: {unread.strerror}"
    key_text, where = texts[key or certificate], key or certificate
    if _CERTIFICATE not in texts[certificate]:
        return f"{certificate} has no certificate in PEM, which begins -----BEGIN CERTIFICATE-----"
    if _KEY not in key_text:
        return f"{where} has no private key in PEM: name the file that has it with {setting}"
    if _LOCKED in key_text:
        return f"the key in {where} has a password, which is missing or not the right one"
    if getattr(error, "reason", "") == "KEY_VALUES_MISMATCH":
        return (
            f"the key in {where} is not that of the certificate in {certificate}, whose own has to "
            "be the first in its file"
        )
    return f"OpenSSL cannot use them: {error}"


def _first(options: Mapping[str, str], name: str, other: str) -> str:
    return name if options.get(name) else other


@contextmanager
def _naming(options: Mapping[str, str], *names: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:  # also what OpenSSL finds in the files
        given = _given(options, *names)
        raise TlsFileError(f"{given}: must be PEM that can be read: {error.strerror}") from error


def _given(options: Mapping[str, str], *names: str) -> str:
    return " with ".join(f"{name} = {options[name]!r}" for name in names if name in options)
