"""The catalogue: every schema file has its action, and every action its block and direction."""

from collections import Counter
from importlib import resources

import pytest

from schemas import catalogue
from schemas.catalogue import ACTIONS, BLOCKS, BY_SUBPROTOCOL, VERSIONS, action, frame_field


@pytest.mark.parametrize(
    ("version", "actions", "files"), [("1.6", 39, 78), ("2.0.1", 64, 128), ("2.1", 91, 181)]
)
def test_counts_are_those_of_the_contract(version: str, actions: int, files: int) -> None:
    """39, 64 and 90 actions and one SEND, in 78, 128 and 181 files."""
    rows = [row for (name, _), row in ACTIONS.items() if name == version]
    assert (len(rows), sum(len(row.parts) for row in rows)) == (actions, files)


@pytest.mark.parametrize("version", VERSIONS)
def test_each_schema_file_is_one_part_of_one_action(version: str) -> None:
    """No file of the `ocpp` package is left out, and none is taken twice."""
    folder = resources.files("ocpp") / VERSIONS[version].tag / "schemas"
    files = Counter(path.name for path in folder.iterdir() if path.name.endswith(".json"))
    rows = [row for (name, _), row in ACTIONS.items() if name == version]
    assert files == Counter(
        catalogue.schema_files(version)[row.name, part] for row in rows for part in row.parts
    )


def test_blocks_are_the_topics_of_the_contract() -> None:
    """The names and their order are contract: blocks A to S."""
    assert " ".join(BLOCKS) == (
        "security provisioning authorization local-list transactions remote-control availability "
        "reservation tariff metering smart-charging firmware certificates diagnostics display "
        "data-transfer bidirectional der-control battery-swap"
    )


def test_each_action_has_a_block_and_a_direction() -> None:
    """Blocks are those of the topics, and only DataTransfer goes both ways."""
    assert {row.block for row in ACTIONS.values()} == set(BLOCKS)
    both = {row.name for row in ACTIONS.values() if row.from_station and row.to_station}
    neither = {row.name for row in ACTIONS.values() if not row.from_station | row.to_station}
    assert (both, neither) == ({"DataTransfer"}, set())


def test_an_action_keeps_its_block_and_direction_in_all_versions() -> None:
    """What has the same name in 1.6 and 2.x is the same thing."""
    facts: dict[str, set[tuple[str, bool, bool]]] = {}
    for row in ACTIONS.values():
        facts.setdefault(row.name, set()).add((row.block, row.from_station, row.to_station))
    assert {name for name, found in facts.items() if len(found) > 1} == set()


def test_calls_have_an_answer_and_the_one_send_has_none() -> None:
    """NotifyPeriodicEventStream of 2.1 is SEND only."""
    assert {name for name, row in ACTIONS.items() if row.parts != {"request", "response"}} == {
        ("2.1", "NotifyPeriodicEventStream")
    }
    assert ACTIONS["2.1", "NotifyPeriodicEventStream"].parts == {"send"}


# Who initiates what, by the sequence diagrams of OCPP 1.6 (4, 5 and the security white paper) and
# of OCPP 2.1, part 2: everything that is not here is initiated by the CSMS.
FROM_STATION = """
Authorize BatterySwap BootNotification ClearedChargingLimit ClosePeriodicEventStream DataTransfer
DiagnosticsStatusNotification FirmwareStatusNotification Get15118EVCertificate
GetCertificateChainStatus GetCertificateStatus Heartbeat LogStatusNotification MeterValues
NotifyChargingLimit NotifyCustomerInformation NotifyDERAlarm NotifyDERStartStop
NotifyDisplayMessages NotifyEVChargingNeeds NotifyEVChargingSchedule NotifyEvent
NotifyMonitoringReport NotifyPeriodicEventStream NotifyPriorityCharging NotifyReport
NotifySettlement OpenPeriodicEventStream PublishFirmwareStatusNotification
PullDynamicScheduleUpdate ReportChargingProfiles ReportDERControl ReservationStatusUpdate
SecurityEventNotification SignCertificate SignedFirmwareStatusNotification StartTransaction
StatusNotification StopTransaction TransactionEvent VatNumberValidation
"""


