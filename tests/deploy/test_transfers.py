"""Firmware, logs, and what is said of them."""

from typing import Any

import pytest

from deploy.local import transfers
from deploy.local.calls import Call
from deploy.local.effects import Effect, Errand, Install, Restart, Until
from tests.deploy.memories import station

FILE = "https://files.example/a/fw-2.5.bin?x=1"


def told(effects: tuple[Effect, ...]) -> list[Any]:
    """The steps of the only errand; of calls their status."""
    (errand,) = effects
    assert isinstance(errand, Errand)
    return [step.payload["status"] if isinstance(step, Call) else step for step in errand.steps]


def firmware(location: str = FILE, **more: Any) -> dict[str, Any]:
    what = {"location": location, "retrieveDateTime": "2026-01-01T00:00:00Z"} | more
    return {"requestId": 3, "firmware": what}


@pytest.mark.parametrize(
    ("location", "version"),
    [
        (FILE, "fw-2.5"),
        ("ftp://h/2024.11.3", "2024.11.3"),
        ("ftp://h/fw.tar.gz", "fw.tar"),
        ("ftp://h/", "unnamed"),
    ],
)
def test_a_file_is_named_after_the_version_it_holds(location: str, version: str) -> None:
    """Without its ending."""
    assert transfers.version_in(location) == version


def test_firmware_is_installed_before_the_restart_and_told_after() -> None:
    """The restart waits until nobody charges."""
    _, effects = transfers.update("FirmwareStatusNotification", firmware(), station("2.1"))
    steps = told(effects)
    restart = steps.index(Restart("OnIdle", "FirmwareUpdate"))
    assert steps[restart - 2 :] == [
        "InstallRebooting",
        Install("fw-2.5"),
        steps[restart],
        "Installed",
    ]


def test_what_is_for_later_is_scheduled() -> None:
    """Download and installation, each by its own time; 1.6 has no word for it."""
    later = "2026-05-01T13:00:00Z"
    payload = firmware(retrieveDateTime=later, installDateTime=later)
    _, effects = transfers.update("FirmwareStatusNotification", payload, station("2.1"))
    steps = told(effects)
    assert steps[0] == "DownloadScheduled"
    assert isinstance(steps[1], Until)
    assert isinstance(steps[steps.index("InstallScheduled") + 1], Until)
    old = {"location": FILE, "retrieveDate": later}
    steps = told(transfers.update_16(old, station())[1])
    assert isinstance(steps[0], Until)
    assert steps[1] == "Downloading"


def test_what_cannot_be_fetched_fails() -> None:
    """A place that is no address, a certificate that is none."""
    memory, news = station("2.1"), "FirmwareStatusNotification"
    _, effects = transfers.update(news, firmware("nowhere"), memory)
    assert told(effects)[-1] == "DownloadFailed"
    unsigned = firmware(signingCertificate="x")
    assert transfers.update(news, unsigned, memory) == ({"status": "InvalidCertificate"}, ())
    publish = {"location": "nowhere", "checksum": "c", "requestId": 1}
    assert told(transfers.publish(publish, memory)[1])[-1] == "DownloadFailed"


def test_published_firmware_has_an_address_until_it_is_taken_back() -> None:
    """While it is still fetched it cannot be."""
    memory = station("2.1")
    publish = {"location": FILE, "checksum": "c", "requestId": 1}
    _, (errand,) = transfers.publish(publish, memory)
    assert isinstance(errand, Errand)
    last = errand.steps[-1]
    assert isinstance(last, Call)
    assert last.payload["location"] == ["http://1.local/fw-2.5"]
    memory.errands["publishing"] = errand
    words = [transfers.unpublish({"checksum": "c"}, memory)[0]["status"]]
    memory.errands.clear()
    words += [transfers.unpublish({"checksum": "c"}, memory)[0]["status"] for _ in range(2)]
    assert words == ["DownloadOngoing", "Unpublished", "NoFirmware"]


def test_a_log_has_a_name_and_an_end() -> None:
    """A second one ends the first."""
    memory = station("2.1")
    log = {"remoteLocation": "ftp://h/d"}
    ask = {"log": log, "logType": "SecurityLog", "requestId": 3}
    response, effects = transfers.log(ask, memory)
    name = "1-SecurityLog-20260501120000.log"
    assert response == {"status": "Accepted", "filename": name}
    assert told(effects)[-1] == "Uploaded"
    memory.errands["log"] = effects[0]
    assert transfers.log(ask, memory)[0]["status"] == "AcceptedCanceled"
    _, effects = transfers.diagnostics({"location": "x"}, station())
    assert told(effects)[-1] == "UploadFailed"
