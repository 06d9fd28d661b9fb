"""Whatever a flow asks for is a CALL of the station's version, valid by its schema."""

import pytest

from chargewire.calls.action_help import versions_of
from chargewire.calls.payloads import violation
from chargewire.flows.wording import DIAGNOSTICS, LIST_VERSION, SECURITY, WORDS, Firmware, Token
from schemas.catalogue import VERSIONS

AT = "2026-11-21T12:00:00.000Z"
WHO = Token("TOKEN-1", "ISO14443")
PERIOD = {"startPeriod": 0, "limit": 16.0}
SCHEDULE = {"chargingRateUnit": "A", "chargingSchedulePeriod": [PERIOD]}
PROFILE_16 = {
    **{"chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": "TxProfile"},
    **{"chargingProfileKind": "Relative", "chargingSchedule": SCHEDULE},
}
PROFILE_2 = {
    **{"id": 1, "stackLevel": 0, "chargingProfilePurpose": "TxProfile"},
    **{"chargingProfileKind": "Relative", "chargingSchedule": [SCHEDULE | {"id": 1}]},
}
SIGNED = Firmware("https://f/1", AT, AT, "PEM", "BASE64")


def asks(version):
    words = WORDS[version]
    profile = PROFILE_16 if words.has_keys else PROFILE_2
    yield from (words.start(WHO, None, 1), words.start(WHO, 1, 1), words.stop("17"))
    yield from (words.reserve(1, WHO, None, AT), words.reserve(1, WHO, 2, AT), words.cancel(1))
    yield from (words.firmware(Firmware("https://f/1", AT), 1), words.firmware(SIGNED, 1))
    yield from (words.log(DIAGNOSTICS, "https://l/", 1), words.log(SECURITY, "https://l/", 1))
    yield from (words.put_profile(1, profile), words.schedule(0, 3600, None), LIST_VERSION)
    yield words.schedule(1, 3600, "W")
    yield from (words.keys(()), words.keys(("A", "B"))) if words.has_keys else (words.inventory(1),)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_has_valid_words(version: str) -> None:
    """The action is one that stations of the version take, and the payload fits its schema."""
    found = [(ask.action, violation(version, ask.action, ask.payload)) for ask in asks(version)]
    assert [wrong for _, wrong in found if wrong] == []
    assert all(version in versions_of(action) for action, _ in found)


def test_a_name_that_is_no_number_is_left_to_the_gateway_to_refuse() -> None:
    """1.6 numbers its transactions, also with negative numbers."""
    stop = WORDS["1.6"].stop
    assert [stop(name).payload["transactionId"] for name in ("17", "-1", "T")] == [17, -1, "T"]


def test_signed_firmware_of_1_6_is_an_action_of_its_own() -> None:
    """Of the security extension; in 2.x it is the same one."""
    plain = Firmware("https://f/1", AT)
    assert WORDS["1.6"].firmware(plain, 1).action == "UpdateFirmware"
    assert WORDS["1.6"].firmware(SIGNED, 1).action == "SignedUpdateFirmware"
    assert WORDS["2.0.1"].firmware(SIGNED, 1).action == "UpdateFirmware"
