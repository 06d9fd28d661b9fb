"""What is to break, and when: drawn from a seed, so that a run can be had again."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

# Kind of trouble -> how often it comes beside the others, and how long it lasts, in seconds.
KINDS: dict[str, tuple[int, float, float]] = {
    "kill gateway": (4, 0.0, 5.0),
    "stop gateway": (4, 0.3, 15.0),
    "kill consumer": (6, 0.0, 5.0),
    "stop consumer": (5, 0.3, 15.0),
    "stop Kafka": (2, 0.3, 6.0),
    "restart Kafka": (1, 0.0, 2.0),
    "kill Kafka": (1, 0.0, 2.0),
    "restart PostgreSQL": (1, 0.0, 2.0),
    "kill PostgreSQL": (1, 0.0, 2.0),
    "slow disk": (2, 3.0, 10.0),
    "slow network to stations": (3, 3.0, 12.0),
    "slow network to Kafka": (2, 3.0, 8.0),
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that breaks at `at_s`, and is mended `for_s` later.

    `victim` is the number of the gateway or consumer; 0 of what there is one of. `extent` says how
    bad it is, from 0 to 1.
    """

    at_s: float
    kind: str
    victim: int
    for_s: float
    extent: float


def plan(
    seed: int, over_s: float, every_s: float, *, gateways: int, consumers: int
) -> tuple[Trouble, ...]:
    """One trouble about every so many seconds: each kind once, in any order, then by chance.

    They may overlap. All begin within `over_s`, which has to be long enough for each kind.
    """
    chance = random.Random(f"plan {seed}")
    count = max(len(KINDS), round(over_s / every_s))
    kinds = [*KINDS]
    chance.shuffle(kinds)
    weights = [weight for weight, _, _ in KINDS.values()]
    kinds += chance.choices([*KINDS], weights, k=count - len(kinds))
    return tuple(
        _drawn(chance, kind, over_s * (number + chance.random()) / count, gateways, consumers)
        for number, kind in enumerate(kinds)
    )


def _drawn(chance: random.Random, kind: str, at_s: float, gateways: int, consumers: int) -> Trouble:
    _, least_s, most_s = KINDS[kind]
    victims = {"gateway": gateways, "consumer": consumers}.get(kind.rsplit(maxsplit=1)[-1], 1)
    # Short ones are more frequent than long ones, as everywhere.
    for_s = least_s + (most_s - least_s) * chance.random() ** 2
    return Trouble(at_s, kind, chance.randrange(victims), for_s, chance.random())


def shown(troubles: Sequence[Trouble]) -> str:
    """The plan as lines to read."""
    return "\n".join(
        f"{one.at_s:7.1f} s  {one.kind} {one.victim}, for {one.for_s:.1f} s" for one in troubles
    )
