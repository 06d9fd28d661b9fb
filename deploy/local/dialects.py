"""What a simulated station says in each OCPP version: the steps of a day as CALLs.

Payloads are in wire form. Two dialects cover the three versions, because 2.1 took over everything
that these stations say from 2.0.1.
"""

from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from deploy.local.calls import Call, Moment, Payload, Session
from deploy.local.days import Model, Sample, Status


def _values(session: Session, sample: Sample) -> list[tuple[str, str, str | None, float]]:
    """Measurand, unit, phase and value of what the meter shows."""
    lines = [f"L{number}" for number in range(1, session.phases + 1)] if session.phases else [None]
    neutral = [f"{line}-N" if line else None for line in lines]
    energy_wh = session.meter_start_wh + sample.energy_wh
    return [
        ("Energy.Active.Import.Register", "Wh", None, energy_wh),
        ("Power.Active.Import", "W", None, sample.power_w),
        *(("Current.Import", "A", line, sample.current_a) for line in lines),
        *(("Voltage", "V", line, sample.voltage_v) for line in neutral),
        *([("SoC", "Percent", None, sample.soc)] if sample.soc is not None else []),
    ]


class Dialect16:
    """OCPP 1.6, part 2 section 4: the operations that a station starts."""

    def boot(self, model: Model, firmware: str, serial: str, reason: str) -> Call:
        payload = {
            "chargePointVendor": model.vendor,
            "chargePointModel": model.name,
            "chargePointSerialNumber": serial,
            "firmwareVersion": firmware,
        }
        return Call("BootNotification", payload)

    def status(self, connector: int, status: Status, moment: Moment) -> tuple[Call, ...]:
        payload = {
            "connectorId": connector,
            "errorCode": status.error,
            "status": status.word,
            "timestamp": str(moment),
        }
        return (Call("StatusNotification", payload),)

    def authorize(self, token: str) -> Call:
        return Call("Authorize", {"idTag": token})

    def begin(self, session: Session, moment: Moment) -> Call:
        payload = {
            "connectorId": session.connector,
            "idTag": session.token,
            "meterStart": session.meter_start_wh,
            "timestamp": str(moment),
        }
        if session.reservation_id is not None:
            payload["reservationId"] = session.reservation_id
        return Call("StartTransaction", payload, session)

    def charging(self, session: Session, word: str, moment: Moment) -> tuple[Call, ...]:
        return ()  # StatusNotification has said it

    def sample(self, session: Session, sample: Sample, moment: Moment) -> Call:
        sampled = [
            {"value": str(value), "measurand": measurand, "unit": unit}
            | ({"phase": phase} if phase else {})
            for measurand, unit, phase, value in _values(session, sample)
        ]
        payload = {
            "connectorId": session.connector,
            "meterValue": [{"timestamp": str(moment), "sampledValue": sampled}],
        }
        return Call("MeterValues", payload, session)

    def end(self, session: Session, reason: str, meter_wh: int, moment: Moment) -> Call:
        payload = {
            "idTag": session.token,
            "meterStop": meter_wh,
            "timestamp": str(moment),
            "reason": reason,
        }
        return Call("StopTransaction", payload, session)

    def reading(self, connector: int, meter_wh: int, moment: Moment) -> Call:
        sampled = [{"value": str(meter_wh), "context": "Trigger", "unit": "Wh"}]
        values = [{"timestamp": str(moment), "sampledValue": sampled}]
        return Call("MeterValues", {"connectorId": connector, "meterValue": values})

    def triggered(self, session: Session, meter_wh: int, moment: Moment) -> tuple[Call, ...]:
        return ()  # there is no such call

    def unreserved(self, reservation_id: int, word: str) -> tuple[Call, ...]:
        return ()  # StatusNotification says it

    def word(self, status: Status) -> str:
        return status.word

    def payload(self, call: Call) -> Payload:
        """With the transaction id, which is known only when the Start has been answered."""
        if call.session is None or call.action == "StartTransaction":
            return call.payload
        # -1 is what stations in the field send when they never got an id.
        known = call.session.transaction_id
        return call.payload | {"transactionId": -1 if known is None else known}

    def accepted(self, answer: Mapping[str, Any]) -> bool:
        return bool((answer.get("idTagInfo") or {}).get("status", "Accepted") == "Accepted")


_STOPPED = {
    "HardReset": "ImmediateReset",
    "SoftReset": "ImmediateReset",
    "UnlockCommand": "Other",
}
_TRIGGERS = {
    "DeAuthorized": "Deauthorized",
    "EVDisconnected": "EVDeparted",
    "HardReset": "ResetCommand",
    "Local": "StopAuthorized",
    "Remote": "RemoteStop",
    "SoftReset": "ResetCommand",
    "UnlockCommand": "UnlockCommand",
}


