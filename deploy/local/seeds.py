"""The id tokens of the simulated stations, so that somebody knows who charges there."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from chargewire import states, token_records
from chargewire.reading import quiet
from deploy.local.days import TOKENS
from schemas.settings import KafkaSettings

_LAPSED = datetime(2025, 12, 31, 23, tzinfo=UTC)
FAMILY = "FAMILY-0001"


def seeds() -> dict[bytes, Mapping[str, Any]]:
    """The records by their keys.

    Most may charge, two of these for each other. One is blocked, one has lapsed, and the last of
    the simulated tokens is not among them: so there is something to see, and an unknown token to
    adopt.
    """
    records: list[dict[str, Any]] = [
        {
            "token": token,
            "type": "ISO14443",
            "status": "Accepted",
            "expires_at": None,
            "group": FAMILY if token in TOKENS[:2] else None,
            "lists": ["*"],
        }
        for token in TOKENS[:-1]
    ]
    records[-2] |= {"status": "Blocked", "lists": None}
    records[-1] |= {"expires_at": int(_LAPSED.timestamp() * 1000), "lists": None}
    return {token_records.key(str(record["token"])): record for record in records}


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
