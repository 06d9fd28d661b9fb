"""A small projection that shows every fact which is folded twice, or not at all."""

from decimal import Decimal
from pathlib import Path

from sqlalchemy import BigInteger, MetaData, Table, Text

from consumers.columns import exact, key, station, whole, words
from consumers.facts import BootAnswered, Connected, Fact, Seen
from consumers.projection import Key, Projection, Rows, found, put

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


PROJECTION = Projection(
    name="tally",
    topics=("connections", "provisioning", "availability"),
    tables=(TALLY, HEARD),
    group=_group,
    evolve=_evolve,
    appended=frozenset({HEARD.name}),
)
