"""The Avro schema of every topic: the envelope of events, and the small records around them.

They are the public contract of the bus, in the notation of `notation`. What may be absent is
["null", T] with default null: so whatever is added later stays compatible in both directions.
OCPP's words are strings, never Avro enums: some are no legal symbols.
"""

from functools import cache

from schemas import derive, lock
from schemas.catalogue import BLOCKS
from schemas.notation import Schema, record

NAMESPACE = "chargewire"

# Where a frame stands in the log: all events and dead letters begin so.
_POSITION = """\
  event_id        string      Made of epoch, sequence and station: the same event always has the
                              same id, however often it is delivered. Compare it, do not parse it.
  station         string      Station id as in the URL, percent-decoded; case-sensitive, 1 to 48
                              characters. The key of the Kafka record.
  connection_id   string      One per websocket.
  epoch           long        Offset of this connection's `connected` record in the connection log:
                              higher is newer. Events of a station are in the order of (epoch,
                              sequence), never of a clock.
  sequence        long        Counts every frame of the connection, both directions; `connected` is
                              0, `disconnected` the last.
  call_sequence   long?       In an answer: the sequence of the CALL that it answers.
  gateway         string      Instance name of the gateway.
  ocpp_version    string      1.6 | 2.0.1 | 2.1, as agreed for this connection.
  direction       string      from_station | to_station. The latter says that the gateway was
                              entitled to send the frame, not that the station has it.
"""
_ENVELOPE = f"""\
{_POSITION}\
  kind            string      call | result | error | result_error | send: CALL, CALLRESULT,
                              CALLERROR, CALLRESULTERROR, SEND of OCPP-J.
  action          string      OCPP action, such as StartTransaction; in an answer that of its CALL.
  message_id      string      OCPP-J message id. A station may use one again at any time.
  observed_at     time        When the gateway read the frame, or made it (UTC).
  command_id      string?     The command that the frame belongs to.
  decision_by     time?       In a CALL: a Decision is wanted; the first valid one before then is
                              the answer.
  deviations      string[] = []  Names of the rules that were bent to take this frame.
  raw             string?     The exact text of the frame, where the typed payload cannot hold all
                              of it; secrets are redacted.
"""
_REJECTED = f"""\
Rejected
A dead letter: a frame that could not be taken, or an event that Avro cannot hold. It counts in the
sequence of its connection like any other frame.

{_POSITION}\
  kind            string?     As in events; null where it could not be read.
  action          string?     As in events; null where it could not be read.
  message_id      string?     As in events; null where it could not be read.
  observed_at     time        When the gateway read the frame, or made it (UTC).
  command_id      string?     The command that the frame belongs to.
  deviations      string[] = []  Names of the rules that were bent before it failed all the same.
  rule            string      Name of the rule that was violated.
  path            string?     Where in the payload, as a JSON path (RFC 9535).
  text            string      The frame as it came, up to the frame limit; secrets are redacted,
                              bytes that are no UTF-8 are replaced.
  size            long        Bytes of the whole frame, as far as known.
  answer          string?     The exact text that was sent in answer.
  answer_sequence  long?      Place of that answer in the sequence. It has no event of its own.
"""
_CONNECTIONS = """\
Connection
The connection log: who is connected where, and which gateway sends which command. The order in its
partition decides.

  event_id        string      The same event always has the same id.
  type            string      connected | disconnected | taken (a gateway claims an attempt of a
                              command) | settled (that attempt has its outcome).
  station         string      Station id. The key of the Kafka record.
  at              time        When it happened (UTC).
  connection_id   string?     One per websocket; null in `settled`.
  epoch           long?       Epoch of the connection; null in `connected`, where the record's own
                              offset is the epoch, in a gateway's `settled`, and in a `disconnected`
                              whose gateway never learned what became of `connected`. In a `settled`
                              of the commands consumer: the newest connection that it knew of; a
                              `taken` on an older one is void if it was written after that began.
  sequence        long?       0 in `connected`; in `disconnected` one more than the last frame's.
  gateway         string?     Instance name of the gateway that holds, or held, the connection; null
                              in a `settled` of the commands consumer.
  ocpp_version    string?     connected: 1.6 | 2.0.1 | 2.1.
  remote_address  string?     connected: the peer's address.
  security_profile  long?     connected: the OCPP security profile in use, 0 to 3.
  offered_subprotocols  string[]?  connected: what the station offered, in its order.
  user_agent      string?     connected: its User-Agent header.
  takeover        boolean?    connected: this gateway held an older connection of the station, which
                              it closes.
  close_code      long?       disconnected: the websocket close code (RFC 6455, 7.4).
  reason          string?     disconnected: why, by name, such as takeover or gateway_lost.
  command_id      string?     taken, settled: the command.
  attempt         long?       taken, settled: which attempt of it.
  outcome         string?     settled: how it ended, in the words of CommandResult. With a
                              gateway: it gives back what it had taken and not asked. Without:
                              offline and expired are void after a `taken` that counts.
  waiting         boolean = false  taken: to wait for its turn; before it is asked there is another
                              `taken` without this. settled, of the commands consumer: void after
                              such another one alone, since it is about what was taken to wait.
"""
_REFUSALS = """\
Refusal
A handshake that was refused. They are rate-limited for each address.

  event_id        string      The same refusal always has the same id.
  address         string      The peer's address. The key of the Kafka record.
  station         string?     Station id, where the path had a valid one.
  path            string      The path that was asked for, as it came.
  status          long        HTTP status of the refusal; 0: TLS failed before there was any HTTP.
  reason          string      Why, by name.
  detail          string?     Why, for people.
  offered_subprotocols  string[] = []  What was offered, in its order.
  user_agent      string?     The User-Agent header.
  suppressed      long = 0    How many refusals of this address were left out since the last one.
  gateway         string      Instance name of the gateway.
  at              time        When it was refused (UTC).
"""
_GATEWAYS = """\
Gateway
A gateway is alive: written every few seconds, and the last one of an instance counts.

  gateway         string      Instance name of the gateway. The key of the Kafka record.
  host            string      Host name.
  process_id      long?       Process on that host.
  version         string      Version of chargewire.
  started_at      time        When the instance started (UTC).
  at              time        When this was written (UTC): long ago means gone.
  ready           boolean     Whether it takes connections.
  state           string?     Its stage of life: starting | ready | stopping.
  connections     long        Stations connected now.
  listen          string?     Where stations connect, host:port.
  admin           string?     Where metrics and schemas are served, host:port.
"""
_COMMANDS = """\
Command
Ask a station something. Anyone may write it, and it ends in exactly one result.

  command_id      string      Chosen by who asks, unique for ever, such as a UUID.
  station         string      Station id. It must be the key of the Kafka record, too.
  action          string      OCPP action, in the words of the station's version.
  payload         string      The OCPP payload as JSON text; checked against the schema of the
                              station's version. {"$secret": "name"} stands for a secret that the
                              gateway holds.
  expires_at      time        It is never sent after this (UTC).
  when_offline    string = "fail"  fail | wait, where the station is not connected.
  attempt         long = 1    One more each time that a waiting command is issued again.
  epoch           long?       Set by the commands consumer where it issues a command again: the
                              connection on which it is asked, and on no other.
  requested_by    string?     Who asks, for the history.
"""
_COMMAND_RESULTS = """\
CommandResult
How a command ended. The first record of a command id is the result; a later one is void.

  command_id      string      The command.
  station         string      Station id. The key of the Kafka record.
  action          string      OCPP action of the command.
  attempt         long = 1    The attempt that ended so.
  outcome         string      answered | call_error | bad_answer | timeout | offline | expired |
                              invalid | unsupported | connection_lost. `answered` means that the
                              station answered, not that it agreed: its own status is in `response`.
  response        string?     The station's payload as JSON text; of a call_error the details.
                              Secrets are redacted.
  error_code      string?     Error word of the CALLERROR, or of the violation.
  error_description  string?  For people; of a violation its rule and place.
  message_id      string?     OCPP-J message id, if it was sent.
  at              time        When it ended (UTC).
"""
_DECISIONS = """\
Decision
A service's answer to a station's CALL: a response, or else an error. The first valid one before
`decision_by` counts. What was really answered is told by the event of the reply, not by this.

  event_id        string      event_id of the CALL.
  station         string      Station id. The key of the Kafka record.
  response        string?     The OCPP response payload as JSON text.
  error_code      string?     The error word to answer with in place of a response.
  error_description  string?  For people; goes with the error word.
  decided_by      string      Name of the deciding service.
  at              time        When it was decided (UTC).
"""
_ID_TOKENS = """\
IdToken
Who may charge. The last record of a key counts; one without a value takes the token away.

  token           string      The token as it was issued. The key of the Kafka record is the same
                              with A to Z as a to z, since OCPP compares tokens without regard to
                              case.
  type            string      IdTokenEnumType of OCPP 2.x, such as ISO14443, Central, eMAID.
  status          string      AuthorizationStatus of OCPP: Accepted, Blocked, Expired, Invalid ...
  expires_at      time?       Not valid after this (UTC); null: without end.
  group           string?     parentIdTag of 1.6: a group may stop each other's transactions.
  lists           string[]?   Groups of stations whose local lists hold it; "*": all of them.
"""
_STATIONS = """\
Station
What the platform knows of a station. Null: the gateway's own default applies.

  station         string      Station id. The key of the Kafka record.
  registration_status  string?  Answer to BootNotification: Accepted | Pending | Rejected.
  boot_interval_s  long?      Seconds in the answer to BootNotification: the heartbeat interval, or
                              the time until the next try.
  security_profile  long?     The lowest OCPP security profile that is taken, 0 to 3.
  credential_hash  string?    HMAC-SHA-256 of the AuthorizationKey under the salt, as hex digits.
  credential_salt  string?    That salt, as hex digits; random, one for each station.
  quirks          string[]?   Names of the rules that are bent for this station.
  ping_interval_s  long?      Seconds between websocket pings; 0: none are sent.
  group           string?     Such as a site or owner; names its local authorization list.
  at              time?       When the platform last changed this (UTC).
"""
_ERROR = """\
Error
A CALLERROR or CALLRESULTERROR.

  code            string      The error word as it stands in the frame.
  description     string = ""  For people; often empty.
  details         string?     The error details as JSON text.
"""
_SMALL = {
    "connections": _CONNECTIONS,
    "rejected": _REJECTED,
    "refusals": _REFUSALS,
    "gateways": _GATEWAYS,
    "commands": _COMMANDS,
    "command-results": _COMMAND_RESULTS,
    "decisions": _DECISIONS,
    "id-tokens": _ID_TOKENS,
    "stations": _STATIONS,
}

