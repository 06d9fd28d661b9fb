"""Gives a result to commands that nobody may take from where they were written."""

from collections.abc import Mapping
from typing import Any

from consumers.commands import arbiter_rows
from consumers.commands.arbiter_records import invalid
from consumers.commands.once import Once
from consumers.meaning.payloads import identifier
from consumers.sequels.running import FactsOf, Parts, Sequel
from consumers.stores.changes import Ownership
from schemas.codec import CorruptRecord, UnknownSchemaId
from schemas.topics import partition


def sequel(parts: Parts) -> Sequel:
    """What answers for the records that the consumer `commands` has set aside."""
    return MisplacedCommands(parts)


class MisplacedCommands:
    """A sequel. Whose partition a record is in answers for it, in the partition of its station."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._once = Once(parts.producer)
        self._looked_at: dict[int, int] = {}  # partition number of ours -> offset of the last one

    async def committed(self, facts: FactsOf) -> None:
        """There is no hurry."""

    async def woken(self, owned: Mapping[int, Ownership]) -> None:
        """Answer for those that have no result yet. Raises what Store and Producer raise."""
        self._looked_at = {number: self._looked_at.get(number, -1) for number in owned}
        store, now_ms = self._parts.store, self._parts.now_ms()
        while page := await arbiter_rows.set_aside(store, self._looked_at):
            for number, position, key, value in page:
                if (found := self._misplaced(number, key, value)) is not None:
                    command, why = found
                    name = identifier(command["command_id"]) or ""
                    if not await arbiter_rows.has_ended(store, command["station"], name):
                        await self._once.write([invalid(command, why, now_ms)], now_ms)
                self._looked_at[number] = position

    def _misplaced(
        self, number: int, key: bytes | None, value: bytes
    ) -> tuple[Mapping[str, Any], str] | None:
        """The command, and what is wrong with its place; None where that is not what is wrong."""
        try:
            topic, command = self._parts.codec.decode(value)
        except (CorruptRecord, UnknownSchemaId):
            return None
        if topic != "commands":
            return None
        station = command["station"]
        if key != station.encode():
            return command, "the key of its record is not its station"
        home = partition(station.encode(), self._parts.config.partitions)
        why = f"it is in partition {number}, its station's is {home}: writers must use murmur2"
        return (command, why) if home != number else None
