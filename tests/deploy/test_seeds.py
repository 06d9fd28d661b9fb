"""The tokens of the simulated stations."""

import pytest

from chargewire.log.states import change, state
from deploy.local.days import TOKENS
from deploy.local.seeds import seed, seeds
from programs.settings import KafkaSettings
from tests.log import create


def test_most_tokens_may_charge_and_some_are_left_for_an_operator():
    """The days must go on, and there must be something to see."""
    now_ms = 1_790_000_000_000
    charging = [
        record
        for record in seeds().values()
        if record["status"] == "Accepted" and (record["expires_at"] or now_ms) >= now_ms
    ]
    assert len(charging) >= 0.7 * len(TOKENS)
    missing = {*TOKENS} - {record["token"] for record in seeds().values()}
    assert missing == {*TOKENS[11::12]}
    assert sum(record["status"] == "Blocked" for record in seeds().values()) == len(missing)
    assert sum(record["group"] is not None for record in seeds().values()) == 2


@pytest.mark.kafka
async def test_what_was_ever_said_of_a_token_stays(kafka, prefix):
    """What an operator has changed or taken away is not set right by the next start."""
    await create(kafka.bootstrap, [f"{prefix}id-tokens"], partitions=3)
    settings = KafkaSettings(kafka=kafka.bootstrap, prefix=prefix)
    assert await seed(settings) == len(seeds())
    assert await state(settings, "id-tokens") == seeds()
    first, second = list(seeds())[:2]
    changed = {**seeds()[first], "status": "Blocked"}
    await change(settings, "id-tokens", [], lambda _: {first: changed, second: None})
    assert await seed(settings) == 0
    found = await state(settings, "id-tokens")
    assert (found[first], found[second]) == (changed, None)