DECLARED: tuple[str, ...] = (*BLOCKS, *_SMALL)
# Consumers say what the rows of their tables are, which they may know of us, but we not of them.
# So of these it is what was published that counts.
TABLES: tuple[str, ...] = tuple(one for one in lock.versions() if one.startswith("tables."))
# Every topic with a schema, by its name without prefix, in the order of the contract.
RECORDS: tuple[str, ...] = (*DECLARED, *TABLES)


@cache
def schema(topic: str) -> Schema:
    """The newest Avro schema of a topic; shared, so not to be changed. KeyError: none of ours."""
    if topic in TABLES:
        return lock.schema(lock.versions()[topic][-1])
    return _block(topic) if topic in BLOCKS else record(_SMALL[topic], NAMESPACE)


@cache
def frame_fields(topic: str) -> tuple[str, ...]:
    """The fields of which each record of a block has exactly one; none for other topics."""
    if topic not in BLOCKS:
        return ()
    return (*(field["name"] for field in derive.wide_fields(topic)), "error")


def _block(block: str) -> Schema:
    name = block.title().replace("-", "")
    doc = f"A frame of the block {block}, of either direction; exactly one frame field is set."
    wide = record(f"{name}Event\n{doc}\n\n{_ENVELOPE}", NAMESPACE)
    kind = ["null", record(_ERROR, NAMESPACE)]
    words = "Set where the frame is an error, in place of a typed payload."
    error = {"name": "error", "type": kind, "doc": words, "default": None}
    wide["fields"] += [*derive.wide_fields(block), error]
    return wide
