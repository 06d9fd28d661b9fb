"""Places in traces: the header traceparent, and what follows from it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.traces import Trace, followed, header, well_formed

HEADER = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
IDS = st.integers(1, 2**64 - 1)


def test_a_header_is_read_as_w3c_writes_it():
    """The example of the recommendation, section 3.2.3; there and back."""
    found = followed(HEADER)
    assert found == Trace(0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7)
    assert found.header == HEADER


@pytest.mark.parametrize(
    "traceparent",
    [
        None,
        b"",
        b"nonsense",
        HEADER[:-2] + b"00",  # not sampled
        HEADER[:-2] + b"02",  # random, and not sampled
        HEADER + b"-more",  # of version 00 that is too much
        b"ff" + HEADER[2:],
        b"00-" + b"0" * 32 + HEADER[35:],
        HEADER[:36] + b"0" * 16 + b"-01",
        HEADER.upper(),
    ],
)
def test_what_is_no_sampled_place_is_not_followed(traceparent):
    """Wrong headers and unsampled traces alike: no span of ours is wanted."""
    assert followed(traceparent) is None


def test_what_is_not_sampled_is_a_place_all_the_same_and_nonsense_is_none():
    """The first is handed on as it came; of the second nothing is, however long it is."""
    for right in (HEADER, HEADER[:-2] + b"00", b"01" + HEADER[2:] + b"-x"):
        assert well_formed(right) == right
    for wrong in (None, b"", b"00-" + b"0" * 32 + HEADER[35:], b"01" + HEADER[2:] + b"-x" * 200):
        assert well_formed(wrong) is None


@pytest.mark.parametrize("traceparent", [HEADER[:-2] + b"03", b"01" + HEADER[2:] + b"-x"])
def test_other_flags_and_later_versions_are_followed(traceparent):
    """As far as they say the same (section 3.2.4); ours say version 00."""
    assert followed(traceparent).header == HEADER


@given(st.integers(1, 2**128 - 1), IDS, st.text(max_size=20))
def test_children_are_told_apart_and_always_the_same(trace_id, span_id, name):
    """Below the same span, another place, by name; whoever derives it once more finds the same."""
    above = Trace(trace_id, span_id)
    found = above.child(name)
    assert (found.trace_id, found.parent_id) == (trace_id, span_id)
    assert found == above.child(name)
    assert found.span_id not in (0, span_id, above.child(name + "x").span_id)
    assert followed(found.header) == Trace(trace_id, found.span_id)


def test_the_header_of_a_record_is_its_own_place_or_what_came():
    """What is not followed is handed on as it is."""
    assert header(Trace(1, 2)) == b"00-" + b"0" * 31 + b"1-" + b"0" * 15 + b"2-01"
    assert header(b"00-4b-f0-00") == b"00-4b-f0-00"
