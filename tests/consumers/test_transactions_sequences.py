"""Sets of numbers are what Python's own sets are, only shorter to write."""

from hypothesis import given
from hypothesis import strategies as st

from consumers.transactions import sequences

NUMBERS = st.lists(st.integers(-5, 30))


def ranges(numbers):
    made = ()
    for number in numbers:
        made = sequences.union(made, ((number, number),))
    return made


@given(NUMBERS, NUMBERS)
def test_union_size_and_missing_are_those_of_sets(one, other):
    """Whatever the order and however often a number comes."""
    joined = sequences.union(ranges(one), ranges(other))
    both = {*one, *other}
    assert joined == ranges(sorted(both))
    assert sequences.size(joined) == len(both)
    span = max(both) - min(both) + 1 if both else 0
    assert sequences.missing(joined) == span - len(both)


@given(NUMBERS, NUMBERS)
def test_late_is_what_is_new_and_below_the_highest(known, added):
    """A number that is there already is not late, it is a repetition."""
    new = {*added} - {*known}
    late = bool(known) and any(number < max(known) for number in new)
    assert sequences.is_late(ranges(known), ranges(added)) == late


@given(NUMBERS)
def test_what_is_written_is_read_as_the_same(numbers):
    """Negative numbers too, which some station will send."""
    made = ranges(numbers)
    assert sequences.read(sequences.write(made)) == made


def test_a_long_row_is_short():
    """A station that counts from 0 to 9999 takes seven characters; none at all is null."""
    assert sequences.write(ranges(range(10_000))) == "0..9999"
    assert sequences.write(ranges([0, 1, 2, 7])) == "0..2 7"
    assert sequences.write(()) is None
    assert sequences.read(None) == ()
