"""consumers.commands.misplaced: what is in no place where it may be taken has a result, too."""

import pytest

from consumers.commands.arbiter_rows import set_aside
from consumers.commands.misplaced import MisplacedCommands
from consumers.stores.changes import Changes, Poison
from tests.consumers.arbitrating import EXPIRES
from tests.consumers.commanding import ended
from tests.consumers.test_commands_arbiter import HOME, PARTITIONS, telling
from tests.consumers.written import CODEC


async def _misplaced(url):
    async with telling(url) as told:
        wrong = (HOME + 1) % PARTITIONS
        record = {
            "command_id": "m",
            "station": "CS-1",
            "action": "Reset",
            "payload": "{}",
            "expires_at": EXPIRES,
        }
        value = CODEC.encode("commands", record)
        bad = [
            Poison("commands", HOME, 1, "its key", b"CS-2", value),
            Poison("commands", HOME, 2, "cannot be folded", b"CS-1", value),
            Poison("commands", HOME, 3, "no Avro", b"CS-1", b"\xff"),
            Poison("commands", HOME, 4, "no value", b"CS-1", None),
            Poison("connections", HOME, 5, "its key", b"CS-2", value),
        ]
        await told.store.commit(HOME, told._generation, Changes(poison=bad))
        assert [one[:2] for one in await set_aside(told.store, {HOME: -1})] == [
            (HOME, n) for n in (1, 2, 3)
        ]
        answering = MisplacedCommands(told.parts)
        await answering.woken({HOME: None})
        await answering.woken({HOME: None})
        assert told.sent.said == [("command-results", None, "m", 1, "invalid")]
        why = told.sent.records[0][1]["error_description"]
        assert why == "misplaced: the key of its record is not its station"
        await told.read(ended(1, command="m", outcome="invalid"))
        await MisplacedCommands(told.parts).woken({HOME: None})
        assert len(told.sent.records) == 1
        owned = await told.store.own([wrong])
        record["command_id"] = "n"
        there = Poison("commands", wrong, 9, "x", b"CS-1", CODEC.encode("commands", record))
        changes = Changes(poison=[there])
        await told.store.commit(wrong, owned[wrong].generation, changes)
        # In whatever order partition numbers are read.
        await answering.woken({HOME: None} | owned)
        assert told.sent.said[1:] == [("command-results", None, "n", 1, "invalid")]
        assert "murmur2" in told.sent.records[1][1]["error_description"]


async def test_in_a_file(tmp_path):
    """Once, also after a restart; not where the record itself is broken."""
    await _misplaced(f"sqlite:///{tmp_path}/store.db")


@pytest.mark.postgres
async def test_in_a_server(postgres):
    """As in a file."""
    await _misplaced(postgres)
