"""What came of a run, as a table to read and as JSON."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from tests.benchmarks.figures import table
from tests.end_to_end.books import LOST, TWICE, WRONG, Difference
from tests.end_to_end.chaos.ledger import Call, Ledger

SHOWN = 12
BEGIN = "<!-- chaos: written by `make chaos ARGUMENTS='--write docs/performance.md'` -->"
END = "<!-- end of chaos -->"


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of the run, by the clock."""

    name: str
    from_s: float
    to_s: float

    def has(self, at_s: float) -> bool:
        return self.from_s <= at_s < self.to_s


@dataclass(frozen=True, slots=True)
class Waits:
    """Times in milliseconds, of how many."""

    count: int
    p50_ms: float
    p99_ms: float
    longest_ms: float

    @classmethod
    def of(cls, times_s: Iterable[float]) -> "Waits":
        found = sorted(times_s)
        if not found:
            return cls(0, 0.0, 0.0, 0.0)
        p50_s, p99_s = (found[int(len(found) * share)] for share in (0.5, 0.99))
        return cls(len(found), *(round(1000 * one, 1) for one in (p50_s, p99_s, found[-1])))


@dataclass(slots=True)
class Report:
    """Everything that a run has shown."""

    seed: int
    stations: int
    seconds: float
    how: dict[str, str] = field(default_factory=dict)
    events: Counter[str] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    counts: dict[str, int] = field(default_factory=dict)
    answers: dict[str, Waits] = field(default_factory=dict)
    deeds: dict[str, Waits] = field(default_factory=dict)
    away: dict[str, Waits] = field(default_factory=dict)
    lag_zero_s: float | None = None
    rebuilt_s: float | None = None
    differences: list[Difference] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        return not self.differences

    def number(self, kind: str) -> int:
        """How many differences of a kind there are."""
        return sum(one.kind == kind for one in self.differences)

    def times(self, ledger: Ledger, phases: Sequence[Phase]) -> None:
        """How long answers took, by when the CALL was sent; and what repetitions made of it."""
        deeds = [[*of] for _, of in groupby(sorted(ledger.calls, key=_deed), _deed)]
        for phase in phases:
            self.answers[phase.name] = Waits.of(
                one.answered_s - one.sent_s
                for one in ledger.calls
                if one.answered_s is not None and phase.has(one.sent_s)
            )
            self.deeds[phase.name] = Waits.of(
                tries[-1].answered_s - tries[0].sent_s
                for tries in deeds
                if tries[-1].answered_s is not None and phase.has(tries[0].sent_s)
            )
            self.away[phase.name] = Waits.of(
                for_s for from_s, for_s in ledger.away_s if phase.has(from_s)
            )

    def written(self) -> dict[str, Any]:
        """As JSON."""
        names = ("seed", "stations", "seconds", "how", "counts", "lag_zero_s", "rebuilt_s")
        counters = ("events", "troubles", "skipped", "outcomes")
        waits = ("answers", "deeds", "away")
        fields = ("count", "p50_ms", "p99_ms", "longest_ms")
        return {
            **{name: getattr(self, name) for name in names},
            **{name: dict(sorted(getattr(self, name).items())) for name in counters},
            **{
                name: {
                    phase: {of: getattr(one, of) for of in fields}
                    for phase, one in getattr(self, name).items()
                }
                for name in waits
            },
            "lost": self.number(LOST),
            "counted_twice": self.number(TWICE),
            "wrong": self.number(WRONG),
            "differences": [f"{one.kind}: {one.text}" for one in self.differences[:SHOWN]],
        }

    def figures(self) -> str:
        """The most important of it as Markdown."""
        broken = Counter[str]()
        for name, count in self.troubles.items():
            broken[re.sub(r" \d+$", "", name)] += count
        counts = self.counts | {
            "events of frames and connections": self.events.total(),
            "commands, each with one result": self.outcomes.total(),
            **{kind: self.number(kind) for kind in (LOST, TWICE, WRONG)},
        }
        said = [(name, f"{count:,}") for name, count in counts.items()]
        times = {"until nothing waited, s": self.lag_zero_s, "to rebuild, s": self.rebuilt_s}
        said += [(name, f"{found:.1f}") for name, found in times.items() if found is not None]
        phases = (
            (phase, *(f"{ms:,.0f}" for ms in (one.p50_ms, one.p99_ms, again.p99_ms, away.p99_ms)))
            for (phase, one), again, away in zip(
                self.answers.items(), self.deeds.values(), self.away.values(), strict=True
            )
        )
        heads = ("Answers, ms", "p50", "p99", "p99 with repetitions", "p99 without a connection")
        tables = (
            table((f"{self.stations:,} stations, {self.seconds:.0f} s", f"seed {self.seed}"), said),
            table(("What broke", "times"), ((name, str(n)) for name, n in sorted(broken.items()))),
            table(heads, phases),
        )
        return "\n\n".join("\n".join(lines) for lines in tables)

    def text(self) -> str:
        """As a table to read."""
        lines = [f"chaos, seed {self.seed}: {self.stations} stations, {self.seconds:.0f} s", ""]
        lines += [f"  {name:<34}{words}" for name, words in self.how.items()]
        parts = ("events", self.events), ("troubles", self.troubles), ("left out", self.skipped)
        for title, numbers in (*parts, ("results", self.outcomes), ("books", self.counts)):
            if numbers:
                lines += ["", title]
                lines += [f"  {name:<34}{count:>10,}" for name, count in sorted(numbers.items())]
        for title, waits in (
            ("answers, ms", self.answers),
            ("until answered, with repetitions, ms", self.deeds),
            ("without a connection, ms", self.away),
        ):
            lines += ["", f"{title:<36}{'count':>10}{'p50':>10}{'p99':>10}{'longest':>10}"]
            for phase, one in waits.items():
                shown = f"{one.p50_ms:>10,.0f}{one.p99_ms:>10,.0f}{one.longest_ms:>10,.0f}"
                lines.append(f"  {phase:<34}{one.count:>10,}{shown}")
        lines.append("")
        for what, seconds in (
            ("lag 0 after, s", self.lag_zero_s),
            ("rebuilt in, s", self.rebuilt_s),
        ):
            if seconds is not None:
                lines.append(f"{what:<36}{seconds:>10,.1f}")
        lines += [f"{kind:<36}{self.number(kind):>10,}" for kind in (LOST, TWICE, WRONG)]
        lines += [f"  {one.kind}: {one.text}"[:600] for one in self.differences[:SHOWN]]
        if len(self.differences) > SHOWN:
            lines.append(f"  and {len(self.differences) - SHOWN} more")
        return "\n".join(lines)


def _deed(call: Call) -> tuple[str, int]:
    return call.said.station, call.deed
