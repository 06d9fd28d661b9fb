"""consumers.tables.projections: rows out of facts."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import MetaData, Table

from consumers.meaning.facts import At, Seen, StatusTold
from consumers.tables.columns import key, station, whole
from consumers.tables.projections import (
    NO_ROWS,
    Projection,
    fold,
    found,
    key_columns,
    newer,
    order,
    put,
)

METADATA = MetaData()
LAST = Table("last", METADATA, station(), whole("epoch", ""), whole("sequence", ""))
ALL = Table("all", METADATA, station(), key("epoch"), key("sequence"))


def at(station_id, epoch, sequence):
    return At(station_id, epoch, sequence, 0, "")


def seen(station_id, epoch, sequence):
    return Seen(at(station_id, epoch, sequence))


def group(fact):
    return (fact.at.station,) if isinstance(fact, Seen) else None


def remember(rows, fact):
    """The newest fact of a station, and all of them."""
    if fact.at.epoch < 0:
        return rows
    row = found(rows, LAST, (fact.at.station,))
    if newer(row, fact.at):
        rows = put(rows, LAST, row | order(fact.at))
    return append(rows, fact)


def append(rows, fact):
    place = (fact.at.station, fact.at.epoch, fact.at.sequence)
    return put(rows, ALL, found(rows, ALL, place))


def projection(*tables, appended=(), evolve=remember):
    return Projection(
        topics=("a",), tables=tables, group=group, evolve=evolve,
        appended=frozenset(appended),
    )  # fmt: skip


KEPT = projection(LAST, ALL)


def test_facts_change_the_rows_of_their_group():
    """Each in turn; what is of no concern changes nothing."""
    facts = [seen("A", 1, 1), seen("B", 1, 1), StatusTold(at("C", 1, 1)), seen("A", 1, 2)]
    assert fold(KEPT, {}, facts) == {
        ("A",): {
            "last": ({"station": "A", "epoch": 1, "sequence": 2},),
            "all": (
                {"station": "A", "epoch": 1, "sequence": 1},
                {"station": "A", "epoch": 1, "sequence": 2},
            ),
        },
        ("B",): {
            "last": ({"station": "B", "epoch": 1, "sequence": 1},),
            "all": ({"station": "B", "epoch": 1, "sequence": 1},),
        },
    }


def test_only_what_changed_is_told():
    """Facts that are known already change nothing, and the rows before are left as they are."""
    before = fold(KEPT, {}, [seen("A", 1, 1), seen("B", 1, 1)])
    copy = {key: dict(rows) for key, rows in before.items()}
    assert fold(KEPT, before, [seen("A", 1, 1), seen("C", -1, 1)]) == {}
    assert fold(KEPT, before, [seen("A", 1, 2)]).keys() == {("A",)}
    assert before == copy


def test_tables_that_are_only_appended_to_need_not_be_loaded():
    """Their new rows alone come out, each once, whatever was there before."""
    mixed = projection(LAST, ALL, appended={"all"})
    assert not mixed.append_only
    loaded = {("A",): {"last": ({"station": "A", "epoch": 1, "sequence": 5},)}}
    again = [seen("A", 1, 4), seen("A", 1, 4)]
    assert fold(mixed, loaded, again)["A",]["all"] == ({"station": "A", "epoch": 1, "sequence": 4},)


def test_a_projection_that_only_appends_loads_nothing():
    """And is told so; a row that comes twice comes out once."""
    only = projection(ALL, appended={"all"}, evolve=append)
    assert only.append_only
    facts = [seen("A", 1, 2), seen("B", 1, 1), seen("A", 1, 1), seen("A", 1, 2)]
    there = {("A",): {"all": ({"station": "A", "epoch": 1, "sequence": 1},)}}
    assert fold(only, there, [StatusTold(at("C", 1, 1)), *facts]) == {
        ("A",): {
            "all": (
                {"station": "A", "epoch": 1, "sequence": 2},
                {"station": "A", "epoch": 1, "sequence": 1},
            )
        },
        ("B",): {"all": ({"station": "B", "epoch": 1, "sequence": 1},)},
    }


def test_rows_are_derived_once_for_each_group_that_changed():
    """However many facts it has, from all that they left; where nothing changed, not at all."""
    derived = []

    def derive(rows):
        derived.append([row["sequence"] for row in rows["all"]])
        return {**rows, "last": rows["all"][-1:]}

    deriving = replace(projection(LAST, ALL, evolve=append), derive=derive)
    facts = [seen(name, 1, sequence) for sequence in range(50) for name in "AB"]
    groups = fold(deriving, {}, facts)
    assert derived == [[*range(50)]] * 2
    assert groups["A",]["last"] == ({"station": "A", "epoch": 1, "sequence": 49},)
    assert fold(deriving, groups, facts) == {}
    assert fold(deriving, groups, [*facts, seen("B", 1, 50)]).keys() == {("B",)}
    assert derived[2:] == [[*range(51)]]


def test_a_row_that_is_not_there_has_every_column():
    """So that all rows of a statement are alike."""
    assert key_columns(ALL) == ("station", "epoch", "sequence")
    assert found(NO_ROWS, LAST, ("A",)) == {"station": "A", "epoch": None, "sequence": None}


def test_rows_are_replaced_and_never_changed():
    """They stand in the order of their keys; the very same rows come back where nothing changes."""
    second = put(NO_ROWS, ALL, {"station": "A", "epoch": 1, "sequence": 2})
    both = put(second, ALL, {"station": "A", "epoch": 1, "sequence": 1})
    assert [row["sequence"] for row in both["all"]] == [1, 2]
    assert len(second["all"]) == 1
    assert put(both, ALL, {"station": "A", "epoch": 1, "sequence": 1}) is both
    third = put(both, ALL, {"station": "A", "epoch": 0, "sequence": 3})
    assert [row["sequence"] for row in third["all"]] == [3, 1, 2]
    other = put(NO_ROWS, LAST, {"station": "A", "epoch": 1, "sequence": 1})
    changed = put(other, LAST, {"station": "A", "epoch": 1, "sequence": 2})
    assert (other["last"][0]["sequence"], changed["last"][0]["sequence"]) == (1, 2)


def test_order_is_that_of_connections_and_their_frames():
    """Never of a clock; the same place is not newer than itself."""
    row = {"boot_epoch": 2, "boot_sequence": 5}
    assert [newer(row, at("A", *place), "boot_") for place in ((1, 9), (2, 5), (2, 6), (3, 0))] == [
        False, False, True, True,
    ]  # fmt: skip
    assert newer({"epoch": None, "sequence": None}, at("A", -1, -1))
    assert order(at("A", 2, 5), "boot_") == row


PLACES = st.tuples(st.sampled_from("AB"), st.integers(0, 2), st.integers(0, 3))


@given(st.lists(PLACES, max_size=12), st.lists(st.integers(0, 12), max_size=4))
def test_batches_do_not_matter(places, cuts):
    """Folding a and b is folding a, and then b."""
    facts = [seen(*place) for place in places]
    whole_ = fold(KEPT, {}, facts)
    groups = {}
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(facts)], strict=True):
        groups |= fold(KEPT, groups, facts[start:end])
    assert groups == whole_
