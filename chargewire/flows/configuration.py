"""All that a station says of its configuration, from however many answers, as one table."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chargewire.flows.events import Event
from chargewire.flows.steps import Answer, Flow, Listed, Over, Say, Steps, Within, refused
from chargewire.flows.wording import Words
from consumers.meaning.payloads import Json, integer, items, members, text

Line = dict[str, str | None]
COLUMNS = ("component", "variable", "attribute", "value", "unit", "type", "access")
PAGE_S = 60.0
"""A station makes its next page within this, or it makes none."""
_NAMED = 20
_MAX_KEYS = "GetConfigurationMaxKeys"
# OCPP 1.6, 9 (core, local list, reservation, smart charging, firmware), and the white paper on
# security, 3: what is asked for one by one where a station does not tell all of it at once.
STANDARD_KEYS = (
    *("AllowOfflineTxForUnknownId", "AuthorizationCacheEnabled", "AuthorizeRemoteTxRequests"),
    *("BlinkRepeat", "ClockAlignedDataInterval", "ConnectionTimeOut", "ConnectorPhaseRotation"),
    *("ConnectorPhaseRotationMaxLength", "GetConfigurationMaxKeys", "HeartbeatInterval"),
    *("LightIntensity", "LocalAuthorizeOffline", "LocalPreAuthorize", "MaxEnergyOnInvalidId"),
    *("MeterValuesAlignedData", "MeterValuesAlignedDataMaxLength", "MeterValuesSampledData"),
    *("MeterValuesSampledDataMaxLength", "MeterValueSampleInterval", "MinimumStatusDuration"),
    *("NumberOfConnectors", "ResetRetries", "StopTransactionOnEVSideDisconnect"),
    *("StopTransactionOnInvalidId", "StopTxnAlignedData", "StopTxnAlignedDataMaxLength"),
    *("StopTxnSampledData", "StopTxnSampledDataMaxLength", "SupportedFeatureProfiles"),
    *("SupportedFeatureProfilesMaxLength", "TransactionMessageAttempts"),
    *("TransactionMessageRetryInterval", "UnlockConnectorOnEVSideDisconnect"),
    *("WebSocketPingInterval", "LocalAuthListEnabled", "LocalAuthListMaxLength"),
    *("SendLocalListMaxLength", "ReserveConnectorZeroSupported", "ChargeProfileMaxStackLevel"),
    *("ChargingScheduleAllowedChargingRateUnit", "ChargingScheduleMaxPeriods"),
    *("ConnectorSwitch3to1PhaseSupported", "MaxChargingProfilesInstalled"),
    *("SupportedFileTransferProtocols", "AdditionalRootCertificateCheck"),
    *("CertificateSignedMaxChainSize", "CertificateStoreMaxLength", "CpoName"),
    *("SecurityProfile",),
)


class Keys(Flow):
    """GetConfiguration, at once; and what that leaves out in pieces that the station allows."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._found: dict[str, Line] = {}
        self._unknown: list[str] = []
        self._asked: tuple[str, ...] = ()  # none: all
        self._left: list[str] | None = None  # None: not known yet

    def begin(self) -> Steps:
        return (self._words.keys(()),)

    def answered(self, answer: Answer) -> Steps:
        if not answer.is_answered:
            return self._in_vain(answer)
        self._take(answer.said)
        if self._left is None:
            limit = self._limit()
            # All at once is all, unless it stops at just what the station may tell at once.
            is_cut = bool(self._asked) or (limit is not None and len(self._found) >= limit)
            self._left = [key for key in STANDARD_KEYS if is_cut and key not in self._found]
        if not self._left:
            return (Listed([*self._found.values()]), self._over())
        known = {"keys": len(self._found), "left": len(self._left)}
        said = Say(f"{known['keys']} keys; {known['left']} others may be there", known)
        return (said, self._next())

    def _next(self) -> Any:
        assert self._left is not None, "it is known what is left"
        count = max(self._limit() or 1, 1)
        self._asked, self._left = tuple(self._left[:count]), self._left[count:]
        return self._words.keys(self._asked)

    def _in_vain(self, answer: Answer) -> Steps:
        """Some stations cannot tell all at once; how much they can, they can tell."""
        if self._asked or answer.outcome not in ("call_error", "bad_answer", "timeout"):
            return (*([Listed([*self._found.values()])] if self._found else []), refused(answer))
        self._asked = (_MAX_KEYS,)
        said = Say(f"not all at once ({answer}): in pieces", {"outcome": answer.outcome})
        return (said, self._words.keys(self._asked))

    def _take(self, said: Json) -> None:
        self._found |= {line["variable"] or "": line for line in key_lines(said)}
        self._unknown += [key for one in _texts(said.get("unknownKey")) if (key := str(one))]

    def _limit(self) -> int | None:
        said = self._found.get(_MAX_KEYS, {}).get("value") or ""
        return int(said) if said.isdecimal() else None

    def _over(self) -> Over:
        unknown = f"; {len(self._unknown)} unknown to the station" if self._unknown else ""
        data = {"keys": len(self._found), "unknown": self._unknown}
        return Over(True, f"{len(self._found)} keys{unknown}", data)


