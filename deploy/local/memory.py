"""What a simulated station knows of itself: its connectors, settings and local list."""

from dataclasses import dataclass, field

from deploy.local.calls import Session
from deploy.local.days import Model, Status

AVAILABLE, UNAVAILABLE = Status("Available"), Status("Unavailable")


@dataclass(slots=True)
class Plug:
    """One connector (2.x: one EVSE with one connector) as it is now."""

    number: int
    status: Status = AVAILABLE
    meter_wh: int = 0
    session: Session | None = None


@dataclass(slots=True)
class Memory:
    """What a station knows of itself; `settings` are 1.6 keys or 2.x `Component.Variable`."""

    model: Model
    serial: str
    plugs: dict[int, Plug]
    settings: dict[str, str] = field(default_factory=dict)
    list_version: int = 0


DEFAULTS_16 = {
    "AuthorizeRemoteTxRequests": "false",
    "ConnectionTimeOut": "60",
    "HeartbeatInterval": "300",
    "LocalAuthListEnabled": "true",
    "LocalAuthListMaxLength": "500",
    "MeterValueSampleInterval": "300",
    "SendLocalListMaxLength": "20",
    "SupportedFeatureProfiles": "Core,LocalAuthListManagement,RemoteTrigger",
    "TransactionMessageAttempts": "3",
    "TransactionMessageRetryInterval": "60",
}
DEFAULTS_2 = {
    "AuthCtrlr.AuthorizeRemoteStart": "false",
    "LocalAuthListCtrlr.ItemsPerMessage": "20",
    "OCPPCommCtrlr.HeartbeatInterval": "300",
    "OCPPCommCtrlr.MessageAttempts": "3",
    "SampledDataCtrlr.TxUpdatedInterval": "300",
}
