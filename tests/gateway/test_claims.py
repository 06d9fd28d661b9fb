"""Who has an attempt, by the connection log of one station."""

import pytest

from gateway.claims import SEEN_MAX, Claim, Claims
from tests.gateway.conversation import Conversation

WRITER = Conversation().session.writer  # connection c-1, epoch 77


def claim(kind="taken", position=90, epoch=77, connection_id="c-1"):
    return Claim(kind, "k", 1, position, epoch, connection_id)


@pytest.mark.parametrize(
    ("read", "said", "seen"),
    [
        (claim(), "won", False),
        (claim(connection_id="c-0", epoch=70, position=76), "lost", True),
        (claim(connection_id="c-0", epoch=70, position=78), "", False),
        (claim(connection_id="c-2", epoch=80, position=90), "lost", True),
        (claim("settled", epoch=None, connection_id=None), "settled", True),
    ],
)
def test_the_first_claim_counts_unless_its_connection_was_over(read, said, seen):
    """A claim of an older connection counts only if it was made before ours was in the log."""
    claims = Claims()
    assert claims.read(read, WRITER) == said
    assert claims.seen(("k", 1)) is seen


@pytest.mark.parametrize(
    ("outcome", "waiting", "firm", "void"),
    [
        ("offline", False, True, True),
        ("offline", False, False, True),
        ("expired", True, True, True),
        ("expired", True, False, False),
        ("connection_lost", False, True, False),
    ],
)
def test_what_is_settled_too_late_is_void(outcome, waiting, firm, void):
    """That nobody took it, after somebody did; that it only waits, after it was to be asked."""
    settled = Claim("settled", "k", 1, 90, outcome=outcome, waiting=waiting)
    assert Claims.overtaken(settled, firm) is void


def test_as_long_as_our_epoch_is_not_known_every_claim_counts():
    """It stands before our `connected`, or may."""
    early = Conversation(opened=False).session.writer
    assert Claims().read(claim(connection_id="c-0", epoch=70), early) == "lost"


def test_what_was_seen_is_bounded():
    """The oldest is forgotten; it has expired long since."""
    claims = Claims()
    for number in range(SEEN_MAX + 1):
        claims.see(("k", number))
    assert (claims.seen(("k", 0)), claims.seen(("k", 1))) == (False, True)
