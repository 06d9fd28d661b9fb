"""The settings of a simulated station in both families of versions."""

import pytest

from deploy.local import settings
from deploy.local.days import SAMPLE_INTERVAL_S
from deploy.local.line import ATTEMPTS, RETRY_S
from tests.deploy.memories import station


@pytest.mark.parametrize("version", ["1.6", "2.1"])
def test_settings_tell_what_the_stations_really_do(version: str) -> None:
    """Who asks for attempts, intervals and connectors hears the true ones."""
    memory = station(version)
    assert settings.value(memory, "MeterValueSampleInterval") == str(SAMPLE_INTERVAL_S)
    assert settings.value(memory, "TransactionMessageAttempts") == str(ATTEMPTS)
    assert settings.value(memory, "TransactionMessageRetryInterval") == str(round(RETRY_S))
    assert station().settings["NumberOfConnectors"] == "2"


def test_the_configuration_is_told_with_what_is_unknown() -> None:
    """In any case of letters; all of it where nothing is named; a password never."""
    told, _ = settings.configuration({"key": ["HEARTBEATinterval", "Colour"]}, station())
    row = {"key": "HeartbeatInterval", "readonly": False, "value": "300"}
    assert told == {"configurationKey": [row], "unknownKey": ["Colour"]}
    everything = {r["key"]: r for r in settings.configuration({}, station())[0]["configurationKey"]}
    assert everything.keys() == settings.OLD.keys()
    assert everything["NumberOfConnectors"]["readonly"] is True
    assert "value" not in everything["AuthorizationKey"]


@pytest.mark.parametrize(
    ("key", "value", "word"),
    [
        ("ConnectionTimeOut", "90", "Accepted"),
        ("connectiontimeout", "90", "Accepted"),
        ("ConnectionTimeOut", "-1", "Rejected"),
        ("LocalAuthListEnabled", "perhaps", "Rejected"),
        ("NumberOfConnectors", "7", "Rejected"),
        ("WebSocketPingInterval", "20", "RebootRequired"),
        ("Colour", "red", "NotSupported"),
    ],
)
def test_a_change_is_taken_or_not(key: str, value: str, word: str) -> None:
    """And only then remembered."""
    memory = station()
    before = dict(memory.settings)
    assert settings.change({"key": key, "value": value}, memory)[0] == {"status": word}
    changed = [name for name in before if memory.settings[name] != before[name]]
    taken = word in {"Accepted", "RebootRequired"}
    assert [name.casefold() for name in changed] == ([key.casefold()] if taken else [])
