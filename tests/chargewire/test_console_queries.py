"""What is asked for in the query of a URL."""

import pytest

from chargewire.console import queries
from chargewire.console.feed import Filter
from chargewire.console.queries import WrongQuery


def test_a_parameter_that_is_not_given_has_its_usual_value() -> None:
    """Also one that is given empty, as forms do."""
    assert queries.limit({}) == queries.limit({"limit": ""}) == queries.LIMIT
    assert queries.number({"after": ""}, "after") is None
    assert queries.pair({}, "after") is None
    assert queries.place({}, "before") is None
    assert queries.one_of({"state": ""}, "state", ("open",)) is None
    assert queries.wanted({"station": "", "q": ""}) == Filter()


def test_cursors_come_back_as_they_were_written() -> None:
    """Epochs that were never known are -1."""
    assert queries.place({"before": queries.cursor(-1, 7)}, "before") == (-1, 7)
    assert queries.pair({"after": queries.cursor(5, "a-b")}, "after") == (5, "a-b")
    assert queries.number({"after": "7"}, "after") == 7


@pytest.mark.parametrize("text", ["0", "1001", "-1", "1.5", "x", "٣", "9" * 30])
def test_a_limit_out_of_range_is_refused(text: str) -> None:
    """With what it may be."""
    with pytest.raises(WrongQuery, match="limit: a whole number from 1 to 1000"):
        queries.limit({"limit": text})


@pytest.mark.parametrize(
    "read",
    [
        lambda: queries.number({"after": "x"}, "after"),
        lambda: queries.pair({"after": "x"}, "after"),
        lambda: queries.place({"after": "1-x"}, "after"),
        lambda: queries.one_of({"after": "x"}, "after", ("a", "b")),
        lambda: queries.known({"after": "1"}, ("limit",)),
        lambda: queries.known({"after": "x" * 201}, ("after",)),
    ],
)
def test_whatever_cannot_be_used_is_named(read) -> None:
    """With what there is instead."""
    with pytest.raises(WrongQuery, match=r"^after: "):
        read()


def test_a_filter_is_read_from_its_words() -> None:
    """A direction is one of two."""
    asked = {"station": "A", "action": "B", "topic": "c", "direction": "to_station", "q": "d"}
    assert queries.wanted(asked) == Filter(
        station="A", action="B", topic="c", direction="to_station", text="d"
    )
    assert queries.wanted({"only": "event,lost"}).only == {"event", "lost"}
    for wrong in ({"direction": "up"}, {"only": "event,frames"}):
        with pytest.raises(WrongQuery):
            queries.wanted(wrong)
