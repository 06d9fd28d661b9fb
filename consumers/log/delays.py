"""How long what is not in the tables yet has been waiting, for each place of the log."""

from collections.abc import Hashable


class Delays:
    """Of one reading. All times are epoch milliseconds."""

    def __init__(self) -> None:
        self._since_ms: dict[Hashable, int] = {}

    def folded(self, at: Hashable, written_ms: int) -> None:
        """The last record that is in the tables was written then."""
        self._since_ms[at] = written_ms

    def delay_s(self, at: Hashable, left: int, now_ms: int) -> float:
        """How old what waits may be at most; `left` records wait.

        Not the age of the last record folded: where little comes, that may be hours, when the one
        that waits has come this moment. It came after the last look at which none waited. What
        was never folded waits since the first look, as far as is known.
        """
        if not left:
            self._since_ms[at] = now_ms
        return (now_ms - self._since_ms.setdefault(at, now_ms)) / 1000
