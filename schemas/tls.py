"""The TLS context of connections to the brokers, from the files that Kafka's options name."""

import ssl
from collections.abc import Mapping


def context(options: Mapping[str, str]) -> ssl.SSLContext:
    """Build the context from ``ssl.*`` options; OSError or ssl.SSLError when a file is no good."""
    authorities = options.get("ssl.ca.location") or options.get("ssl.truststore.location")
    made = ssl.create_default_context(cafile=authorities)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if options.get("ssl.endpoint.identification.algorithm", "https") != "https":
        made.check_hostname = False
    certificate = options.get("ssl.certificate.location") or options.get("ssl.keystore.location")
    if certificate:
        key, password = options.get("ssl.key.location"), options.get("ssl.key.password")
        made.load_cert_chain(certificate, key, password)
    return made
