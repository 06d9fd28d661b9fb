"""What a metric is called, and how it is counted: the words that operators ask Prometheus in."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]

# In seconds: what waits for a network, a disk or a loop.
WAITS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


@dataclass(frozen=True, slots=True)
class Family:
    """One metric; its labels have few values, however many stations there are.

    `bounds` are the upper bounds of a histogram's buckets, in its unit. Where several processes are
    one for Prometheus, their values are added up, or the greatest counts (`greatest`).
    """

    name: str
    kind: Kind
    doc: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    greatest: bool = False

    @property
    def exposed(self) -> str:
        """Its name in Prometheus; a histogram's series have more after it."""
        return f"chargewire_{self.name}{'_total' if self.kind == 'counter' else ''}"

    @property
    def series(self) -> frozenset[str]:
        """The names of all its series."""
        if self.kind != "histogram":
            return frozenset({self.exposed})
        return frozenset(f"{self.exposed}_{part}" for part in ("bucket", "count", "sum"))
