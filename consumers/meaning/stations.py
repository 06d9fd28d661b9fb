"""What stations say of themselves and of their connectors."""

from consumers.meaning.facts import AvailabilityAnswered, BootAnswered, Booted, StatusTold
from consumers.meaning.frames import Facts, Frame
from consumers.meaning.payloads import integer, items, members, moment, text


def boot(frame: Frame) -> Facts:
    """BootNotification of 1.6."""
    said = frame.said
    yield Booted(
        frame.at,
        vendor=text(said.get("chargePointVendor")),
        model=text(said.get("chargePointModel")),
        serial=text(said.get("chargePointSerialNumber")),
        box_serial=text(said.get("chargeBoxSerialNumber")),
        firmware=text(said.get("firmwareVersion")),
        iccid=text(said.get("iccid")),
        imsi=text(said.get("imsi")),
        meter_type=text(said.get("meterType")),
        meter_serial=text(said.get("meterSerialNumber")),
    )


def boot_2(frame: Frame) -> Facts:
    """BootNotification of 2.x."""
    station = members(frame.said.get("chargingStation"))
    modem = members(station.get("modem"))
    yield Booted(
        frame.at,
        vendor=text(station.get("vendorName")),
        model=text(station.get("model")),
        serial=text(station.get("serialNumber")),
        firmware=text(station.get("firmwareVersion")),
        iccid=text(modem.get("iccid")),
        imsi=text(modem.get("imsi")),
        reason=text(frame.said.get("reason")),
    )


def boot_answer(frame: Frame) -> Facts:
    """The answer to a BootNotification."""
    said = frame.said
    yield BootAnswered(frame.at, text(said.get("status")), integer(said.get("interval")))


def status(frame: Frame) -> Facts:
    """StatusNotification of 1.6."""
    said = frame.said
    told_ms, told_text = moment(said.get("timestamp"))
    yield StatusTold(
        frame.at,
        connector=integer(said.get("connectorId")),
        status=text(said.get("status")),
        error_code=text(said.get("errorCode")),
        info=text(said.get("info")),
        vendor_id=text(said.get("vendorId")),
        vendor_error=text(said.get("vendorErrorCode")),
        told_ms=told_ms,
        told_text=told_text,
    )


def status_2(frame: Frame) -> Facts:
    """StatusNotification of 2.x."""
    said = frame.said
    told_ms, told_text = moment(said.get("timestamp"))
    yield StatusTold(
        frame.at,
        evse=integer(said.get("evseId")),
        connector=integer(said.get("connectorId")),
        status=text(said.get("connectorStatus")),
        told_ms=told_ms,
        told_text=told_text,
    )


def notified_status(frame: Frame) -> Facts:
    """The status of connectors as 2.1 wants it told: AvailabilityState in the device model."""
    index = 0
    for event in map(members, items(frame.said.get("eventData"))):
        component = members(event.get("component"))
        variable = text(members(event.get("variable")).get("name"))
        name = text(component.get("name"))
        if variable != "AvailabilityState" or name not in _AVAILABLE_COMPONENTS:
            continue
        told_ms, told_text = moment(event.get("timestamp"))
        evse = members(component.get("evse"))
        yield StatusTold(
            frame.at,
            evse=integer(evse.get("id")),
            connector=integer(evse.get("connectorId")) if name == "Connector" else 0,
            status=text(event.get("actualValue")),
            error_code=text(event.get("techCode")),
            info=text(event.get("techInfo")),
            told_ms=told_ms,
            told_text=told_text,
            index=index,
        )
        index += 1


_AVAILABLE_COMPONENTS = frozenset({"Connector", "EVSE", "ChargingStation"})


def availability(frame: Frame) -> Facts:
    """The answer to a ChangeAvailability; an error changes nothing."""
    call = frame.call
    if call is None:
        return
    evse = members(call.get("evse"))
    yield AvailabilityAnswered(
        frame.at,
        evse=integer(evse.get("id")),
        connector=integer(call.get("connectorId", evse.get("connectorId"))),
        asked=text(call.get("type", call.get("operationalStatus"))),
        status=text(frame.said.get("status")),
    )
