"""Certificates of a simulated station."""

from deploy.local import certificates
from deploy.local.memory import Memory
from tests.deploy.memories import station

ROOT, MAKER = "CSMSRootCertificate", "ManufacturerRootCertificate"


def install(memory: Memory, kind: str, text: str) -> str:
    payload = {"certificateType": kind, "certificate": text}
    return str(certificates.install(payload, memory)[0]["status"])


def test_certificates_are_kept_told_and_deleted() -> None:
    """By kind; what is not one is rejected, what is not there not found."""
    memory = station("2.1")
    assert install(memory, ROOT, "nonsense") == "Rejected"
    for kind in (ROOT, MAKER):
        assert install(memory, kind, f"-----BEGIN CERTIFICATE-----\n{kind}") == "Accepted"
    chain = certificates.installed_2({}, memory)[0]["certificateHashDataChain"]
    assert [row["certificateType"] for row in chain] == [ROOT, MAKER]
    (only,) = certificates.installed_16({"certificateType": MAKER}, memory)[0][
        "certificateHashData"
    ]
    assert only == chain[1]["certificateHashData"]
    gone = {"certificateHashData": only}
    words = [certificates.delete(gone, memory)[0]["status"] for _ in range(2)]
    assert words == ["Accepted", "NotFound"]
    none = certificates.installed_2({"certificateType": [MAKER]}, memory)
    assert none == ({"status": "NotFound"}, ())


def test_a_signed_certificate_is_taken_once_and_only_when_asked_for() -> None:
    """The one that asks names its kind where the version has a word for it."""
    memory, chain = station("2.1"), {"certificateChain": "-----BEGIN CERTIFICATE-----"}
    words = [certificates.signed(chain, memory)[0]["status"]]
    assert certificates.signing(memory, "V2GCertificate").payload["certificateType"]
    assert certificates.signing(memory, None).payload.keys() == {"csr"}
    words += [certificates.signed(chain, memory)[0]["status"] for _ in range(2)]
    assert words == ["Rejected", "Accepted", "Rejected"]