class Report(Flow):
    """GetBaseReport, and the pages of its NotifyReport put together."""

    topics = ("provisioning",)

    def __init__(self, words: Words, *, request: int, page_s: float = PAGE_S) -> None:
        self._words, self._request, self._page_s = words, request, page_s
        self._pages: dict[int, Sequence[Json]] = {}
        self._last: int | None = None
        self._accepted = False

    def begin(self) -> Steps:
        return (self._words.inventory(self._request),)

    def answered(self, answer: Answer) -> Steps:
        if answer.is_answered and answer.status == "EmptyResultSet":
            return (Over(True, "the station has nothing to report"),)
        if not answer.is_accepted:
            return (refused(answer),)
        self._accepted = True
        return (Within(self._page_s), *self._put_together())

    def told(self, event: Event) -> Steps:
        said = event.said
        if not event.tells({"NotifyReport"}) or integer(said.get("requestId")) != self._request:
            return ()
        number = integer(said.get("seqNo")) or 0
        self._pages[number] = items(said.get("reportData"))
        if not said.get("tbc"):
            self._last = number
        variables = sum(map(len, self._pages.values()))
        data = {"page": number, "variables": variables}
        page = Say(f"page {number}: {variables} variables so far", data, event.at_ms)
        return (page, Within(self._page_s), *self._put_together())

    def late(self) -> Steps:
        missing = self._missing()
        if not self._pages:
            return (Over(False, "no page has come", {"missing": missing}),)
        named = ", ".join(map(str, missing[:_NAMED])) or f"whatever follows {max(self._pages)}"
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        over = Over(False, f"pages are missing: {named}{more}", {"missing": missing})
        return (Listed([*self._lines()]), over)

    def _put_together(self) -> Steps:
        if not self._accepted or self._last is None or self._missing():
            return ()
        lines = [*self._lines()]
        data = {"pages": len(self._pages), "variables": len(lines)}
        over = Over(True, f"{len(lines)} values on {len(self._pages)} pages", data)
        return (Listed(lines), over)

    def _missing(self) -> list[int]:
        """The pages that have to be there; of those after the last that came nothing is known."""
        end = max(self._pages, default=-1) if self._last is None else self._last
        return [number for number in range(end + 1) if number not in self._pages]

    def _lines(self) -> Iterator[Line]:
        for _, page in sorted(self._pages.items()):
            yield from report_lines(page)


def key_lines(said: Json) -> Iterator[Line]:
    """The answer to a GetConfiguration of 1.6."""
    for one in map(members, items(said.get("configurationKey"))):
        access = "ReadOnly" if one.get("readonly") else "ReadWrite"
        yield _line(
            variable=text(one.get("key")) or "", value=text(one.get("value")), access=access
        )


def report_lines(page: Sequence[Any]) -> Iterator[Line]:
    """The reportData of a NotifyReport of 2.x.

    OCPP 2.0.1, 2.46 and 2.51: a variable has several attributes, by default one Actual.
    """
    for data in map(members, page):
        kind = members(data.get("variableCharacteristics"))
        for attribute in map(members, items(data.get("variableAttribute"))):
            yield _line(
                component=_component(members(data.get("component"))),
                variable=_named(members(data.get("variable"))),
                attribute=text(attribute.get("type")) or "Actual",
                value=text(attribute.get("value")),
                unit=text(kind.get("unit")),
                type=text(kind.get("dataType")),
                access=text(attribute.get("mutability")) or "ReadWrite",
            )


def variable_lines(said: Json) -> Iterator[Line]:
    """The answer to a GetVariables of 2.x: those that the station let be read."""
    for one in map(members, items(said.get("getVariableResult"))):
        if text(one.get("attributeStatus")) == "Accepted":
            yield _line(
                component=_component(members(one.get("component"))),
                variable=_named(members(one.get("variable"))),
                attribute=text(one.get("attributeType")) or "Actual",
                value=text(one.get("attributeValue")),
            )


def _line(**cells: str | None) -> Line:
    return {name: cells.get(name) for name in COLUMNS}


def _named(said: Mapping[str, Any]) -> str:
    """A component or variable; instances of it are told apart by what stands in brackets."""
    instance = said.get("instance")
    return f"{said.get('name')}" + (f"[{instance}]" if instance else "")


def _component(said: Mapping[str, Any]) -> str:
    evse = members(said.get("evse"))
    place = ".".join(str(evse[name]) for name in ("id", "connectorId") if name in evse)
    return f"{_named(said)}@{place}" if place else _named(said)


def _texts(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
