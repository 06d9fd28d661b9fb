"""Which gateways are gone, by the signs of life that were heard here and by no clock but ours."""

from dataclasses import dataclass, field

FORGET_AFTER_S = 3600.0


@dataclass(slots=True)
class Signs:
    """What one process has heard of gateways, and since when it listens. Times in seconds.

    Who has not been heard for `lost_after_s`, all of which we have listened, is gone. A time in
    which we were deaf, or did not run, says nothing of anybody.
    """

    lost_after_s: float
    _heard_s: dict[str, float] = field(default_factory=dict)
    _since_s: float | None = None
    _looked_s: float = 0.0

    def heard(self, gateway: str, now_s: float) -> None:
        """A sign of life was read, however old; or the farewell of one that ended in order."""
        self._heard_s[gateway] = now_s

    def looked(self, now_s: float, silent_s: float) -> None:
        """All that has come was read; the log was last heard of so long ago.

        Signs come three times in `lost_after_s`, so half of it unheard cannot make a difference.
        """
        most_s = self.lost_after_s / 2
        if self._since_s is None or silent_s > most_s or now_s - self._looked_s > most_s:
            self._since_s = now_s
        self._looked_s = now_s
        for gateway, heard_s in [*self._heard_s.items()]:
            if now_s - heard_s > FORGET_AFTER_S:
                del self._heard_s[gateway]

    @property
    def are_known(self) -> bool:
        """Whether we have listened for so long that who was not heard is gone."""
        return self._since_s is not None and self._looked_s - self._since_s > self.lost_after_s

    @property
    def alive(self) -> set[str]:
        """The gateways of which there is a sign of life."""
        since_s = self._looked_s - self.lost_after_s
        return {gateway for gateway, heard_s in self._heard_s.items() if heard_s >= since_s}
