"""The version-neutral facts that consumers fold: what a station has told, in our own words."""

from dataclasses import dataclass, field
from decimal import Decimal

from schemas.replying import ReplyTo
from schemas.traces import Trace


@dataclass(frozen=True, slots=True)
class At:
    """Where a fact stands in the log.

    Facts of a station are in the order of (epoch, sequence), never of a clock. An epoch of -1 is
    one that was never known. `observed_ms` is the gateway's clock, in milliseconds since 1970
    (UTC). All facts of one event have the same At. `trace` is the place of what is done about it,
    where that is traced: no part of what the fact says.
    """

    station: str
    epoch: int
    sequence: int
    observed_ms: int
    event_id: str
    trace: Trace | None = field(default=None, compare=False)


# In all facts: `*_ms` are milliseconds since 1970 (UTC) by the station's own clock, None where they
# could not be read. `*_text` is what the station wrote, where the milliseconds do not say all of
# it: no zone, an offset, a finer fraction, garbage. None is also whatever the station did not say.
# `transaction` is the station's or our id as text and as sent, be it "0" or "-1". EVSEs exist from
# 2.x on only.


@dataclass(frozen=True, slots=True)
class Connected:
    """A station has a connection; its epoch is the offset of the record that says so."""

    at: At
    gateway: str | None = None
    version: str | None = None
    remote_address: str | None = None
    connection_id: str | None = None
    security_profile: int | None = None


