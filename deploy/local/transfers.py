"""Firmware that a simulated station fetches and logs that it sends off: what it says meanwhile.

Nothing is fetched or sent: a location that is no address of a file fails, any other is as good.
"""

from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from deploy.local.calls import Call
from deploy.local.days import Wait
from deploy.local.effects import Answer, Errand, Install, Restart, Step, Until, status
from deploy.local.memory import Memory
from deploy.local.profiles import instant

Payload = dict[str, Any]

FETCH_S, UNPACK_S, SEND_S = 120.0, 60.0, 60.0
"""Of the plan: how long a download, an installation and an upload take."""

_SCHEMES = frozenset({"ftp", "ftps", "http", "https", "sftp"})


def _reachable(location: str) -> bool:
    try:
        parts = urlsplit(location)
    except ValueError:
        return False
    return parts.scheme.lower() in _SCHEMES and bool(parts.netloc)


def version_in(location: str) -> str:
    """What a file of firmware is called, without its ending: the version that it holds."""
    name = PurePosixPath(urlsplit(location).path).name
    stem, dot, ending = name.rpartition(".")
    return (stem if dot and not ending.isdigit() else name)[:50] or "unnamed"


def _told(action: str, words: str, more: Payload) -> list[Call]:
    return [Call(action, {"status": word} | more) for word in words.split()]


def _later(memory: Memory, text: str | None, *scheduled: Step) -> tuple[Step, ...]:
    """The wait until a time that has not come yet, announced before; nothing otherwise."""
    at = instant(text)
    return (*scheduled, Until(at)) if at is not None and at > memory.clock() else ()


def _word(memory: Memory, name: str) -> str:
    """How an errand is taken on: one that is under way ends for it."""
    return "AcceptedCanceled" if name in memory.errands else "Accepted"


def _fetched(memory: Memory, action: str, firmware: Payload, more: Payload) -> tuple[Step, ...]:
    """Download and installation; with an id, as the security extension and 2.x tell of them."""
    location = firmware["location"]
    downloading, downloaded, failed, installing, installed = _told(
        action, "Downloading Downloaded DownloadFailed Installing Installed", more
    )
    scheduled = _told(action, "DownloadScheduled InstallScheduled", more) if more else ()
    wait = _later(memory, firmware.get("retrieveDateTime"), *scheduled[:1])
    if not _reachable(location):
        return (*wait, downloading, Wait(FETCH_S), failed)
    verified, rebooting = _told(action, "SignatureVerified InstallRebooting", more)
    signed = (verified,) if more and "signature" in firmware else ()
    return (
        *wait,
        *(downloading, Wait(FETCH_S), downloaded),
        *signed,
        *_later(memory, firmware.get("installDateTime"), *scheduled[1:]),
        *(installing, Wait(UNPACK_S)),
        *((rebooting,) if more else ()),
        Install(version_in(location)),
        Restart("OnIdle", "FirmwareUpdate"),
        installed,
    )


def update_16(payload: Payload, memory: Memory) -> Answer:
    """UpdateFirmware of 1.6, whose answer says nothing."""
    firmware = {"location": payload["location"], "retrieveDateTime": payload["retrieveDate"]}
    steps = _fetched(memory, "FirmwareStatusNotification", firmware, {})
    return {}, (Errand(steps, "firmware"),)


def update(action: str, payload: Payload, memory: Memory) -> Answer:
    """SignedUpdateFirmware of 1.6 and UpdateFirmware of 2.x, which tell their state by `action`."""
    firmware = payload["firmware"]
    certificate = firmware.get("signingCertificate")
    if certificate is not None and "BEGIN CERTIFICATE" not in certificate:
        return status("InvalidCertificate")
    steps = _fetched(memory, action, firmware, {"requestId": payload["requestId"]})
    return status(_word(memory, "firmware"), Errand(steps, "firmware"))


def publish(payload: Payload, memory: Memory) -> Answer:
    """PublishFirmware: the station offers the file to others under its own address."""
    more, location = {"requestId": payload["requestId"]}, payload["location"]
    action = "PublishFirmwareStatusNotification"
    words = "Downloading Downloaded ChecksumVerified"
    downloading, *rest = _told(action, words, more)
    if not _reachable(location):
        failed = Call(action, more | {"status": "DownloadFailed"})
        return status("Accepted", Errand((downloading, Wait(FETCH_S), failed), "publishing"))
    here = f"http://{memory.serial}.local/{version_in(location)}"
    published = Call(action, more | {"status": "Published", "location": [here]})
    memory.shelf("published")[payload["checksum"]] = {"location": here}
    steps: tuple[Step, ...] = (downloading, Wait(FETCH_S), *rest, published)
    return status("Accepted", Errand(steps, "publishing"))


def unpublish(payload: Payload, memory: Memory) -> Answer:
    """UnpublishFirmware."""
    if "publishing" in memory.errands:
        return status("DownloadOngoing")
    gone = memory.shelf("published").pop(payload["checksum"], None)
    return status("NoFirmware" if gone is None else "Unpublished")


def _sent(action: str, location: str, failed: str, more: Payload) -> tuple[Step, ...]:
    uploading, uploaded, missed = _told(action, f"Uploading Uploaded {failed}", more)
    return uploading, Wait(SEND_S), uploaded if _reachable(location) else missed


def _name(memory: Memory, kind: str) -> str:
    """Of the file that is sent."""
    digits = "".join(filter(str.isdigit, memory.now()[:19]))
    return f"{memory.serial}-{kind}-{digits}.log"


def diagnostics(payload: Payload, memory: Memory) -> Answer:
    """GetDiagnostics of 1.6."""
    steps = _sent("DiagnosticsStatusNotification", payload["location"], "UploadFailed", {})
    return {"fileName": _name(memory, "diagnostics")}, (Errand(steps, "log"),)


def log(payload: Payload, memory: Memory) -> Answer:
    """GetLog."""
    more = {"requestId": payload["requestId"]}
    location = payload["log"]["remoteLocation"]
    steps = _sent("LogStatusNotification", location, "UploadFailure", more)
    response = {"status": _word(memory, "log"), "filename": _name(memory, payload["logType"])}
    return response, (Errand(steps, "log"),)
