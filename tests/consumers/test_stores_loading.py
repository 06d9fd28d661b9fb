"""What is read for a fold; with databases the contract of stores has the rest."""

from types import SimpleNamespace

from consumers.stores.loading import Loader
from tests.consumers.tally import PROJECTION, TALLY


async def test_nothing_wanted_is_no_question():
    """Most records need no row that is there: they cost no statement."""
    loader = Loader("sqlite", "tally")
    nobody = None
    assert await loader.groups(nobody, PROJECTION, []) == {}
    assert await loader.calls(nobody, set()) == {}


async def test_rows_stand_in_the_order_of_their_keys():
    """Whatever the collation of the database is: folding finds its place among them by key."""

    class Connection:
        async def execute(self, *_):
            rows = [{"station": "S1", "kind": "Seen", "number": number} for number in (2, 3, 1)]
            return SimpleNamespace(mappings=lambda: rows)

    found = await Loader("sqlite", "tally").groups(Connection(), PROJECTION, [("S1", "Seen")])
    assert [row["number"] for row in found["S1", "Seen"][TALLY.name]] == [1, 2, 3]