@dataclass(frozen=True, slots=True)
class Disconnected:
    """A connection has ended. Its epoch may be -1: then `connection_id` tells which one."""

    at: At
    connection_id: str | None = None
    code: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Booted:
    """BootNotification: what the station is."""

    at: At
    vendor: str | None = None
    model: str | None = None
    serial: str | None = None
    box_serial: str | None = None
    firmware: str | None = None
    iccid: str | None = None
    imsi: str | None = None
    meter_type: str | None = None
    meter_serial: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class BootAnswered:
    """The answer to a BootNotification: Accepted, Pending or Rejected."""

    at: At
    status: str | None = None
    interval_s: int | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A frame of the station that says nothing but that it is there, such as Heartbeat."""

    at: At


@dataclass(frozen=True, slots=True)
class StatusTold:
    """The status of a connector; connector 0 is the station, or its EVSE, as a whole.

    `index` counts those of one frame from 0.
    """

    at: At
    evse: int | None = None
    connector: int | None = None
    status: str | None = None
    error_code: str | None = None
    info: str | None = None
    vendor_id: str | None = None
    vendor_error: str | None = None
    told_ms: int | None = None
    told_text: str | None = None
    index: int = 0


@dataclass(frozen=True, slots=True)
class AvailabilityAnswered:
    """The answer to a ChangeAvailability that asked for Operative or Inoperative.

    `status` is Accepted, Rejected or Scheduled (once a transaction has ended). No connector: all of
    the EVSE, or of the station.
    """

    at: At
    evse: int | None = None
    connector: int | None = None
    asked: str | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True)
class TransactionStarted:
    """StartTransaction of 1.6, whose id follows from the call; TransactionEvent Started of 2.x."""

    at: At
    transaction: str | None = None
    evse: int | None = None
    connector: int | None = None
    token: str | None = None
    token_type: str | None = None
    told_ms: int | None = None
    told_text: str | None = None
    meter_wh: Decimal | None = None
    reservation: int | None = None
    remote_start: int | None = None
    offline: bool | None = None
    seq_no: int | None = None
    charging_state: str | None = None
    trigger: str | None = None


@dataclass(frozen=True, slots=True)
class TransactionUpdated:
    """TransactionEvent Updated of 2.x."""

    at: At
    transaction: str | None = None
    seq_no: int | None = None
    told_ms: int | None = None
    evse: int | None = None
    connector: int | None = None
    token: str | None = None
    token_type: str | None = None
    charging_state: str | None = None
    trigger: str | None = None
    offline: bool | None = None
    remote_start: int | None = None
    reservation: int | None = None
    meter_wh: Decimal | None = None
    told_text: str | None = None


@dataclass(frozen=True, slots=True)
class TransactionStopped:
    """StopTransaction of 1.6, TransactionEvent Ended of 2.x.

    `begin_wh` is the meter at the beginning, where the samples of the stop tell it.
    """

    at: At
    transaction: str | None = None
    seq_no: int | None = None
    told_ms: int | None = None
    told_text: str | None = None
    token: str | None = None
    token_type: str | None = None
    meter_wh: Decimal | None = None
    reason: str | None = None
    offline: bool | None = None
    evse: int | None = None
    connector: int | None = None
    trigger: str | None = None
    charging_state: str | None = None
    remote_start: int | None = None
    reservation: int | None = None
    begin_wh: Decimal | None = None


@dataclass(frozen=True, slots=True)
class TransactionMetered:
    """What MeterValues say of the energy meter of a transaction; `told_ms` is when it stood so."""

    at: At
    transaction: str
    meter_wh: Decimal
    told_ms: int | None = None
    connector: int | None = None


@dataclass(frozen=True, slots=True)
class TransactionAnswered:
    """What a StartTransaction, StopTransaction or TransactionEvent was told about its token.

    `reservation` is the one that the call named; also None where the call is not known.
    """

    at: At
    transaction: str | None = None
    status: str | None = None
    group: str | None = None
    reservation: int | None = None


@dataclass(frozen=True, slots=True)
class Sampled:
    """One sampled value, with OCPP's defaults applied.

    `index` counts the samples of its frame from 0. `value` is exact and in base units (`unit`: Wh,
    W, varh, A ...), None where it is no number; `raw` is what the station sent. `signed` is a
    signed value kept whole: its text, or its object as JSON text.
    """

    at: At
    index: int
    source: str
    transaction: str | None = None
    evse: int | None = None
    connector: int | None = None
    told_ms: int | None = None
    told_text: str | None = None
    measurand: str = "Energy.Active.Import.Register"
    phase: str | None = None
    location: str = "Outlet"
    context: str = "Sample.Periodic"
    format: str = "Raw"
    unit: str | None = None
    value: Decimal | None = None
    raw: str | None = None
    signed: str | None = None


@dataclass(frozen=True, slots=True)
class AuthorizationAsked:
    """A station wants to know about a token: Authorize, or a start or update that names one.

    `action` is OCPP's. Until `decide_by_ms`, by the gateway's clock, a Decision is waited for;
    None: nobody is asked. `transaction` is the one that the token is used for, where there is one
    already. `offline`: it happened without us, and nothing can be decided any more.
    """

    at: At
    version: str
    action: str
    token: str | None = None
    token_type: str | None = None
    decide_by_ms: int | None = None
    transaction: str | None = None
    evse: int | None = None
    connector: int | None = None
    offline: bool | None = None


@dataclass(frozen=True, slots=True)
class AuthorizationAnswered:
    """What a station was told of a token when it asked with Authorize; None: an error."""

    at: At
    token: str | None = None
    token_type: str | None = None
    status: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteStartAnswered:
    """The answer to a RemoteStartTransaction (1.6) or RequestStartTransaction (2.x).

    `remote_start` is the id that a 2.x station gives back in its transaction; `transaction` what
    it says it has begun already. `command` is the id of the command that asked.
    """

    at: At
    status: str | None = None
    token: str | None = None
    token_type: str | None = None
    evse: int | None = None
    connector: int | None = None
    remote_start: int | None = None
    transaction: str | None = None
    command: str | None = None


@dataclass(frozen=True, slots=True)
class ReservationAsked:
    """ReserveNow was sent; `group` is the parent of the token that it is for."""

    at: At
    reservation: int | None = None
    evse: int | None = None
    connector: int | None = None
    connector_type: str | None = None
    token: str | None = None
    token_type: str | None = None
    group: str | None = None
    expires_ms: int | None = None
    command: str | None = None


@dataclass(frozen=True, slots=True)
class ReservationAnswered:
    """The answer to a ReserveNow: Accepted, Faulted, Occupied, Rejected, Unavailable.

    None where the station answered with an error. `call_sequence` is that of the ReserveNow.
    """

    at: At
    reservation: int | None = None
    call_sequence: int | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True)
class CancellationAnswered:
    """The answer to a CancelReservation: Accepted or Rejected; None: an error."""

    at: At
    reservation: int | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True)
class ReservationUpdated:
    """ReservationStatusUpdate of 2.x: Expired, Removed, NoTransaction."""

    at: At
    reservation: int | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True)
class ListEntry:
    """A token in a local authorization list; without a status it is taken out of the list."""

    token: str
    token_type: str | None = None
    status: str | None = None
    expires_ms: int | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class LocalListAnswered:
    """The answer to a SendLocalList: Accepted, Failed, VersionMismatch (1.6: NotSupported).

    None where the station answered with an error. `full` replaces the list, else it is changed.
    `command` is the id of the command that asked.
    """

    at: At
    version: int | None = None
    full: bool = False
    entries: tuple[ListEntry, ...] = ()
    status: str | None = None
    command: str | None = None


@dataclass(frozen=True, slots=True)
class LocalListVersionTold:
    """The answer to a GetLocalListVersion: 0 is an empty list, -1 none at all (1.6).

    `command` is the id of the command that asked.
    """

    at: At
    version: int | None = None
    command: str | None = None


@dataclass(frozen=True, slots=True)
class LocalListLimitsTold:
    """What a station says of its local list, from its configuration or device model.

    Each is None where it was not told this time. `command` is the id of the command that asked.
    """

    at: At
    enabled: bool | None = None
    entries_max: int | None = None
    entries_per_call: int | None = None
    bytes_per_call: int | None = None
    command: str | None = None


# Those of the platform, and of commands: their `at` has the offset of their record as its epoch,
# and their order is that of their own topic.


@dataclass(frozen=True, slots=True)
class TokenIssued:
    """A record of id-tokens. `folded` is the key: the token as it is compared.

    `lists` names the local lists that hold it; `at.station` is empty.
    """

    at: At
    folded: str
    token: str
    token_type: str | None = None
    status: str | None = None
    expires_ms: int | None = None
    group: str | None = None
    lists: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TokenRemoved:
    """The token with this key was taken away; `at.station` is empty."""

    at: At
    folded: str


@dataclass(frozen=True, slots=True)
class StationListed:
    """A record of the platform's stations."""

    at: At
    group: str | None = None


