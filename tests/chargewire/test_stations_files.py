"""Stations in a file: what is said of each, and what is wrong with a line."""

import pytest

from chargewire.stations.files import COLUMNS, WrongFile, lines
from chargewire.stations.records import FIELDS


def test_a_line_says_what_its_cells_say() -> None:
    """An empty cell says nothing; columns come in any order."""
    one, two = lines(
        [
            "station, profile,password,quirks,registration,interval,group,ping_interval\n",
            "CS-1,1,secret,lenient; missing_field,pending,30,Garage 7,0\n",
            '"CS 2",,,strict\n',
        ]
    )
    assert (one.number, one.station, one.password, one.wrong) == (2, "CS-1", "secret", "")
    assert one.given == {
        "registration_status": "Pending",
        "boot_interval_s": 30,
        "group": "Garage 7",
        "quirks": ["lenient", "missing_field"],
        "security_profile": 1,
        "ping_interval_s": 0,
    }
    assert (two.station, two.given, two.password) == ("CS 2", {"quirks": []}, "")


def test_all_that_an_option_can_say() -> None:
    """A file says no less than `stations put`."""
    named = {name.replace("-", "_").replace("quirk", "quirks") for name in FIELDS}
    assert set(COLUMNS) == {"station", *named}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("CS-1,4", "'4' is no number from 0 to 3"),
        ("CS-1,-1", "'-1' is no number"),
        ("CS-1,²", "is no number"),
        (",1", "1 to 48 characters"),
        ("CS-1,1,x", "more values than columns"),
        ("CS-0,1", "CS-0 is in line 2 already"),
    ],
)
def test_a_bad_line_is_told_and_the_others_are_read(line: str, reason: str) -> None:
    """Which one it is, and why."""
    first, bad, last = lines(["station,profile\n", "CS-0,1\n", line + "\n", "CS-9,2\n"])
    assert (first.wrong, last.station, last.wrong) == ("", "CS-9", "")
    assert bad.number == 3
    assert reason in bad.wrong


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has to name the columns"),
        ("profile\n1\n", "has to name the columns"),
        ("station,colour\nA,red\n", "no column 'colour'"),
        ("station,group,group\n", "there twice"),
        ('station\n"A\n', "unexpected end"),
    ],
)
def test_a_file_that_nobody_understands(text: str, reason: str) -> None:
    """It is told as a whole."""
    with pytest.raises(WrongFile, match=reason):
        list(lines(text.splitlines(keepends=True)))
