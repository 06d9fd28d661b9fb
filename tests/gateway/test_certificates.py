"""The files of the TLS port: which can be used, and what becomes of them when they change."""

import os
import ssl
from contextlib import suppress
from pathlib import Path
from shutil import copy

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from structlog.testing import capture_logs

from gateway.certificates import Certificates, loaded
from gateway.config import load
from programs.kafka.tls import TlsFileError
from tests.certificates import Authority


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def files(authority, tmp_path):
    """The files of a gateway, under the names of its settings; each can be written again."""
    own = authority.issue("gateway")
    found = {"tls_certificate": own.certificate, "tls_key": own.key}
    found["tls_client_authorities"] = authority.file
    return {name: Path(copy(path, tmp_path / name)) for name, path in found.items()}


def settings(files):
    return load({name: str(path) for name, path in files.items()}, environ={})


def put(path, *others):
    """Write a file as an operator's tool does: another one in its place."""
    made = path.with_suffix(".new")
    made.write_bytes(b"".join(Path(other).read_bytes() for other in others))
    os.replace(made, path)


def serves(certificates, authority):
    """The serial number of the certificate that a client is shown."""
    client = authority.trusting()
    ways = [ssl.MemoryBIO() for _ in range(4)]
    server_side = certificates.context.wrap_bio(ways[0], ways[1], server_side=True)
    client_side = client.wrap_bio(ways[2], ways[3], server_hostname="127.0.0.1")
    for _ in range(3):
        for side, sent, there in ((client_side, ways[3], ways[0]), (server_side, ways[1], ways[2])):
            with suppress(ssl.SSLWantReadError):
                side.do_handshake()
            there.write(sent.read())
    return int(client_side.getpeercert()["serialNumber"], 16)


def test_the_port_speaks_what_ocpp_asks_for_and_nothing_older(files):
    """TLS 1.2 with the four suites of A00.FR.318, TLS 1.3, and the two that are better."""
    context, _ = loaded(settings(files))
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    suites = {one["name"] for one in context.get_ciphers() if one["protocol"] == "TLSv1.2"}
    required = {
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "AES128-GCM-SHA256",
        "AES256-GCM-SHA384",
    }
    assert required <= suites
    assert len(suites) == 6
    assert context.options & ssl.OP_NO_COMPRESSION
    assert context.verify_mode is ssl.CERT_OPTIONAL


def test_new_files_are_taken_without_a_restart(files, authority):
    """cert-manager replaces them; who connects from then on sees the new certificate."""
    certificates = Certificates(settings(files))
    certificates.reread()
    assert certificates.loads == 1
    newer = authority.issue("gateway")
    put(files["tls_certificate"], newer.certificate)
    put(files["tls_key"], newer.key)
    for _ in range(2):  # and not once more
        certificates.reread()
    assert serves(certificates, authority) == newer.made.serial_number
    assert (certificates.loads, certificates.broken) == (2, False)


def test_new_files_that_cannot_be_used_leave_the_old_in_use(files, authority):
    """A certificate without its key, half a file, none: it is said, and does no harm."""
    certificates = Certificates(settings(files))
    before = serves(certificates, authority)
    newer = authority.issue("gateway")
    put(files["tls_certificate"], newer.certificate)
    certificates.reread()
    assert (certificates.broken, serves(certificates, authority)) == (True, before)
    files["tls_key"].unlink()
    certificates.reread()
    assert (certificates.broken, serves(certificates, authority)) == (True, before)
    put(files["tls_key"], newer.key)
    certificates.reread()
    assert not certificates.broken
    assert serves(certificates, authority) == newer.made.serial_number


def test_one_file_may_have_certificate_and_key(files, authority):
    """Then there is no second setting."""
    put(files["tls_certificate"], files["tls_certificate"], files.pop("tls_key"))
    assert serves(Certificates(settings(files)), authority)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "tls_certificate",
            None,
            "^CHARGEWIRE_TLS_CERTIFICATE=.* with .*_TLS_KEY=.*No such",
        ),
        ("tls_certificate", "junk", "^CHARGEWIRE_TLS_CERTIFICATE=.*PEM"),
        ("tls_key", "junk", "CHARGEWIRE_TLS_KEY=.*PEM"),
        ("tls_client_authorities", "junk", "^CHARGEWIRE_TLS_CLIENT_AUTHORITIES=.*PEM"),
        ("tls_client_authorities", None, "^CHARGEWIRE_TLS_CLIENT_AUTHORITIES=.*No such"),
    ],
)
def test_files_that_are_no_good_at_the_start_are_named(files, name, text, said):
    """With their variables."""
    files[name].unlink()
    if text is not None:
        files[name].write_text(text)
    with pytest.raises(TlsFileError, match=said):
        Certificates(settings(files))


def test_what_a_pair_lacks_is_told(files, authority):
    """OpenSSL says "PEM lib" of most; here it is which file, and what to do."""
    certificate, key = files["tls_certificate"], files["tls_key"]
    own, chain = certificate.read_bytes(), authority.file.read_bytes()
    locked = load_pem_private_key(key.read_bytes(), None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")
    )
    other = authority.issue("other").key.read_bytes()
    whole = {"tls_certificate": certificate, "tls_key": key}
    for names, content, said in (
        (whole, (own, locked), f"{key} has a password, .*openssl pkey -in {key}`"),
        (whole, (own, other), f"the key in {key} is not that of the certificate in {certificate}"),
        (whole, (chain + own, key.read_bytes()), "whose own has to be the first in its file"),
        (whole, (other, other), f"{certificate} has no certificate in PEM"),
        (whole, (own, own), f"{key} has no private key in PEM"),
        (("tls_certificate",), (own, own), f"{certificate} .*name the file .*CHARGEWIRE_TLS_KEY"),
    ):
        for path, text in zip((certificate, key), content, strict=True):
            path.write_bytes(text)
        with pytest.raises(TlsFileError, match=said):
            loaded(settings({name: whole[name] for name in names}))


def test_a_folder_named_password_says_nothing_of_a_key(files):
    """Only of a key that has one it is told what to do about it."""
    files["tls_key"] = files["tls_key"].parent / "password-1/key.pem"
    with pytest.raises(TlsFileError, match=r"password-1/key.pem: No such file or directory$"):
        loaded(settings(files))


def test_a_certificate_that_has_ended_is_told_at_the_start(files, authority):
    """The port opens all the same: stations that look at no date must not be shut out."""
    own = authority.issue("gateway", days=-1)
    put(files["tls_certificate"], own.certificate)
    put(files["tls_key"], own.key)
    with capture_logs() as told:
        Certificates(settings(files))
    (line,) = told
    assert line["problem"].startswith(f"CHARGEWIRE_TLS_CERTIFICATE={files['tls_certificate']}: it")


@pytest.mark.parametrize(("days", "expiring"), [(60, False), (13, True), (-1, True)])
def test_a_certificate_that_ends_soon_is_known(files, authority, days, expiring):
    """Two weeks before, for an alert."""
    own = authority.issue("gateway", days=days)
    put(files["tls_certificate"], own.certificate)
    put(files["tls_key"], own.key)
    assert Certificates(settings(files)).expiring is expiring