@dataclass(frozen=True, slots=True)
class StationUnlisted:
    """The platform knows nothing more of a station."""

    at: At


@dataclass(frozen=True, slots=True)
class CommandAsked:
    """A record of commands; `payload` is JSON text, with secrets named and never written.

    `exact` is its id where that is too long for a key. `reply_to` and `trace` (traceparent) are of
    the headers of its record.
    """

    at: At
    command: str
    action: str
    payload: str
    expires_ms: int
    when_offline: str = "fail"
    attempt: int = 1
    requested_by: str | None = None
    exact: str | None = None
    reply_to: ReplyTo | None = None
    trace: bytes | None = None


@dataclass(frozen=True, slots=True)
class CommandTaken:
    """A gateway claims an attempt of a command, on the connection with this epoch.

    With `waiting` it does so for it to wait its turn, and claims it again before it asks it.
    """

    at: At
    command: str
    attempt: int
    gateway: str | None = None
    connection_epoch: int | None = None
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class CommandSettled:
    """An attempt of a command has its outcome.

    `gateway` is who gives back what it had taken; without one it is the word of who arbitrates, who
    then knew of the connection with this epoch as the newest; `waiting`, of what was taken to wait.
    """

    at: At
    command: str
    attempt: int
    outcome: str | None = None
    gateway: str | None = None
    connection_epoch: int | None = None
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class CommandEnded:
    """A record of command-results; `response` is JSON text."""

    at: At
    command: str
    action: str
    attempt: int
    outcome: str
    response: str | None = None
    error_code: str | None = None
    error_description: str | None = None
    message_id: str | None = None


Fact = (
    Connected
    | Disconnected
    | Booted
    | BootAnswered
    | Seen
    | StatusTold
    | AvailabilityAnswered
    | TransactionStarted
    | TransactionUpdated
    | TransactionStopped
    | TransactionMetered
    | TransactionAnswered
    | Sampled
    | AuthorizationAsked
    | AuthorizationAnswered
    | RemoteStartAnswered
    | ReservationAsked
    | ReservationAnswered
    | CancellationAnswered
    | ReservationUpdated
    | LocalListAnswered
    | LocalListVersionTold
    | LocalListLimitsTold
    | TokenIssued
    | TokenRemoved
    | StationListed
    | StationUnlisted
    | CommandAsked
    | CommandTaken
    | CommandSettled
    | CommandEnded
)
