"""Values of settings: what each type takes."""

import pytest

from programs.setting_values import Setting, typed

NUMBER = Setting("", "seconds", low=0, high=60)


@pytest.mark.parametrize("raw", ["nan", "inf", "-1", "61", "", "1s", True, None, [1]])
def test_a_number_out_of_range_or_none_at_all_is_refused_with_what_is_allowed(raw):
    """NaN compares false with every limit, so it must not slip through."""
    with pytest.raises(ValueError, match="a number of seconds, at least 0, at most 60"):
        typed(raw, float, NUMBER)


@pytest.mark.parametrize(("raw", "wanted"), [("0", 0), ("60", 60), (5, 5)])
def test_whole_numbers_are_whole(raw, wanted):
    """A fraction of a process is a mistake, not a rounding matter."""
    assert typed(raw, int, NUMBER) == wanted
    with pytest.raises(ValueError, match="whole number"):
        typed("1.5", int, NUMBER)


def test_a_choice_lists_its_words():
    """The empty word is shown as such."""
    with pytest.raises(ValueError, match="one of '' \\(empty\\), a, b"):
        typed("c", str, Setting("", choices=("", "a", "b")))
    assert typed(" a ", str, Setting("", choices=("a",))) == "a"


@pytest.mark.parametrize(("raw", "wanted"), [("on", True), ("0", False), (False, False)])
def test_booleans_have_their_usual_words(raw, wanted):
    """And TOML's own."""
    assert typed(raw, bool, Setting("")) is wanted


def test_a_check_of_its_own_speaks_in_its_own_words():
    """What is allowed is said by who checks."""
    even = Setting("", allowed="an even number", check=lambda value: value % 2 == 0)
    assert typed("4", int, even) == 4
    with pytest.raises(ValueError, match="an even number"):
        typed("3", int, even)
