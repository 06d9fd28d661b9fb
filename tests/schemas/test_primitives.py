"""Avro's primitive values as bytes; the whole writer is held against fastavro in test_codec."""

import io

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import primitives
from schemas.primitives import SOME, Integers, Words


def avro(kind: str, value: object) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, kind, value)
    return out.getvalue()


@given(st.integers(-(2**63), 2**63 - 1))
def test_integers_have_the_bytes_that_an_independent_writer_gives_them(number: int) -> None:
    """Of every length, and the second time as the first."""
    integers = Integers()
    assert integers[number] == integers[number] == avro("long", number)


@pytest.mark.parametrize("number", [-(2**63) - 1, 2**63])
def test_an_integer_beyond_64_bits_is_refused(number: int) -> None:
    """Avro has no room for it: the caller makes a dead letter of the event."""
    with pytest.raises(OverflowError):
        Integers()[number]


@given(st.text(max_size=100))
def test_words_have_the_bytes_of_strings(word: str) -> None:
    """Behind the branch number of a union, where there is one."""
    words = Words(Integers(SOME))
    assert words[word] == words[word] == SOME + avro("string", word)


def test_what_is_remembered_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A station that invents words and numbers for ever fills no memory."""
    monkeypatch.setattr(primitives, "_KEPT_MAX", 10)
    integers, words = Integers(), Words(Integers())
    for number in range(35):
        assert integers[number] == avro("long", number)
        assert words[str(number)] == avro("string", str(number))
    assert len(integers) <= 10
    assert len(words) <= 10
    assert words["x" * 1000] == avro("string", "x" * 1000)
    assert "x" * 1000 not in words
