"""Id tokens as an operator writes them, and what is said where one is wrong."""

import pytest

from chargewire.tokens.records import COLUMNS, STATUSES, TYPES, Wrong, key, record, rows, texts
from schemas.catalogue import json_schema

WHOLE = {
    "token": "AbC-1",
    "type": "eMAID",
    "status": "Blocked",
    "expires_at": 1_798_761_600_000,
    "group": "FAMILY",
    "lists": ["garage", "yard"],
}


def refused(*lines):
    """Line and reason of each bad row."""
    return [(row.line, str(row.wrong)) for row in rows(lines) if row.record is None]


def taken(*lines, **defaults):
    return [row.record for row in rows(lines, defaults)]


def test_the_words_are_those_of_ocpp():
    """2.0.1 enumerates them; 2.1 leaves types open and has three more, 1.6 has five statuses."""
    definitions = json_schema("2.0.1", "Authorize", "response")["definitions"]
    assert set(definitions["IdTokenEnumType"]["enum"]) == {*TYPES[:-3]}
    assert set(definitions["AuthorizationStatusEnumType"]["enum"]) == {*STATUSES}
    old = json_schema("1.6", "Authorize", "response")
    (status,) = [
        value["enum"]
        for value in old["properties"]["idTagInfo"]["properties"].values()
        if "enum" in value
    ]
    assert set(status) == {*STATUSES[:5]}


def test_a_record_and_its_texts_are_the_same():
    """So what is exported can be imported."""
    assert record(texts(WHOLE)) == WHOLE
    bare = record({"token": "A"})
    assert bare["type"], bare["status"] == ("ISO14443", "Accepted")
    assert record(texts(bare)) == bare


def test_keys_are_folded_and_spellings_kept():
    """OCPP compares tokens without regard to case."""
    assert key("AbC-1") == key("aBc-1") == b"abc-1"
    assert record({"token": "AbC-1"})["token"] == "AbC-1"


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2027-01-01", 1_798_761_600_000),
        ("2027-01-01T01:00:00+01:00", 1_798_761_600_000),
        ("2027-01-01T00:00:00.250Z", 1_798_761_600_250),
        ("", None),
    ],
)
def test_an_end_is_a_day_or_a_time(text, ms):
    """In UTC unless it says else; nothing is for ever."""
    assert record({"token": "A", "expires": text})["expires_at"] == ms


def test_a_file_has_a_heading_in_any_order():
    """Words of OCPP in any case; empty cells and missing columns have their defaults."""
    lines = ["status,token,lists", "blocked,A,garage; yard", "", ",B"]
    first, second = taken(*lines)
    assert (first["token"], first["status"], first["lists"]) == ("A", "Blocked", ["garage", "yard"])
    assert (second["token"], second["status"], second["lists"]) == ("B", "Accepted", None)
    (with_default,) = taken("token,group", "A,", group="G", status="Invalid")
    assert (with_default["group"], with_default["status"]) == ("G", "Invalid")


def test_the_columns_of_the_unknown_are_passed_over():
    """What `tokens list --unknown --csv` writes is a file to import."""
    (one,) = taken("token,stations,times,first,last", "X,1,5,2026-01-01,2026-01-02")
    assert one == record({"token": "X"})


def test_a_bad_row_names_its_line_and_column():
    """And the nearest word; the good rows around it are not lost."""
    lines = [
        ",".join(COLUMNS),
        "A,ISO14443,Acepted,,,",
        "B,,,,,",
        "C,,,tomorrow,,",
        ",,Accepted,,,",
        "b,,,,,",
        "D,,,,,,,",
        " E,,,,,",
        "F\x07,,,,,",
    ]
    said = refused(*lines)
    assert [line for line, _ in said] == [2, 4, 5, 6, 7, 8, 9]
    assert said[0][1] == "status: 'Acepted' is no word of OCPP; did you mean Accepted?"
    assert said[1][1].startswith("expires: 'tomorrow' is no time")
    assert said[2][1] == "token: is empty"
    assert said[3][1] == "token: b is in line 3 already"
    assert said[4][1] == "column 7: more values than columns"
    assert "blanks" in said[5][1]
    assert "cannot be printed" in said[6][1]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["tokn,status", "A,Accepted"], "did you mean token?"),
        (["status", "Accepted"], "the first line has to name the columns"),
        (["token,token", "A,B"], "twice"),
        (["token,group", 'A,"G', "B,G"], "line 3"),
    ],
)
def test_a_file_that_cannot_be_read_at_all(lines, reason):
    """Nobody can tell what its rows mean."""
    with pytest.raises(Wrong, match=reason.replace("?", r"\?")):
        list(rows(lines))


def test_the_line_of_a_row_after_one_of_several_lines():
    """A cell in quotation marks may have line ends."""
    assert refused("token,group\n", 'A,"one\n', 'two"\n', "B,G,H\n") == [
        (3, "group: 'one\\ntwo' has characters that cannot be printed"),
        (4, "column 3: more values than columns"),
    ]
