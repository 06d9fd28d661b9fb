"""One frame of the log as the readers of its meaning take it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from consumers.meaning.facts import At, Fact
from consumers.meaning.payloads import Json


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame of a station's log.

    `said` is its payload: an empty one where it is an error. `call` is the payload of the CALL
    that it answers, None where that is not wanted or not known. `record` is the whole event.
    """

    at: At
    said: Json
    call: Json | None
    record: Json


Facts = Iterator[Fact]
Read = Callable[[Frame], Facts]
"""Tells what a frame of one kind says; never raises, however the station wrote it."""
