"""What is read for a fold; with databases the contract of stores has the rest."""

from consumers.loading import Loader
from tests.consumers.tally import PROJECTION


async def test_nothing_wanted_is_no_question():
    """Most records need no row that is there: they cost no statement."""
    loader = Loader("sqlite", "tally")
    nobody = None
    assert await loader.groups(nobody, PROJECTION, []) == {}
    assert await loader.calls(nobody, set()) == {}
