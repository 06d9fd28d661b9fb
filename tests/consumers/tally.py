"""A small consumer that shows every fact which is folded twice, or not at all."""

from decimal import Decimal
from pathlib import Path

from sqlalchemy import BigInteger, MetaData, Table, Text

from consumers.meaning.facts import BootAnswered, Connected, Fact, Seen, TokenIssued, TokenRemoved
from consumers.tables.columns import exact, key, station, whole, words
from consumers.tables.projections import Consumer, Key, Projection, Rows, found, put

HISTORIES = Path(__file__).parent / "histories"
_METADATA = MetaData()
TALLY = Table(
    "tally",
    _METADATA,
    station(),
    key("kind", Text),
    key("number", BigInteger),
    whole("count", "facts"),
    exact("total", "sum of their sequences"),
    words("said", "the last one's gateway"),
)
HEARD = Table(
    "tally_heard",
    _METADATA,
    station(),
    key("kind", Text),
    key("epoch", BigInteger),
    key("sequence", BigInteger),
    words("said", "what was said"),
)
TOTALS = Table("tally_totals", _METADATA, station(), whole("count", "heartbeats"))
TOKENS = Table(
    "tally_tokens",
    _METADATA,
    key("token", Text),
    whole("count", "facts"),
    words("said", "the token as issued; null: taken away"),
    whole("written_ms", "when the last record was written"),
)
BITTER = "bitter"  # facts of a station of this name cannot be folded
SOUR = "sour"  # rows of this one cannot be stored


def _group(fact: Fact) -> Key | None:
    if isinstance(fact, Seen | Connected | BootAnswered):
        return (fact.at.station, type(fact).__name__)
    return None


def _evolve(rows: Rows, fact: Fact) -> Rows:
    if fact.at.station == BITTER:
        raise ValueError("bitter")
    at, kind = fact.at, type(fact).__name__
    row = found(rows, TALLY, (at.station, kind, 0))
    count = 2**70 if at.station == SOUR else (row["count"] or 0) + 1
    total = (row["total"] or Decimal(0)) + at.sequence
    rows = put(rows, TALLY, row | {"count": count, "total": total, "said": at.event_id})
    heard = found(rows, HEARD, (at.station, kind, at.epoch, at.sequence))
    return put(rows, HEARD, heard | {"said": at.event_id})


def _station(fact: Fact) -> Key | None:
    return (fact.at.station,) if isinstance(fact, Seen) else None


def _add(rows: Rows, fact: Fact) -> Rows:
    row = found(rows, TOTALS, (fact.at.station,))
    return put(rows, TOTALS, row | {"count": (row["count"] or 0) + 1})


def _token(fact: Fact) -> Key | None:
    return (fact.folded,) if isinstance(fact, TokenIssued | TokenRemoved) else None


def _issue(rows: Rows, fact: Fact) -> Rows:
    assert isinstance(fact, TokenIssued | TokenRemoved)
    row = found(rows, TOKENS, (fact.folded,))
    told = {
        "count": (row["count"] or 0) + 1,
        "said": fact.token if isinstance(fact, TokenIssued) else None,
        "written_ms": fact.at.observed_ms,
    }
    return put(rows, TOKENS, row | told)


PROJECTION = Projection(
    topics=("connections", "provisioning", "availability"),
    tables=(TALLY, HEARD),
    group=_group,
    evolve=_evolve,
    appended=frozenset({HEARD.name}),
    published=frozenset({TALLY.name}),
)
OF_STATIONS = Projection(
    topics=("availability", "provisioning", "connections"),
    tables=(TOTALS,),
    group=_station,
    evolve=_add,
)
OF_TOKENS = Projection(topics=("id-tokens",), tables=(TOKENS,), group=_token, evolve=_issue)
CONSUMER = Consumer("tally", (PROJECTION, OF_STATIONS, OF_TOKENS))
