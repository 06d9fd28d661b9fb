"""Certificates of a simulated station: kept as they come, and never asked for their truth."""

import base64
import hashlib
from typing import Any

from deploy.local.calls import Call
from deploy.local.effects import Answer, accepted, status
from deploy.local.memory import Memory

Payload = dict[str, Any]

_PEM = "-----BEGIN CERTIFICATE"


def _hash(certificate: str) -> Payload:
    """certificateHashData; of the text, since nothing here reads certificates."""
    digests = [
        hashlib.sha256(f"{part} {certificate}".encode("utf-8", "surrogatepass")).hexdigest()
        for part in ("name", "key", "number")
    ]
    return {
        "hashAlgorithm": "SHA256",
        "issuerNameHash": digests[0],
        "issuerKeyHash": digests[1],
        "serialNumber": digests[2][:16],
    }


def install(payload: Payload, memory: Memory) -> Answer:
    """InstallCertificate; Rejected for what does not look like one."""
    text = payload["certificate"]
    if _PEM not in text:
        return accepted(False)
    kept, hashed = memory.shelf("certificates"), _hash(text)
    kept[hashed["serialNumber"]] = {"type": payload["certificateType"], "hash": hashed}
    return accepted(True)


def installed_16(payload: Payload, memory: Memory) -> Answer:
    """GetInstalledCertificateIds of 1.6."""
    there = [c["hash"] for c in _of(memory, [payload["certificateType"]])]
    return ({"status": "Accepted", "certificateHashData": there}, ()) if there else _none()


def installed_2(payload: Payload, memory: Memory) -> Answer:
    """GetInstalledCertificateIds of 2.x."""
    there = [
        {"certificateType": c["type"], "certificateHashData": c["hash"]}
        for c in _of(memory, payload.get("certificateType"))
    ]
    return ({"status": "Accepted", "certificateHashDataChain": there}, ()) if there else _none()


def _none() -> Answer:
    return status("NotFound")


def _of(memory: Memory, kinds: list[str] | None) -> list[Payload]:
    kept = memory.shelf("certificates").values()
    return [certificate for certificate in kept if kinds is None or certificate["type"] in kinds]


def delete(payload: Payload, memory: Memory) -> Answer:
    """DeleteCertificate."""
    kept, wanted = memory.shelf("certificates"), payload["certificateHashData"]
    found = kept.get(wanted["serialNumber"])
    if found is None or found["hash"] != wanted:
        return _none()
    del kept[wanted["serialNumber"]]
    return accepted(True)


def signing(memory: Memory, kind: str | None) -> Call:
    """SignCertificate with a certificate request that is one in form only."""
    memory.signing = True
    body = base64.b64encode(f"{memory.model.vendor} {memory.serial}".encode()).decode()
    csr = f"-----BEGIN CERTIFICATE REQUEST-----\n{body}\n-----END CERTIFICATE REQUEST-----\n"
    return Call("SignCertificate", {"csr": csr} | ({"certificateType": kind} if kind else {}))


def signed(payload: Payload, memory: Memory) -> Answer:
    """CertificateSigned: only what was asked for, and only once."""
    fits = memory.signing and _PEM in payload["certificateChain"]
    if fits:
        memory.signing = False
    return accepted(fits)
