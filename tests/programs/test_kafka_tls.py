"""The TLS context of connections to the brokers."""

import ssl
from pathlib import Path

import pytest

from programs.kafka.tls import TlsFileError, context
from programs.settings import KafkaSettings

AUTHORITY = """\
-----BEGIN CERTIFICATE-----
MIIBgjCCASegAwIBAgIUcSeJUppxeaTXGDo/9y56AiSdnNAwCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKa2Fma2EgdGVzdDAgFw0yNjExMjExMjI0MzlaGA8yMTI2MTAy
ODEyMjQzOVowFTETMBEGA1UEAwwKa2Fma2EgdGVzdDBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABM/D7ofz5BHXnP0iT835OaOO81dPl3hojRjtLR9mg+EJvKMiZnT6
kmpy4Awxbn7hpvVY/RHSqCNPRbkhMhfuClGjUzBRMB0GA1UdDgQWBBSoeAI2oW2e
tpBUa4tTMwQp5REPTTAfBgNVHSMEGDAWgBSoeAI2oW2etpBUa4tTMwQp5REPTTAP
BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQDB519+26Ap3nlUGNiD
wpByqBmVKsT2HeLgRUOPvobA+AIhAKBMl9l4BdOVcH6c5InoxwFJiaPnbNrEn8d/
ZYayLcxc
-----END CERTIFICATE-----
"""


@pytest.fixture
def authority(tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    path.write_text(AUTHORITY)
    return str(path)


@pytest.mark.parametrize("option", ["ssl.ca.location", "ssl.truststore.location"])
def test_only_the_authorities_of_the_file_are_trusted(authority, option):
    """Brokers of a company have certificates of its own authority."""
    made = context({option: authority})
    assert [dict(*one["subject"])["commonName"] for one in made.get_ca_certs()] == ["kafka test"]


def test_broker_names_are_checked_unless_told_otherwise():
    """Kafka's own default; certificates are verified in any case, with TLS 1.2 or newer."""
    made = context({})
    assert made.check_hostname
    made = context({"ssl.endpoint.identification.algorithm": "none"})
    assert not made.check_hostname
    assert made.verify_mode is ssl.CERT_REQUIRED
    assert made.minimum_version is ssl.TLSVersion.TLSv1_2


def test_files_that_are_no_good_are_named_with_their_options(authority, tmp_path: Path):
    """Missing, no PEM, a certificate without its key, a key that is none, a key with a password."""
    junk, none = tmp_path / "junk.pem", tmp_path / "none.pem"
    junk.write_text("junk")
    with pytest.raises(TlsFileError, match=r"^ssl.ca.location = '.*none.pem': .*No such file"):
        context({"ssl.ca.location": str(none)})
    with pytest.raises(TlsFileError, match=r"^ssl.truststore.location = '.*junk.pem'"):
        context({"ssl.truststore.location": str(junk)})
    with pytest.raises(TlsFileError, match=r"^ssl.certificate.location = '.*ca.pem'"):
        context({"ssl.certificate.location": authority})
    with pytest.raises(TlsFileError, match=r"ca.pem has no private key .* with ssl.key.location$"):
        context({"ssl.certificate.location": authority})
    (locked := tmp_path / "key.pem").write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    with pytest.raises(TlsFileError, match=r"; ssl.key.password has its password$"):
        context({"ssl.certificate.location": authority, "ssl.key.location": str(locked)})
    away = tmp_path / "password-1/key.pem"  # says nothing of the key
    with pytest.raises(TlsFileError, match=r"No such file or directory$"):
        context({"ssl.certificate.location": authority, "ssl.key.location": str(away)})
    with pytest.raises(TlsFileError, match=r"with ssl.key.location = '.*junk.pem'"):
        context({"ssl.keystore.location": authority, "ssl.key.location": str(junk)})


def test_clients_get_the_context_where_the_protocol_wants_it(authority):
    """And only there."""
    options = {"security.protocol": "SSL", "ssl.ca.location": authority}
    assert isinstance(
        KafkaSettings(options=options).client_options()["ssl_context"], ssl.SSLContext
    )
    assert "ssl_context" not in KafkaSettings().client_options()