def test_stations_initiate_what_ocpp_lets_them() -> None:
    """The direction of every action, written down a second time."""
    assert {row.name for row in ACTIONS.values() if row.from_station} == set(FROM_STATION.split())


@pytest.mark.parametrize(
    ("version", "name", "part", "field"),
    [
        ("1.6", "StartTransaction", "request", "v16_start_transaction_request"),
        ("2.0.1", "TransactionEvent", "response", "v2_transaction_event_response"),
        ("2.1", "TransactionEvent", "response", "v2_transaction_event_response"),
        ("2.1", "AFRRSignal", "request", "v2_afrr_signal_request"),
        ("2.1", "Get15118EVCertificate", "request", "v2_get_15118_ev_certificate_request"),
        ("2.1", "ClearDERControl", "response", "v2_clear_der_control_response"),
        ("2.1", "NotifyDERStartStop", "request", "v2_notify_der_start_stop_request"),
        ("2.1", "NotifyEVChargingNeeds", "request", "v2_notify_ev_charging_needs_request"),
        ("2.1", "NotifyPeriodicEventStream", "send", "v2_notify_periodic_event_stream_send"),
    ],
)
def test_frame_fields_are_in_snake_case(version: str, name: str, part: str, field: str) -> None:
    """Names of fields are contract: abbreviations and numbers stay words."""
    assert frame_field(version, name, part) == field


def test_no_two_kinds_of_frames_share_a_field() -> None:
    """A field names one action and part, though 2.0.1 and 2.1 share it."""
    kinds: dict[str, set[tuple[str, str]]] = {}
    for (version, name), row in ACTIONS.items():
        for part in row.parts:
            kinds.setdefault(frame_field(version, name, part), set()).add((name, part))
    assert {field for field, found in kinds.items() if len(found) > 1} == set()


def test_error_words_are_those_of_the_version() -> None:
    """1.6 has its own spelling of two words and no framework errors (OCPP-J 1.6, 4.2.3)."""
    old, new = VERSIONS["1.6"], VERSIONS["2.0.1"]
    assert set(old.error_codes.values()) == {
        "NotImplemented", "NotSupported", "InternalError", "ProtocolError", "SecurityError",
        "FormationViolation", "PropertyConstraintViolation", "OccurenceConstraintViolation",
        "TypeConstraintViolation", "GenericError",
    }  # fmt: skip
    assert old.error_codes.keys() == new.error_codes.keys()
    assert all(neutral == word for neutral, word in new.error_codes.items())
    assert {"RpcFrameworkError", "MessageTypeNotSupported"} < new.error_codes.keys()
    assert (old.framework_errors, new.framework_errors) == (False, True)


def test_only_21_sends_and_answers_results_with_errors() -> None:
    """CALLRESULTERROR (5) and SEND (6) came with OCPP-J 2.1."""
    assert {name: row.message_types for name, row in VERSIONS.items()} == {
        "1.6": {2, 3, 4},
        "2.0.1": {2, 3, 4},
        "2.1": {2, 3, 4, 5, 6},
    }


def test_versions_are_found_by_their_subprotocol() -> None:
    """The names that are registered for the websocket handshake."""
    assert {name: row.name for name, row in BY_SUBPROTOCOL.items()} == {
        "ocpp1.6": "1.6",
        "ocpp2.0.1": "2.0.1",
        "ocpp2.1": "2.1",
    }


def test_unknown_actions_are_none_and_unknown_schemas_an_error() -> None:
    """Names count letter by letter, and 1.6 has no TransactionEvent."""
    assert action("1.6", "TransactionEvent") is None
    assert action("1.6", "heartbeat") is None
    assert action("2.1", "Heartbeat") == ACTIONS["2.1", "Heartbeat"]
    with pytest.raises(KeyError):
        catalogue.json_schema("2.1", "NotifyPeriodicEventStream", "response")
