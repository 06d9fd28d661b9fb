"""What an alert is: when somebody is called, and what this person does first."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["critical", "warning"]
"""critical: stations cannot work, or something is being lost: now. warning: within the day."""


@dataclass(frozen=True, slots=True)
class Alert:
    """`expr` is PromQL and true for `lasts` (Prometheus' `for`) before it fires.

    `summary` is one line, with Prometheus' templates. `meaning` says what is wrong and for whom;
    both are Markdown, as are `steps`, the first three of whoever is called.
    """

    name: str
    severity: Severity
    lasts: str
    expr: str
    summary: str
    meaning: str
    steps: tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Recording:
    """A series that Prometheus keeps, since alerts look back on it."""

    name: str
    expr: str


def share_over(share: float, least: float, part: str, whole: str) -> str:
    """PromQL: whether `part` is more than this share of `whole`, and than `least` in any case.

    Both are rates, summed by the same labels. A counter with labels has no series before the first
    of its kind: of a whole that is not there, any part is too much.
    """
    return f"{part} > {least} + {share} * ({whole} or 0 * {part})"
