"""A page of panels: what is drawn, and how numbers are told."""

from itertools import pairwise
from xml.etree import ElementTree

import pytest

from deploy.grafana.answers import Answer, Series, Span
from deploy.grafana.drawing import page, scale, text

SPAN = Span(0.0, 600.0, 15.0)


def panel(form, **defaults):
    at = {"x": 0, "y": 0, "w": 8, "h": 8}
    return {
        "title": "Power & <more>",
        "type": form,
        "gridPos": at,
        "fieldConfig": {"defaults": defaults},
    }


def drawn(*answers):
    made = page({"title": "board", "description": "what it is."}, answers, SPAN)
    return made, ElementTree.fromstring(made[made.index("<main>") : made.index("</html>")])


def test_lines_are_broken_where_something_is_missing():
    """And stay within their panel."""
    points = tuple((float(at), at / 10) for at in range(0, 601, 15) if not 200 < at < 400)
    _, found = drawn(Answer(panel("timeseries"), (Series("a line", points),)))
    lines = [one.get("points").split() for one in found.iter("polyline")]
    assert [len(line) for line in lines] == [14, 14]
    graph = next(found.iter("svg"))
    for line in lines:
        for x, y in (point.split(",") for point in line):
            assert 0 <= float(x) <= float(graph.get("width"))
            assert 0 <= float(y) <= float(graph.get("height"))
    assert "a line" in "".join(found.itertext())


def test_a_lone_point_is_seen():
    """A line of one point would not be."""
    _, found = drawn(Answer(panel("timeseries"), (Series("a", ((300.0, 5.0),)),)))
    assert len([*found.iter("circle")]) == 1


def test_a_number_is_red_from_its_threshold_on():
    """As Grafana has it."""
    steps = {"steps": [{"value": None}, {"value": 5}]}
    for value, bad in ((4.9, False), (5.0, True)):
        made, _ = drawn(Answer(panel("stat", thresholds=steps), (Series("", ((0.0, value),)),)))
        assert ('class="number bad"' in made) == bad


def test_what_is_empty_says_why():
    """The panel's own words, or what went wrong."""
    assert "No data" in drawn(Answer(panel("stat")))[0]
    assert "No alert fires." in drawn(Answer(panel("table", noValue="No alert fires.")))[0]
    assert "away" in drawn(Answer(panel("stat"), problem="away"))[0]


def test_words_of_others_are_no_tags():
    """Titles and values are escaped."""
    made, found = drawn(Answer(panel("table"), (), ("<b>",), (("<script>",),)))
    assert "<script>" not in made
    assert [one.text for one in found.iter("td")] == ["<script>"]


def test_headings_and_bars_are_drawn():
    """The days of the dashboard of charging are bars."""
    bars = panel("timeseries", custom={"drawStyle": "bars"})
    _, found = drawn(Answer(panel("row")), Answer(bars, (Series("", ((0.0, 1.0), (300.0, 2.0))),)))
    assert len([*found.iter("h3")]) == 1
    assert len([*found.iter("rect")]) == 2


@pytest.mark.parametrize(("low", "high"), [(0, 0), (0, 0.003), (0, 7), (-4, 95), (0, 123_456)])
def test_a_scale_holds_all_with_few_round_numbers(low, high):
    """Two to six of them, at equal distances."""
    found = scale(low, high)
    assert found[0] <= low <= high <= found[-1]
    assert 2 <= len(found) <= 6
    steps = {round(second - first, 9) for first, second in pairwise(found)}
    assert len(steps) == 1


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0.85, "percentunit", "85 %"),
        (0.0123, "s", "12.3 ms"),
        (0, "s", "0 s"),
        (90, "s", "90 s"),
        (600, "s", "10 min"),
        (7200, "s", "2 h"),
        (123_456_789, "bytes", "123 MB"),
        (0, "bytes", "0 B"),
        (12_345, "short", "12.3k"),
        (1234, "short", "1234"),
        (2_500_000, "", "2.5M"),
        (3, "reqps", "3/s"),
        (1.5, "kwatth", "1.5 kWh"),
    ],
)
def test_values_are_told_in_their_unit(value, unit, words):
    """Short enough for an axis."""
    assert text(value, unit) == words
