"""The only place that knows the wire facts of the OCPP versions: words, actions, schema files."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class Version:
    """One OCPP version as it is spoken over OCPP-J.

    `error_codes` leads from each neutral error word (the 2.x spelling) to the word of this
    version, or to its nearest where it has none. `framework_errors` tells whether the version
    knows RpcFrameworkError, MessageTypeNotSupported and the message id "-1" (OCPP-J 2.0.1, 4.2.3).
    `message_types` are the numbers that may stand first in a frame (OCPP-J 4.1.3; 2.1 adds
    CALLRESULTERROR and SEND).
    """

    name: str
    subprotocol: str
    field_prefix: str
    tag: str
    error_codes: Mapping[str, str]
    framework_errors: bool
    message_types: frozenset[int]


@dataclass(frozen=True, slots=True)
class Action:
    """One action of one version: its functional block, who may initiate it, its schema parts.

    `parts` are out of "request", "response" and "send".
    """

    name: str
    block: str
    from_station: bool
    to_station: bool
    parts: frozenset[str]


# OCPP-J 2.0.1, 4.3: the words of a CALLERROR.
_WORDS_2X = {
    word: word
    for word in (
        "FormatViolation",
        "GenericError",
        "InternalError",
        "MessageTypeNotSupported",
        "NotImplemented",
        "NotSupported",
        "OccurrenceConstraintViolation",
        "PropertyConstraintViolation",
        "ProtocolError",
        "RpcFrameworkError",
        "SecurityError",
        "TypeConstraintViolation",
    )
}
# OCPP-J 1.6, 4.2.3, with the spelling that its errata (5.1, 5.2) confirm. GenericError is its word
# for what no other word covers.
_WORDS_16 = _WORDS_2X | {
    "FormatViolation": "FormationViolation",
    "MessageTypeNotSupported": "GenericError",
    "OccurrenceConstraintViolation": "OccurenceConstraintViolation",
    "RpcFrameworkError": "FormationViolation",
}
_CALLS = frozenset({2, 3, 4})

VERSIONS: Mapping[str, Version] = MappingProxyType(
    {
        row.name: row
        for row in (
            Version("1.6", "ocpp1.6", "v16", "v16", MappingProxyType(_WORDS_16), False, _CALLS),
            Version("2.0.1", "ocpp2.0.1", "v2", "v201", MappingProxyType(_WORDS_2X), True, _CALLS),
            Version(
                "2.1", "ocpp2.1", "v2", "v21", MappingProxyType(_WORDS_2X), True, _CALLS | {5, 6}
            ),
        )
    }
)
BY_SUBPROTOCOL: Mapping[str, Version] = MappingProxyType(
    {version.subprotocol: version for version in VERSIONS.values()}
)

# The functional blocks A to S of OCPP 2.1, part 2, in the order of their letters: the actions that
# a station initiates, and those that it is asked. DataTransfer is both.
_ACTIONS_2X: dict[str, tuple[str, str]] = {
    "security": ("SecurityEventNotification SignCertificate", "CertificateSigned"),
    "provisioning": (
        "BootNotification NotifyReport",
        "GetBaseReport GetReport GetVariables Reset SetNetworkProfile SetVariables",
    ),
    "authorization": (
        "Authorize NotifySettlement VatNumberValidation",
        "ClearCache NotifyWebPaymentStarted",
    ),
    "local-list": ("", "GetLocalListVersion SendLocalList"),
    "transactions": ("TransactionEvent", "GetTransactionStatus"),
    "remote-control": (
        "",
        "RequestStartTransaction RequestStopTransaction TriggerMessage UnlockConnector",
    ),
    "availability": ("Heartbeat StatusNotification", "ChangeAvailability"),
    "reservation": ("ReservationStatusUpdate", "CancelReservation ReserveNow"),
    "tariff": ("", "ChangeTransactionTariff ClearTariffs CostUpdated GetTariffs SetDefaultTariff"),
    "metering": ("MeterValues", ""),
    "smart-charging": (
        "ClearedChargingLimit NotifyChargingLimit NotifyEVChargingNeeds NotifyEVChargingSchedule "
        "NotifyPriorityCharging PullDynamicScheduleUpdate ReportChargingProfiles",
        "ClearChargingProfile GetChargingProfiles GetCompositeSchedule SetChargingProfile "
        "UpdateDynamicSchedule UsePriorityCharging",
    ),
    "firmware": (
        "FirmwareStatusNotification PublishFirmwareStatusNotification",
        "PublishFirmware UnpublishFirmware UpdateFirmware",
    ),
    "certificates": (
        "Get15118EVCertificate GetCertificateChainStatus GetCertificateStatus",
        "DeleteCertificate GetInstalledCertificateIds InstallCertificate",
    ),
    "diagnostics": (
        "ClosePeriodicEventStream LogStatusNotification NotifyCustomerInformation NotifyEvent "
        "NotifyMonitoringReport NotifyPeriodicEventStream OpenPeriodicEventStream",
        "AdjustPeriodicEventStream ClearVariableMonitoring CustomerInformation GetLog "
        "GetMonitoringReport GetPeriodicEventStream SetMonitoringBase SetMonitoringLevel "
        "SetVariableMonitoring",
    ),
    "display": (
        "NotifyDisplayMessages",
        "ClearDisplayMessage GetDisplayMessages SetDisplayMessage",
    ),
    "data-transfer": ("DataTransfer", "DataTransfer"),
    "bidirectional": ("", "AFRRSignal NotifyAllowedEnergyTransfer"),
    "der-control": (
        "NotifyDERAlarm NotifyDERStartStop ReportDERControl",
        "ClearDERControl GetDERControl SetDERControl",
    ),
    "battery-swap": ("BatterySwap", "RequestBatterySwap"),
}
BLOCKS: tuple[str, ...] = tuple(_ACTIONS_2X)
# The same for 1.6 and its security extension; an action stands where its 2.x successor stands.
_ACTIONS_16: dict[str, tuple[str, str]] = {
    "security": ("SecurityEventNotification SignCertificate", "CertificateSigned"),
    "provisioning": ("BootNotification", "ChangeConfiguration GetConfiguration Reset"),
    "authorization": ("Authorize", "ClearCache"),
    "local-list": ("", "GetLocalListVersion SendLocalList"),
    "transactions": ("StartTransaction StopTransaction", ""),
    "remote-control": (
        "",
        "ExtendedTriggerMessage RemoteStartTransaction RemoteStopTransaction TriggerMessage "
        "UnlockConnector",
    ),
    "availability": ("Heartbeat StatusNotification", "ChangeAvailability"),
    "reservation": ("", "CancelReservation ReserveNow"),
    "metering": ("MeterValues", ""),
    "smart-charging": ("", "ClearChargingProfile GetCompositeSchedule SetChargingProfile"),
    "firmware": (
        "FirmwareStatusNotification SignedFirmwareStatusNotification",
        "SignedUpdateFirmware UpdateFirmware",
    ),
    "certificates": ("", "DeleteCertificate GetInstalledCertificateIds InstallCertificate"),
    "diagnostics": (
        "DiagnosticsStatusNotification LogStatusNotification",
        "GetDiagnostics GetLog",
    ),
    "data-transfer": ("DataTransfer", "DataTransfer"),
}
_BLOCK_ACTIONS = {"v16": _ACTIONS_16, "v2": _ACTIONS_2X}


def schema_files(version: str) -> Mapping[tuple[str, str], str]:
    """(action, part) -> name of the schema file in the installed `ocpp` package.

    1.6 names a request like its action; 2.x appends Request, and nothing where there is only a
    SEND. KeyError for an unknown version.
    """
    return _schema_files(VERSIONS[version].tag)


@cache
def _schema_files(tag: str) -> Mapping[tuple[str, str], str]:
    bare = "request" if tag == "v16" else "send"
    files: dict[tuple[str, str], str] = {}
    for path in _directory(tag).iterdir():
        name = path.name.removesuffix(".json")
        if name == path.name:
            continue
        part = next((p for p in ("request", "response") if name.endswith(p.capitalize())), None)
        action_name = name if part is None else name[: -len(part)]
        files[action_name, part or bare] = path.name
    return MappingProxyType(dict(sorted(files.items())))


def _directory(tag: str) -> resources.abc.Traversable:
    return resources.files("ocpp") / tag / "schemas"


def _rows(version: Version) -> Iterator[Action]:
    parts: dict[str, set[str]] = {}
    for action_name, part in schema_files(version.name):
        parts.setdefault(action_name, set()).add(part)
    for block, (from_station, to_station) in _BLOCK_ACTIONS[version.field_prefix].items():
        upward, downward = from_station.split(), to_station.split()
        for name in sorted({*upward, *downward} & parts.keys()):
            yield Action(name, block, name in upward, name in downward, frozenset(parts[name]))


ACTIONS: Mapping[tuple[str, str], Action] = MappingProxyType(
    {(version.name, row.name): row for version in VERSIONS.values() for row in _rows(version)}
)


def action(version: str, name: str) -> Action | None:
    """The row of an action by its version and its exact name; None where there is none."""
    return ACTIONS.get((version, name))


@cache
def json_schema(version: str, action: str, part: str) -> dict[str, Any]:
    """The OCA's JSON Schema of a payload; shared between callers, so not to be changed.

    It is read from the installed `ocpp` package, since its licence allows no derived copies.
    KeyError for what the version does not have.
    """
    name = schema_files(version)[action, part]
    text = (_directory(VERSIONS[version].tag) / name).read_text(encoding="utf-8-sig")
    schema: dict[str, Any] = json.loads(text)
    return schema


_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=[0-9])")


@cache
def frame_field(version: str, action: str, part: str) -> str:
    """The name of the wide record's field for a payload, such as v16_start_transaction_request.

    KeyError for an unknown version.
    """
    return f"{VERSIONS[version].field_prefix}_{_WORD.sub('_', action).lower()}_{part}"
