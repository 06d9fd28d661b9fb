"""What is asked for in the query of a URL, checked."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from chargewire.console.feed import Filter

LIMIT, LIMIT_MAX = 100, 1000
_TEXT_MAX = 200
_NUMBER = re.compile(r"[0-9]{1,18}")
_PAIR = re.compile(r"(-?[0-9]{1,18})-([0-9A-Za-z_-]{1,100})")


class WrongQuery(Exception):  # noqa: N818 - what is wrong with it
    """A parameter cannot be used; the text says which and what it may be."""


Query = Mapping[str, str]


def known(query: Query, names: Collection[str]) -> None:
    """Raise WrongQuery where a parameter is none of these, or too long."""
    for name, value in query.items():
        if name not in names:
            allowed = ", ".join(names) or "none"
            raise WrongQuery(f"{name}: there is no such parameter; there are: {allowed}")
        if len(value) > _TEXT_MAX:
            raise WrongQuery(f"{name}: at most {_TEXT_MAX} characters")


def limit(query: Query) -> int:
    """How many are wanted, LIMIT unless told. Raises WrongQuery."""
    text = query.get("limit") or str(LIMIT)
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= LIMIT_MAX:
        raise WrongQuery(f"limit: a whole number from 1 to {LIMIT_MAX}, not {text!r}")
    return int(text)


def number(query: Query, name: str) -> int | None:
    """A number of an event; None: not given. Raises WrongQuery."""
    text = query.get(name) or ""
    if text and not _NUMBER.fullmatch(text):
        raise WrongQuery(f"{name}: the `next` of an answer, not {text!r}")
    return int(text) if text else None


def pair(query: Query, name: str) -> tuple[int, str] | None:
    """A cursor of two parts, as `cursor` writes it; None: not given. Raises WrongQuery."""
    text = query.get(name) or ""
    found = _PAIR.fullmatch(text)
    if text and found is None:
        raise WrongQuery(f"{name}: the `next` of an answer, not {text!r}")
    return (int(found[1]), found[2]) if found else None


def place(query: Query, name: str) -> tuple[int, int] | None:
    """A cursor of epoch and sequence. Raises WrongQuery."""
    found = pair(query, name)
    if found is not None and not _NUMBER.fullmatch(found[1]):
        raise WrongQuery(f"{name}: the `next` of an answer, not {query[name]!r}")
    return None if found is None else (found[0], int(found[1]))


def cursor(first: int, second: Any) -> str:
    """A cursor of two parts."""
    return f"{first}-{second}"


def one_of(query: Query, name: str, allowed: Collection[str]) -> str | None:
    """A word out of some; None: not given. Raises WrongQuery."""
    text = query.get(name) or None
    if text is not None and text not in allowed:
        raise WrongQuery(f"{name}: one of {', '.join(allowed)}, not {text!r}")
    return text


FILTERS = ("station", "action", "topic", "direction", "q")


KINDS = ("event", "station", "transaction", "result", "lost", "hello")
"""Kinds of items of the stream; the last two are sent in any case."""


def wanted(query: Query) -> Filter:
    """Which events, and which other kinds of changes are meant. Raises WrongQuery."""
    only = frozenset(filter(None, query.get("only", "").split(",")))
    for kind in only:
        one_of({"only": kind}, "only", KINDS)
    return Filter(
        only=only,
        station=query.get("station") or None,
        action=query.get("action") or None,
        topic=query.get("topic") or None,
        direction=one_of(query, "direction", ("from_station", "to_station")),
        text=query.get("q", ""),
    )
