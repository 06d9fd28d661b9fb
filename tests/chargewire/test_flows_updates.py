"""Firmware and logs, until their last word."""

import pytest

from chargewire.flows.steps import Answer, Within
from chargewire.flows.updates import FIRMWARE, LOG, firmware, upload
from chargewire.flows.wording import DIAGNOSTICS, WORDS, Firmware
from consumers.meaning import facts
from schemas.forms import form
from tests.chargewire.flowing import answered, asked, call, event, over, question
from tests.consumers import telling

WHAT = Firmware("https://f/1", "2026-11-21T12:00:00.000Z")
TOLD_16, TOLD = "DiagnosticsStatusNotification", "FirmwareStatusNotification"


def updating(version="2.0.1"):
    flow = firmware(WORDS[version], WHAT, request=7, limit_s=60)
    assert asked(flow.begin())[0] == "UpdateFirmware"
    return flow


def uploading(version="1.6"):
    flow = upload(WORDS[version], DIAGNOSTICS, "https://l/", request=7, limit_s=60)
    flow.begin()
    return flow


def said(steps):
    return [step.text for step in steps if not isinstance(step, Within)]


def test_every_status_is_told_until_the_last() -> None:
    """With the time at which the gateway saw it; those of another update do not count."""
    flow = updating()
    flow.told(question(1))
    assert Within(60) in flow.answered(answered())
    (step,) = flow.told(call(2, TOLD, status="Downloading", requestId=7))
    assert (step.text, step.at_ms) == ("Downloading", 2000)
    assert [*flow.told(call(3, TOLD, status="Installed", requestId=8))] == []
    assert over(flow.told(call(4, TOLD, status="Installed", requestId=7))) == (
        True,
        "done: Installed",
    )


@pytest.mark.parametrize("status", sorted(FIRMWARE.failed))
def test_a_failure_ends_it(status: str) -> None:
    """Whichever it is."""
    flow = updating()
    flow.answered(answered("AcceptedCanceled"))
    assert over(flow.told(call(2, TOLD, status=status, requestId=7))) == (
        False,
        f"failed: {status}",
    )


def test_words_are_those_of_the_schemas() -> None:
    """None is misspelt: some version has each of them."""
    for work in (FIRMWARE, LOG):
        known = set()
        for version in WORDS:
            for action in work.actions:
                try:
                    fields = form(version, action, "request").fields
                except KeyError:
                    continue
                known |= {word for one in fields if one.name == "status" for word in one.form.enum}
        assert work.done | work.failed | {work.idle} <= known


def test_in_1_6_the_place_in_the_log_tells_whose_it_is() -> None:
    """What an earlier update has told may be read before the answer, and is passed over."""
    flow = updating("1.6")
    for one in (call(1, TOLD, status="Installed"), question(2)):
        assert [*flow.told(one)] == []
    assert [*flow.told(call(3, TOLD, status="Downloading"))] == []
    assert said(flow.answered(Answer("answered"))) == ["accepted", "Downloading"]
    assert over(flow.told(call(4, TOLD, status="Installed"))) == (True, "done: Installed")


def test_a_restart_is_part_of_it() -> None:
    """The loss of the connection is told, and ends nothing."""
    flow = updating()
    flow.answered(answered())
    for fact, text in (
        (facts.Disconnected(telling.at(2)), "the connection has ended"),
        (facts.Connected(telling.at(3)), "connected again"),
    ):
        assert said(flow.told(event(4, fact))) == [text]


def test_it_may_not_be_done_in_time() -> None:
    """The last status is told, but for Idle, which says nothing."""
    flow = updating()
    flow.answered(answered())
    late = "not done within 60 s: no status has come. The station may still go on"
    assert over(flow.late()) == (False, late)
    flow.told(call(2, TOLD, status="Downloading", requestId=7))
    assert said(flow.told(call(3, TOLD, status="Idle"))) == ["Idle"]
    assert "the last status is Downloading" in over(flow.late())[1]


def test_a_refusal_ends_it() -> None:
    """Whether it is the station's or nobody answers."""
    assert over(updating().answered(answered("InvalidCertificate")))[0] is False
    assert over(updating().answered(Answer("timeout")))[0] is False


def test_a_log_is_uploaded_under_a_name() -> None:
    """1.6 gives none where it has nothing to upload; 2.x says it by its status."""
    flow = uploading()
    assert said(flow.answered(Answer("answered", {"fileName": "d.zip"}))) == ["accepted, as d.zip"]
    assert over(flow.told(call(2, TOLD_16, status="Uploaded"))) == (True, "done: Uploaded")
    end = over(uploading().answered(Answer("answered")))
    assert end == (False, "the station has nothing to upload")
    assert over(uploading("2.0.1").answered(answered())) is None
