"""Who has an attempt of a command, by what the connection log says of one station."""

from dataclasses import dataclass, field
from typing import Literal

import msgspec

from gateway.events import Writer

SEEN_MAX = 1000  # attempts that are remembered for each connection
Said = Literal["won", "lost", "settled", ""]


class Claim(msgspec.Struct, frozen=True, gc=False):
    """A `taken` or `settled` of the connection log, at its offset there.

    With `waiting` it is about an attempt that waits for its turn: who took it so has to take it
    once more, without that, before it is asked or has a result.
    """

    kind: str
    command_id: str
    attempt: int
    position: int
    epoch: int | None = None
    connection_id: str | None = None
    outcome: str | None = None
    waiting: bool = False

    @property
    def key(self) -> tuple[str, int]:
        """Which attempt of which command."""
        return self.command_id, self.attempt


@dataclass(slots=True)
class Claims:
    """What was read of claims, in the order of the log, and what was claimed here."""

    _seen: dict[tuple[str, int], None] = field(default_factory=dict)

    def see(self, key: tuple[str, int]) -> None:
        """The attempt is somebody's, or over."""
        self._seen[key] = None
        if len(self._seen) > SEEN_MAX:
            del self._seen[next(iter(self._seen))]

    def seen(self, key: tuple[str, int]) -> bool:
        """Whether the attempt must not be claimed (any more)."""
        return key in self._seen

    @staticmethod
    def overtaken(claim: Claim, firm: bool) -> bool:
        """Whether a settlement is void where a claim stands before it; `firm`: not only to wait.

        Nobody but who has the attempt may say that it was not asked; who arbitrates says so of what
        nobody took, or took to wait alone, and may be late.
        """
        unasked = claim.kind == "settled" and claim.outcome in ("offline", "expired")
        return unasked and (firm or not claim.waiting)

    def read(self, claim: Claim, writer: Writer) -> Said:
        """What a claim says to the connection of this writer; empty where it says nothing.

        `won` is the connection's own claim: it counts unless one was lost to before. A claim of an
        older connection made after `connected` of this one is void.
        """
        if claim.kind == "settled":
            self.see(claim.key)
            return "settled"
        if claim.connection_id == writer.connection_id:
            return "won"
        epoch = writer.epoch
        if epoch is not None and claim.epoch is not None and claim.epoch < epoch < claim.position:
            return ""
        self.see(claim.key)
        return "lost"
