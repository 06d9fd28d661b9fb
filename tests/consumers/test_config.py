"""A consumer's settings: what is left out follows from its name."""

import pytest

from consumers.config import load
from consumers.services import SERVICES
from programs.settings import SettingsError


def test_what_is_left_out_follows_from_the_name() -> None:
    """Consumers beside each other have a file and a port of their own."""
    made = {name: load(name, {}, {}) for name in SERVICES}
    assert made["transactions"].store == "sqlite:///data/transactions.db"
    assert len({one.store for one in made.values()}) == len(SERVICES)
    assert len({one.admin for one in made.values()}) == len(SERVICES)


def test_what_is_given_counts() -> None:
    """By variables as by flags."""
    found = load(
        "stations",
        {"admin": "localhost:1"},
        {"CHARGEWIRE_STORE": "postgresql://h/db", "CHARGEWIRE_DATA": "elsewhere"},
    )
    assert (found.store, found.admin) == ("postgresql://h/db", "localhost:1")
    assert load("stations", {}, {"CHARGEWIRE_DATA": "/d"}).store == "sqlite:////d/stations.db"


def test_what_cannot_be_a_store_is_refused() -> None:
    """With what is allowed."""
    with pytest.raises(SettingsError, match="sqlite:///path"):
        load("stations", {"store": "stations.db"}, {})


def test_a_consumer_may_decide_nothing() -> None:
    """Said by an empty text, and by no word such as none."""
    assert load("authorizations", {}, {"CHARGEWIRE_DECIDES": ""}).decides == ()
    with pytest.raises(SettingsError, match="nothing at all"):
        load("authorizations", {}, {"CHARGEWIRE_DECIDES": "none"})
