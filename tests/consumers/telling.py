"""Facts of transactions, short to write, and what comes of them."""

from decimal import Decimal

from consumers.meaning.facts import (
    At,
    Sampled,
    TransactionAnswered,
    TransactionMetered,
    TransactionStarted,
    TransactionStopped,
    TransactionUpdated,
)
from consumers.tables.projections import NO_ROWS, fold
from consumers.transactions.projection import PROJECTION

NOON = 1_795_262_400_000  # 2026-11-21T12:00:00Z
MINUTE = 60_000


def at(sequence, epoch=1, *, observed_ms=None):
    """The place of a frame, which the gateway sees a second after noon plus its sequence."""
    observed_ms = NOON + 1000 * (sequence + 1) if observed_ms is None else observed_ms
    return At("CS-1", epoch, sequence, observed_ms, f"CS-1.{epoch}.{sequence}")


def _placed(sequence, epoch, said, **usual):
    place = at(sequence, epoch, observed_ms=said.pop("observed_ms", None))
    usual["told_ms"] = place.observed_ms - 1000
    said = {"transaction": "17"} | usual | said
    for name in ("meter_wh", "begin_wh", "value"):
        if said.get(name) is not None:
            said[name] = Decimal(said[name])
    return place, said


def start(sequence, epoch=1, **said):
    """StartTransaction of 1.6, as the gateway saw it."""
    usual = {"connector": 1, "token": "A", "meter_wh": 100}
    place, said = _placed(sequence, epoch, said, **usual)
    return TransactionStarted(place, **said)


def stop(sequence, epoch=1, **said):
    """StopTransaction of 1.6."""
    place, said = _placed(sequence, epoch, said, meter_wh=900, reason="Local")
    return TransactionStopped(place, **said)


def started(sequence, seq_no=0, epoch=1, **said):
    """TransactionEvent Started of 2.x."""
    place, said = _placed(sequence, epoch, said, evse=1, connector=1, token="A", meter_wh=100)
    return TransactionStarted(place, seq_no=seq_no, trigger="Authorized", **said)


def updated(sequence, seq_no=1, epoch=1, **said):
    """TransactionEvent Updated of 2.x."""
    place, said = _placed(sequence, epoch, said)
    return TransactionUpdated(place, seq_no=seq_no, trigger="MeterValuePeriodic", **said)


def ended(sequence, seq_no=2, epoch=1, **said):
    """TransactionEvent Ended of 2.x."""
    place, said = _placed(sequence, epoch, said, meter_wh=900, reason="Local")
    return TransactionStopped(place, seq_no=seq_no, trigger="StopAuthorized", **said)


def answered(sequence, status="Accepted", epoch=1, **said):
    """What the station is told of a token."""
    return TransactionAnswered(
        at(sequence, epoch), **{"transaction": "17", "status": status} | said
    )


def metered(sequence, value=500, epoch=1, **said):
    """A reading of the energy meter in MeterValues."""
    place, said = _placed(sequence, epoch, said, meter_wh=value)
    return TransactionMetered(place, **said)


def sampled(sequence, value=500, epoch=1, **said):
    """A sample of the energy meter in MeterValues."""
    place, said = _placed(sequence, epoch, said, value=value, unit="Wh", connector=1)
    return Sampled(place, **{"index": 0, "source": "MeterValues"} | said)


def groups(*facts):
    """The groups that come of facts, read one after the other in one batch."""
    return fold(PROJECTION, {}, facts)


def rows(*facts):
    """The rows of the one group that facts belong to."""
    found = groups(*facts)
    assert len(found) <= 1
    return list(next(iter(found.values()), NO_ROWS).get("transactions", ()))


def row(*facts):
    """The one row that comes of facts."""
    found = rows(*facts)
    assert len(found) == 1
    return found[0]


def flags(*facts):
    """The anomalies of the one row that comes of facts."""
    return row(*facts)["anomalies"].split()
