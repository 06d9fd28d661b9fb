"""Newest connection wins."""

from dataclasses import dataclass, field

from gateway.router import Router


@dataclass(eq=False)
class FakeLink:
    key: bytes
    epoch: int | None = None
    events: list[str] = field(default_factory=list)

    def superseded(self):
        self.events.append("superseded")


def test_a_newer_connection_supersedes_the_older():
    """Within one gateway: the higher epoch stays."""
    router = Router()
    old, new = FakeLink(b"a", 5), FakeLink(b"a")
    router.add(old)
    router.add(new)
    new.epoch = 9
    assert router.connected(b"a", 9)
    assert (old.events, new.events) == (["superseded"], [])
    assert router.current(b"a") is new


def test_a_connection_elsewhere_supersedes_ours():
    """Across gateways: the log has a higher epoch than any of ours."""
    router = Router()
    ours = FakeLink(b"a", 5)
    router.add(ours)
    assert router.connected(b"a", 6)
    assert ours.events == ["superseded"]


def test_a_link_is_superseded_once():
    """Also where it takes its time to close: our own `connected` comes back from the log."""
    router = Router()
    old, new = FakeLink(b"a", 5), FakeLink(b"a", 9)
    router.add(old)
    router.add(new)
    assert router.connected(b"a", 9)
    assert not router.connected(b"a", 9)
    assert router.connected(b"a", 12)
    assert (old.events, new.events) == (["superseded"], ["superseded"])
    router.remove(old)
    assert not router.holds(b"a")


def test_an_older_epoch_read_late_changes_nothing():
    """The tail may lag behind: an old `connected` is no news, nor is our own."""
    router = Router()
    ours = FakeLink(b"a", 5)
    router.add(ours)
    assert not router.connected(b"a", 3)
    assert not router.connected(b"a", 5)
    assert ours.events == []


def test_a_link_that_learns_its_epoch_late_is_judged_by_what_was_read_before():
    """The tail may be ahead of the acknowledgement: then the newcomer is the old one."""
    router = Router()
    link = FakeLink(b"a")
    router.add(link)
    assert not router.connected(b"a", 12)
    link.epoch = 10
    assert router.connected(b"a", 10)
    assert link.events == ["superseded"]


def test_what_is_gone_is_forgotten():
    """No memory of a station stays behind its last link."""
    router = Router()
    link = FakeLink(b"a", 5)
    router.add(link)
    router.connected(b"a", 7)
    router.remove(link)
    router.remove(link)
    assert not router.holds(b"a")
    assert not router.connected(b"a", 8)
    assert router.current(b"a") is None
    again = FakeLink(b"a", 6)
    router.add(again)
    assert not router.connected(b"a", 6)
