"""Makes a consumer's tables anew from the log: whether that can be, and how far it is."""

from collections.abc import Mapping, Sequence

import structlog
from aiokafka import TopicPartition

TELL_EVERY_S = 5.0

log = structlog.get_logger(__name__)


class RebuildRefusedError(Exception):
    """The log does not have all that the tables were made of; `problems` says what is missing."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def check(begins: Mapping[TopicPartition, int]) -> None:
    """Make sure that every partition still begins at 0. Raises RebuildRefusedError."""
    cut: dict[str, list[str]] = {}
    for at, begin in sorted(begins.items()):
        if begin:
            cut.setdefault(at.topic, []).append(f"{at.partition} at {begin}")
    if cut:
        raise RebuildRefusedError(
            [
                *(f"{topic} begins later: {', '.join(found)}" for topic, found in cut.items()),
                "so a rebuild would lose rows; with --from-what-is-left it takes what there is",
            ]
        )


class Progress:
    """Tells every few seconds how much of what the log had at the beginning is folded again."""

    def __init__(
        self,
        begins: Mapping[TopicPartition, int],
        ends: Mapping[TopicPartition, int],
        now_s: float,
    ) -> None:
        self._begins = begins
        self._ends = ends
        self._begun_s = self._told_s = now_s
        self.done = False

    def at(self, positions: Mapping[TopicPartition, int], now_s: float) -> None:
        """These are our positions now; nothing is told once the former end is reached."""
        if (
            self.done
            or not positions
            or (now_s < self._told_s + TELL_EVERY_S and not self.passed(positions))
        ):
            return
        self._told_s = now_s
        spent_s = now_s - self._begun_s
        done = sum(min(at, self._ends[of]) - self._begins[of] for of, at in positions.items())
        whole = sum(self._ends[of] - self._begins[of] for of in positions)
        rate = done / spent_s if spent_s > 0 else 0.0
        told = {"records": done, "of": whole, "per_s": round(rate)}
        if self.passed(positions):
            self.done = True
            log.info("rebuilt", **told, seconds=round(spent_s, 1))
            return
        left_s = round((whole - done) / rate) if rate else None
        log.info("rebuilding", percent=round(100 * done / whole, 1), **told, left_s=left_s)

    def passed(self, positions: Mapping[TopicPartition, int]) -> bool:
        """Whether these are past what the log had at the beginning: what comes now is new."""
        return all(at >= self._ends[of] for of, at in positions.items())