class Dialect2:
    """OCPP 2.0.1 and 2.1, part 2: one EVSE for each connector, one event for each step."""

    def boot(self, model: Model, firmware: str, serial: str, reason: str) -> Call:
        station = {
            "model": model.name,
            "vendorName": model.vendor,
            "serialNumber": serial,
            "firmwareVersion": firmware,
        }
        return Call("BootNotification", {"reason": reason, "chargingStation": station})

    def status(self, connector: int, status: Status, moment: Moment) -> tuple[Call, ...]:
        if connector == 0:  # the station as a whole has no status of its own here
            return ()
        word = self.word(status)
        payload = {
            "timestamp": str(moment),
            "connectorStatus": word,
            "evseId": connector,
            "connectorId": 1,
        }
        told = Call("StatusNotification", payload)
        return (told, self._problem(connector, status, moment)) if word == "Faulted" else (told,)

    def _problem(self, connector: int, status: Status, moment: Moment) -> Call:
        event = {
            "eventId": int(moment.at.timestamp()) % 2**31,
            "timestamp": str(moment),
            "trigger": "Alerting",
            "actualValue": "true",
            "techCode": status.error,
            "eventNotificationType": "HardWiredNotification",
            "component": {"name": "Connector", "evse": {"id": connector, "connectorId": 1}},
            "variable": {"name": "Problem"},
        }
        payload = {"generatedAt": str(moment), "seqNo": 0, "eventData": [event]}
        return Call("NotifyEvent", payload)

    def authorize(self, token: str) -> Call:
        return Call("Authorize", {"idToken": {"idToken": token, "type": "ISO14443"}})

    def begin(self, session: Session, moment: Moment) -> Call:
        # Derived, so that the same seed started again later names its transactions anew.
        name = f"ocpp:{session.station}/{session.connector}/{Moment(session.begun_at)}"
        session.transaction_id = str(uuid5(NAMESPACE_URL, name))
        more: Payload = {
            "idToken": {"idToken": session.token, "type": "ISO14443"},
            "evse": {"id": session.connector, "connectorId": 1},
            "meterValue": [self._reading(session.meter_start_wh, "Transaction.Begin", moment)],
        }
        if session.reservation_id is not None:
            more["reservationId"] = session.reservation_id
        info: Payload = {"chargingState": "EVConnected"}
        if session.remote_id is not None:
            info["remoteStartId"] = session.remote_id
        trigger = "RemoteStart" if "remoteStartId" in info else "Authorized"
        return self._event(session, moment, "Started", trigger, info, **more)

    def charging(self, session: Session, word: str, moment: Moment) -> tuple[Call, ...]:
        info = {"chargingState": word}
        return (self._event(session, moment, "Updated", "ChargingStateChanged", info),)

    def sample(self, session: Session, sample: Sample, moment: Moment) -> Call:
        sampled = [
            {
                "value": value,
                "context": "Sample.Periodic",
                "measurand": measurand,
                "unitOfMeasure": {"unit": unit},
            }
            | ({"phase": phase} if phase else {})
            for measurand, unit, phase, value in _values(session, sample)
        ]
        more = {"meterValue": [{"timestamp": str(moment), "sampledValue": sampled}]}
        return self._event(session, moment, "Updated", "MeterValuePeriodic", {}, **more)

    def end(self, session: Session, reason: str, meter_wh: int, moment: Moment) -> Call:
        info = {"stoppedReason": _STOPPED.get(reason, reason)}
        trigger = _TRIGGERS.get(reason, "AbnormalCondition")
        more = {"meterValue": [self._reading(meter_wh, "Transaction.End", moment)]}
        return self._event(session, moment, "Ended", trigger, info, **more)

    def reading(self, connector: int, meter_wh: int, moment: Moment) -> Call:
        values = [self._reading(meter_wh, "Trigger", moment)]
        return Call("MeterValues", {"evseId": connector, "meterValue": values})

    def triggered(self, session: Session, meter_wh: int, moment: Moment) -> tuple[Call, ...]:
        more = {"meterValue": [self._reading(meter_wh, "Trigger", moment)]}
        return (self._event(session, moment, "Updated", "Trigger", {}, **more),)

    def unreserved(self, reservation_id: int, word: str) -> tuple[Call, ...]:
        payload = {"reservationId": reservation_id, "reservationUpdateStatus": word}
        return (Call("ReservationStatusUpdate", payload),)

    def word(self, status: Status) -> str:
        return status.availability

    def payload(self, call: Call) -> Payload:
        return call.payload

    def accepted(self, answer: Mapping[str, Any]) -> bool:
        return bool((answer.get("idTokenInfo") or {}).get("status", "Accepted") == "Accepted")

    def _reading(self, meter_wh: int, context: str, moment: Moment) -> Payload:
        return {"timestamp": str(moment), "sampledValue": [{"value": meter_wh, "context": context}]}

    def _event(
        self, session: Session, moment: Moment, kind: str, trigger: str, info: Payload, **more: Any
    ) -> Call:
        payload = {
            "eventType": kind,
            "timestamp": str(moment),
            "triggerReason": trigger,
            "seqNo": session.next_number,
            "transactionInfo": {"transactionId": session.transaction_id, **info},
            **({"offline": True} if moment.offline else {}),
            **more,
        }
        session.next_number += 1
        return Call("TransactionEvent", payload, session)
