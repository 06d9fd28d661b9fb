"""Which connections of a station this gateway holds; the newest wins."""

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar


class Link(Protocol):
    """A connection as the router sees it; `epoch` is None until `connected` is in the log."""

    key: bytes

    @property
    def epoch(self) -> int | None: ...

    def superseded(self) -> None:
        """A newer connection of the station is in the log."""


L = TypeVar("L", bound=Link)


class Router(Generic[L]):
    """Links by record key, which is the station's id in UTF-8.

    A station has one link here, or for a moment more: those that are on their way in or out.
    """

    __slots__ = ("_links", "_newest")

    def __init__(self) -> None:
        self._links: dict[bytes, list[L]] = {}
        self._newest: dict[bytes, int] = {}

    def holds(self, key: bytes) -> bool:
        """Whether a record with this key concerns this gateway."""
        return key in self._links

    def current(self, key: bytes) -> L | None:
        """The newest link of the station whose epoch is known."""
        known = [link for link in self.links(key) if link.epoch is not None]
        return max(known, key=lambda link: link.epoch or 0, default=None)

    def links(self, key: bytes) -> Sequence[L]:
        """The links of the station, oldest first; those whose epoch is not known yet too."""
        return self._links.get(key, ())

    def add(self, link: L) -> None:
        """The link's `connected` is on its way to the log."""
        self._links.setdefault(link.key, []).append(link)

    def remove(self, link: L) -> None:
        """The link is closed."""
        links = self._links.get(link.key)
        if links and link in links:
            links.remove(link)
            if not links:
                del self._links[link.key]
                self._newest.pop(link.key, None)

    def connected(self, key: bytes, epoch: int) -> bool:
        """A connection of the station is in the log at this offset, here or elsewhere.

        Supersedes every link of it that is older and forgets it; True where there was one. A link
        whose epoch is not known yet is judged when it is: call this again with its epoch.
        """
        if key not in self._links:
            return False
        newest = max(epoch, self._newest.get(key, -1))
        self._newest[key] = newest
        older = [link for link in self.links(key) if link.epoch is not None and link.epoch < newest]
        for link in older:
            # It may take seconds to close; the next to connect must not take it over once more.
            self.remove(link)
            link.superseded()
        return bool(older)
