"""The id tokens of the simulated stations, so that somebody knows who charges there."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from chargewire.log import states
from chargewire.log.reading import quiet
from chargewire.tokens import records as token_records
from deploy.local.days import TOKENS
from programs.settings import KafkaSettings

_LAPSED = datetime(2025, 12, 31, 23, tzinfo=UTC)
FAMILY = "FAMILY-0001"


def seeds() -> dict[bytes, Mapping[str, Any]]:
    """The records by their keys.

    Most may charge, two of these for each other. Of every dozen one is blocked, one has lapsed, and
    of one nothing is said: so there is something to see, and unknown tokens to adopt.
    """
    records = [record for number, token in enumerate(TOKENS) if (record := _seed(number, token))]
    return {token_records.key(record["token"]): record for record in records}


def _seed(number: int, token: str) -> dict[str, Any] | None:
    of_dozen = number % 12
    if of_dozen == 11:
        return None
    return {
        "token": token,
        "type": "ISO14443",
        "status": "Blocked" if of_dozen == 9 else "Accepted",
        "expires_at": int(_LAPSED.timestamp() * 1000) if of_dozen == 10 else None,
        "group": FAMILY if number < 2 else None,
        "lists": ["*"] if of_dozen < 9 else None,
    }


async def seed(settings: KafkaSettings) -> int:
    """Write those of which nothing was ever said; returns how many. Raises as states.change."""
    wanted = seeds()
    missing: dict[bytes, Mapping[str, Any]] = {}

    def decide(there: states.State) -> states.State:
        missing.update({key: record for key, record in wanted.items() if key not in there})
        return missing

    with quiet():  # topics that were made this moment may have no leader yet: it tries again
        await states.change(settings, "id-tokens", wanted, decide)
    return len(missing)
