"""What the stations of the benchmarks say, and what they are to be answered."""

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

_TIME = "2026-05-01T12:34:56.789Z"
_SAMPLES = (
    ("Energy.Active.Import.Register", "Wh", "L1"),
    ("Power.Active.Import", "W", "L1"),
    ("Current.Import", "A", "L1"),
    ("Current.Import", "A", "L2"),
    ("Current.Import", "A", "L3"),
    ("Voltage", "V", "L1"),
    ("Voltage", "V", "L2"),
    ("Voltage", "V", "L3"),
)
_METER_VALUES = {
    "connectorId": 1,
    "transactionId": 170_000,
    "meterValue": [
        {
            "timestamp": _TIME,
            "sampledValue": [
                {
                    "value": "12345.6",
                    "context": "Sample.Periodic",
                    "format": "Raw",
                    "measurand": measurand,
                    "phase": phase,
                    "location": "Outlet",
                    "unit": unit,
                }
                for measurand, unit, phase in _SAMPLES
            ],
        }
    ],
}
_BOOT = {
    "chargePointVendor": "Vendor",
    "chargePointModel": "Model",
    "chargePointSerialNumber": "SN-0001",
    "firmwareVersion": "1.2.3",
}
_START = {"connectorId": 1, "idTag": "04A1B2C3D4", "meterStart": 12_000, "timestamp": _TIME}
_STOP = {
    "transactionId": 170_000,
    "idTag": "04A1B2C3D4",
    "meterStop": 34_000,
    "timestamp": _TIME,
    "reason": "Local",
}


def _status(status: str) -> dict[str, Any]:
    return {"connectorId": 1, "errorCode": "NoError", "status": status, "timestamp": _TIME}


# What a server answers that asks nobody: constants, so that it costs next to nothing.
ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "Authorize": {"idTagInfo": {"status": "Accepted"}},
    "BootNotification": {"status": "Accepted", "currentTime": _TIME, "interval": 300},
    "Heartbeat": {"currentTime": _TIME},
    "MeterValues": {},
    "StartTransaction": {"idTagInfo": {"status": "Accepted"}, "transactionId": 170_000},
    "StatusNotification": {},
    "StopTransaction": {},
}

ID_DIGITS = 8


@dataclass(frozen=True)
class Frame:
    """One CALL, ready to be sent: the bytes before and after its message id's last digits."""

    action: str
    payload: Mapping[str, Any]

    def text(self, number: int) -> str:
        """The frame as the station says it; message ids have 36 characters, as UUIDs do."""
        message_id = f"7d1f3a52-9c4e-4b0a-8f6d-2b7c{number:0{ID_DIGITS}d}"
        frame = [2, message_id, self.action, self.payload]
        return json.dumps(frame, separators=(",", ":"))

    @cached_property
    def around(self) -> tuple[bytes, bytes]:
        """What goes over the socket, cut where the number of the CALL belongs."""
        framed = _masked(self.text(0).encode())
        at = framed.index(b"0" * ID_DIGITS)
        return framed[:at], framed[at + ID_DIGITS :]


def _masked(data: bytes) -> bytes:
    """A websocket text frame of a client (RFC 6455, 5.2).

    The mask is zero, so that the message id can be changed in place: the server unmasks all the
    same.
    """
    if len(data) < 126:
        head = struct.pack("!BB", 0x81, 0x80 | len(data))
    else:
        head = struct.pack("!BBH", 0x81, 0x80 | 126, len(data))
    return head + bytes(4) + data


METER_VALUES = Frame("MeterValues", _METER_VALUES)
HEARTBEAT = Frame("Heartbeat", {})
BOOT = Frame("BootNotification", _BOOT)

SESSION: Sequence[Frame] = (
    BOOT,
    Frame("StatusNotification", _status("Charging")),
    Frame("Authorize", {"idTag": "04A1B2C3D4"}),
    Frame("StartTransaction", _START),
    *([METER_VALUES] * 20),
    Frame("StopTransaction", _STOP),
    Frame("StatusNotification", _status("Available")),
)

# Name of a workload -> the CALLs that each station repeats.
WORKLOADS: Mapping[str, Sequence[Frame]] = {
    "MeterValues": (METER_VALUES,),
    "Heartbeat": (HEARTBEAT,),
    "session": SESSION,
}
