"""The gateway's settings: defaults that go together, relations that are checked."""

import pickle
from pathlib import Path

import pytest

from gateway.config import load
from gateway.validation import DEFAULT_QUIRKS
from programs.settings import SettingsError


def problems(environ: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        load({}, {f"CHARGEWIRE_{name}": value for name, value in environ.items()})
    return "\n".join(caught.value.problems)


def test_the_defaults_go_together():
    """Nothing set is a right configuration."""
    config = load({}, {})
    assert (config.listen, config.admin, config.path) == ("0.0.0.0:9000", "0.0.0.0:9100", "/ocpp")
    assert config.decided == ()


def test_a_decided_call_is_answered_before_the_station_gives_up():
    """A late answer burns one of a station's about three tries."""
    assert "stations give up" in problems({"ACK_TIME_S": "13"})
    assert "stations give up" in problems({"DECISION_TIME_S": "10"})
    assert load({}, {"CHARGEWIRE_ACK_TIME_S": "12"}).ack_time_s == 12


def test_the_bus_is_not_down_before_an_acknowledgement_is_late():
    """Otherwise every slow batch would close every socket."""
    assert "CHARGEWIRE_OUTAGE_TIME_S=5.0 with CHARGEWIRE_ACK_TIME_S=10" in problems(
        {"OUTAGE_TIME_S": "5"}
    )


def test_stations_and_operators_have_a_port_each():
    """Port 0 (any free one) is two ports."""
    assert "a port each" in problems({"LISTEN": "a:1", "ADMIN": "a:1"})
    assert load({"listen": "127.0.0.1:0", "admin": "127.0.0.1:0"}, {}).listen == "127.0.0.1:0"


@pytest.mark.parametrize("path", ["ocpp", "/ocpp/", "/a b", "/%41", "/a?b"])
def test_the_path_is_plain(path):
    """It is compared with what stations send, so it has one spelling only."""
    assert "CHARGEWIRE_PATH" in problems({"PATH": path})


def test_only_what_stations_call_can_be_decided():
    """A misspelt action would silently keep its fallback; DataTransfer is decided by vendor too."""
    assert "there are Authorize" in problems({"DECIDED": "Autorize"})
    assert "always confirmed" in problems({"DECIDED": "StopTransaction"})
    assert "RemoteStartTransaction: no station calls that" in problems(
        {"DECIDED": "RemoteStartTransaction"}
    )
    decided = {"CHARGEWIRE_DECIDED": "Authorize,TransactionEvent,DataTransfer:com.example"}
    assert len(load({}, decided).decided) == 3


def test_lenient_is_the_usual_rules_and_strict_is_none():
    """Both stand for rule names, which `quirk_rules` spells out."""
    assert load({}, {}).quirk_rules == DEFAULT_QUIRKS
    assert load({}, {"CHARGEWIRE_QUIRKS": "strict"}).quirk_rules == frozenset()
    (rule,) = {"missing_field"} - DEFAULT_QUIRKS
    more = load({}, {"CHARGEWIRE_QUIRKS": f"lenient,{rule}"})
    assert more.quirk_rules == DEFAULT_QUIRKS | {rule}
    assert load({}, {"CHARGEWIRE_QUIRKS": rule}).quirk_rules == {rule}


def test_a_rule_that_does_not_exist_is_a_problem():
    """With the names that come near."""
    assert "missing_field" in problems({"QUIRKS": "missing_fields"})
    assert "stands alone" in problems({"QUIRKS": "strict,missing_field"})


def test_the_file_of_the_environment_is_read(tmp_path: Path):
    """The same names in lower case."""
    path = tmp_path / "chargewire.toml"
    path.write_text("workers = 2\n")
    assert load({}, {"CHARGEWIRE_CONFIG": str(path)}).workers == 2


def test_a_configuration_can_be_handed_to_a_worker_process():
    """Workers are started with it, not with a second reading of the environment."""
    config = load({"workers": 2}, {})
    assert pickle.loads(pickle.dumps(config)) == config
