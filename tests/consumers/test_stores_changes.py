"""What a commit has to write is what differs, and no more."""

from sqlalchemy import Column, Integer, MetaData, Table

from consumers.stores.changes import Difference, differences

METADATA = MetaData()
ONE = Table("one", METADATA, Column("id", Integer, primary_key=True), Column("value", Integer))
TWO = Table("two", METADATA, Column("id", Integer, primary_key=True), Column("value", Integer))


def row(number: int, value: int | None = None) -> dict[str, int | None]:
    return {"id": number, "value": value}


def test_rows_that_are_new_other_or_gone() -> None:
    """By primary key; rows that are as before are not written."""
    before = {("a",): {"one": (row(1), row(2), row(3))}}
    after = {("a",): {"one": (row(1), row(3, 9), row(4))}}
    assert differences([ONE, TWO], before, after) == {
        "one": Difference(put=[row(3, 9), row(4)], gone=[row(2)])
    }


def test_groups_that_were_not_loaded_are_new() -> None:
    """All of their rows are put, and nothing is taken away."""
    after = {("a",): {"one": (row(1),)}, ("b",): {"two": (row(1),)}}
    assert differences([ONE, TWO], {}, after) == {
        "one": Difference(put=[row(1)], gone=[]),
        "two": Difference(put=[row(1)], gone=[]),
    }


def test_nothing_differs() -> None:
    """Then there is nothing to write, and no table is named."""
    groups = {("a",): {"one": (row(1),)}}
    assert differences([ONE, TWO], groups, groups) == {}
