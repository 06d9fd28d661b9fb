"""The settings of a simulated station: 1.6's keys and 2.x's variables as one table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deploy.local.days import SAMPLE_INTERVAL_S, Model
from deploy.local.effects import Answer, status
from deploy.local.memory import Memory

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Setting:
    """`old` is the key of 1.6, `new` the Component.Variable of 2.x; None where there is none.

    `access` is ReadOnly, WriteOnly or ReadWrite; `reboot` means that a change is heeded later.
    """

    old: str | None
    new: str | None
    value: str
    kind: str = "string"
    access: str = "ReadWrite"
    reboot: bool = False

    def takes(self, value: str) -> bool:
        """Whether the value may be set."""
        fits = {
            "integer": value.isascii() and value.isdigit() and len(value) < 10,
            "boolean": value.casefold() in {"true", "false"},
        }
        return self.access != "ReadOnly" and fits.get(self.kind, True)


_MEASURANDS = "Energy.Active.Import.Register,Power.Active.Import,Current.Import,Voltage,SoC"
_PROFILES = (
    "Core,FirmwareManagement,LocalAuthListManagement,RemoteTrigger,Reservation,SmartCharging"
)
INTEGER, BOOLEAN, LIST, RO = "integer", "boolean", "MemberList", "ReadOnly"

SETTINGS = (
    Setting(
        "AllowOfflineTxForUnknownId", "AuthCtrlr.OfflineTxForUnknownIdEnabled", "true", BOOLEAN
    ),
    Setting("AuthorizationKey", "SecurityCtrlr.BasicAuthPassword", "", access="WriteOnly"),
    Setting("AuthorizeRemoteTxRequests", "AuthCtrlr.AuthorizeRemoteStart", "false", BOOLEAN),
    Setting("ChargeProfileMaxStackLevel", "SmartChargingCtrlr.ProfileStackLevel", "9", INTEGER, RO),
    Setting("ChargingScheduleAllowedChargingRateUnit", None, "Current,Power", LIST, RO),
    Setting(None, "SmartChargingCtrlr.RateUnit", "A,W", LIST, RO),
    Setting(
        "ChargingScheduleMaxPeriods", "SmartChargingCtrlr.PeriodsPerSchedule", "24", INTEGER, RO
    ),
    Setting("MaxChargingProfilesInstalled", "SmartChargingCtrlr.Entries", "20", INTEGER, RO),
    Setting("ClockAlignedDataInterval", "AlignedDataCtrlr.Interval", "0", INTEGER),
    Setting("ConnectionTimeOut", "TxCtrlr.EVConnectionTimeOut", "60", INTEGER),
    Setting("CpoName", "SecurityCtrlr.OrganizationName", "chargewire"),
    Setting("GetConfigurationMaxKeys", None, "100", INTEGER, RO),
    Setting("HeartbeatInterval", "OCPPCommCtrlr.HeartbeatInterval", "300", INTEGER),
    Setting("LocalAuthListEnabled", "LocalAuthListCtrlr.Enabled", "true", BOOLEAN),
    Setting("LocalAuthListMaxLength", "LocalAuthListCtrlr.Storage", "500", INTEGER, RO),
    Setting("SendLocalListMaxLength", "LocalAuthListCtrlr.ItemsPerMessage", "20", INTEGER, RO),
    Setting("LocalAuthorizeOffline", "AuthCtrlr.LocalAuthorizeOffline", "true", BOOLEAN),
    Setting(
        "MeterValueSampleInterval",
        "SampledDataCtrlr.TxUpdatedInterval",
        str(SAMPLE_INTERVAL_S),
        INTEGER,
        RO,
    ),
    Setting(
        "MeterValuesSampledData", "SampledDataCtrlr.TxUpdatedMeasurands", _MEASURANDS, LIST, RO
    ),
    Setting("NumberOfConnectors", None, "1", INTEGER, RO),
    Setting(
        "ReserveConnectorZeroSupported", "ReservationCtrlr.NonEvseSpecific", "true", BOOLEAN, RO
    ),
    Setting("ResetRetries", "OCPPCommCtrlr.ResetRetries", "0", INTEGER),
    Setting("SecurityProfile", "SecurityCtrlr.SecurityProfile", "0", INTEGER, RO),
    Setting("StopTransactionOnInvalidId", "TxCtrlr.StopTxOnInvalidId", "true", BOOLEAN, RO),
    Setting("SupportedFeatureProfiles", None, _PROFILES, LIST, RO),
    Setting("TransactionMessageAttempts", "OCPPCommCtrlr.MessageAttempts", "3", INTEGER, RO),
    Setting(
        "TransactionMessageRetryInterval", "OCPPCommCtrlr.MessageAttemptInterval", "60", INTEGER, RO
    ),
    Setting(
        "WebSocketPingInterval", "OCPPCommCtrlr.WebSocketPingInterval", "54", INTEGER, reboot=True
    ),
    Setting(None, "OCPPCommCtrlr.NetworkConfigurationPriority", "1", "SequenceList", reboot=True),
    Setting(None, "ChargingStation.VendorName", "", access=RO),
    Setting(None, "ChargingStation.Model", "", access=RO),
)

OLD: Mapping[str, Setting] = {row.old: row for row in SETTINGS if row.old}
NEW: Mapping[str, Setting] = {row.new: row for row in SETTINGS if row.new}
_BY_FOLDED = {name.casefold(): name for name in (*OLD, *NEW)}


def defaults(table: Mapping[str, Setting], model: Model) -> dict[str, str]:
    """The settings of a new station: OLD's or NEW's."""
    own = {
        "NumberOfConnectors": str(model.connectors),
        "ChargingStation.VendorName": model.vendor,
        "ChargingStation.Model": model.name,
    }
    return {name: own.get(name, row.value) for name, row in table.items()}


def name(memory: Memory, old: str) -> str:
    """What a setting of 1.6 is called in the version of the station."""
    return old if old in memory.settings else str(OLD[old].new)


def value(memory: Memory, old: str) -> str:
    """What a setting is, by its key of 1.6, in any version."""
    return memory.settings[name(memory, old)]


def is_on(memory: Memory, old: str) -> bool:
    """Whether a setting is true."""
    return value(memory, old).casefold() == "true"


def _known(memory: Memory, asked: str) -> str | None:
    """The name as the station spells it: names are compared without regard to case."""
    spelled = _BY_FOLDED.get(asked.casefold())
    return spelled if spelled in memory.settings else None


def configuration(payload: Payload, memory: Memory) -> Answer:
    """GetConfiguration; a key that is only written is shown without its value."""
    told: list[Payload] = []
    unknown: list[str] = []
    for asked in payload.get("key") or list(memory.settings):
        if (key := _known(memory, asked)) is None:
            unknown.append(asked)
            continue
        access = OLD[key].access
        shown = {} if access == "WriteOnly" else {"value": memory.settings[key]}
        told.append({"key": key, "readonly": access == RO} | shown)
    return {"configurationKey": told, "unknownKey": unknown}, ()


def put(memory: Memory, key: str, row: Setting, wanted: str) -> str:
    """Set it if it takes the value; the word for what came of it."""
    if not row.takes(wanted):
        return "Rejected"
    memory.settings[key] = wanted
    return "RebootRequired" if row.reboot else "Accepted"


def change(payload: Payload, memory: Memory) -> Answer:
    """ChangeConfiguration."""
    key = _known(memory, payload["key"])
    if key is None:
        return status("NotSupported")
    return status(put(memory, key, OLD[key], payload["value"]))
