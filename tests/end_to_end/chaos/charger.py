"""What a station lives through: one transaction after the other, in the words of its version."""

import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

Payload = dict[str, Any]
REASONS = ("Local", "EVDisconnected", "Remote", "PowerLoss")
VERSIONS = ("1.6", "2.0.1", "2.1")


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that a station has to say; what belongs to a transaction is kept until confirmed.

    `number` counts the deeds of a station: those of a repetition are the same.
    """

    number: int
    action: str
    payload: Payload
    transaction: "Transaction | None" = None


@dataclass(slots=True)
class Transaction:
    """A transaction as its station knows it; times as sent, energy in Wh.

    `id` is None until the gateway has given it (1.6). `confirmed` says that its end was.
    """

    station: str
    token: str
    id: str | None
    begin: str
    meter_begin: int
    end: str = ""
    meter_end: int = 0
    reason: str = ""
    samples: int = 0
    confirmed: bool = False

    def written(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


@dataclass(slots=True)
class Charger:
    """The meter and the transactions of a station; whoever carries its frames asks for them."""

    station: str
    version: str
    tokens: tuple[str, ...]
    random: random.Random
    open: Transaction | None = None
    _left: int = 0
    _seq_no: int = 0
    _meter_wh: int = 0
    _transactions: int = 0
    _deeds: int = 0
    began: list[Transaction] = field(default_factory=list)

    def next(self, now_s: float, *, online: bool, closing: bool) -> Iterator[Deed]:
        """What happens next at the station. At closing time it ends what it has begun."""
        if self.open is None:
            if closing:
                return
            if online and self.random.random() < 0.3:
                yield self._deed(*self._small_talk(now_s))
                return
            yield self._begin(now_s, online=online)
        elif self._left and not closing:
            self._left -= 1
            yield self._sample(now_s, online=online)
        else:
            yield self._end(now_s, online=online)

    def boot(self) -> Deed:
        """What it says of itself."""
        if self.version == "1.6":
            return self._deed(
                "BootNotification", {"chargePointVendor": "Chaos", "chargePointModel": "M"}
            )
        model = {"vendorName": "Chaos", "model": "M"}
        return self._deed("BootNotification", {"reason": "PowerUp", "chargingStation": model})

    def _deed(self, action: str, payload: Payload, transaction: Transaction | None = None) -> Deed:
        self._deeds += 1
        return Deed(self._deeds, action, payload, transaction)

    def _small_talk(self, now_s: float) -> tuple[str, Payload]:
        """What is not repeated when nobody answers."""
        of = self.version == "1.6"
        match self.random.randrange(3):
            case 0:
                return "Heartbeat", {}
            case 1 if of:
                return "Authorize", {"idTag": self.random.choice(self.tokens)}
            case 1:
                return "Authorize", {"idToken": _id_token(self.random.choice(self.tokens))}
            case _ if of:
                status = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
                return "StatusNotification", status | {"timestamp": _at(now_s)}
            case _:
                status = {"evseId": 1, "connectorId": 1, "connectorStatus": "Available"}
                return "StatusNotification", status | {"timestamp": _at(now_s)}

    def _begin(self, now_s: float, *, online: bool) -> Deed:
        self._transactions += 1
        self._left = self.random.randrange(1, 5)
        own = None if self.version == "1.6" else f"T-{self._transactions}"
        token, at = self.random.choice(self.tokens), _at(now_s)
        self.open = Transaction(self.station, token, own, at, self._meter_wh)
        self.began.append(self.open)
        if own is None:
            start = {"connectorId": 1, "idTag": token, "meterStart": self._meter_wh}
            return self._deed("StartTransaction", start | {"timestamp": at}, self.open)
        self._seq_no = 0
        return self._event("Started", "Authorized", "Transaction.Begin", at, online=online)

    def _sample(self, now_s: float, *, online: bool) -> Deed:
        assert self.open is not None
        self._meter_wh += self.random.randrange(1, 2000)
        at = _at(now_s)
        if self.open.id is not None and self.version != "1.6":
            kind = "MeterValuePeriodic"
            return self._event("Updated", kind, "Sample.Periodic", at, online=online)
        self.open.samples += 2
        values = [
            {"value": str(self._meter_wh)},
            {"value": "7.2", "measurand": "Power.Active.Import", "unit": "kW"},
        ]
        meter = {"connectorId": 1, "meterValue": [{"timestamp": at, "sampledValue": values}]}
        return self._deed("MeterValues", meter, self.open)

    def _end(self, now_s: float, *, online: bool) -> Deed:
        assert self.open is not None
        done, at = self.open, _at(now_s)
        self._meter_wh += self.random.randrange(1, 500)
        done.end, done.meter_end = at, self._meter_wh
        done.reason = self.random.choice(REASONS)
        if self.version == "1.6":
            stop = {"meterStop": self._meter_wh, "timestamp": at, "reason": done.reason}
            deed = self._deed("StopTransaction", stop, done)
        else:
            deed = self._event("Ended", "EVDeparted", "Transaction.End", at, online=online)
        self.open = None
        return deed

    def _event(self, kind: str, trigger: str, context: str, at: str, *, online: bool) -> Deed:
        """A TransactionEvent, with the meter."""
        of = self.open
        assert of is not None
        of.samples += 1
        value = {"value": float(self._meter_wh), "context": context}
        event: Payload = {
            "eventType": kind,
            "timestamp": at,
            "triggerReason": trigger,
            "seqNo": self._seq_no,
            "transactionInfo": {"transactionId": of.id},
            "evse": {"id": 1, "connectorId": 1},
            "meterValue": [{"timestamp": at, "sampledValue": [value]}],
        }
        if kind == "Started":
            event["idToken"] = _id_token(of.token)
        if kind == "Ended":
            event["transactionInfo"]["stoppedReason"] = of.reason
        if not online:
            event["offline"] = True
        self._seq_no += 1
        return self._deed("TransactionEvent", event, of)


def said(deed: Deed) -> Payload:
    """The payload of a deed as it is sent: with the id that the gateway has given (1.6)."""
    if deed.transaction is None or deed.action not in ("MeterValues", "StopTransaction"):
        return deed.payload
    assert deed.transaction.id is not None, "its start was confirmed before it"
    return deed.payload | {"transactionId": int(deed.transaction.id)}


def _id_token(token: str) -> Payload:
    return {"idToken": token, "type": "ISO14443"}


def _at(now_s: float) -> str:
    text = datetime.fromtimestamp(now_s, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
