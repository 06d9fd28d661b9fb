"""The TLS context of connections to the brokers, from the files that Kafka's options name."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


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
        with _naming(options, own, "ssl.key.location"):
            # Without a password OpenSSL would ask for one at the terminal.
            made.load_cert_chain(options[own], key, password or "")
    return made


def _first(options: Mapping[str, str], name: str, other: str) -> str:
    return name if options.get(name) else other


@contextmanager
def _naming(options: Mapping[str, str], *names: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:  # also what OpenSSL finds in the files
        given = " with ".join(f"{name} = {options[name]!r}" for name in names if name in options)
        raise TlsFileError(f"{given}: must be PEM that can be read: {error.strerror}") from error
