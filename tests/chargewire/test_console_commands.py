"""What is known of commands: from their table, their results, and what was asked here."""

from chargewire.console.commands import KEPT_MAX, Commands
from tests.chargewire.consoled import NOON, entry, removed, row

ASKED = {
    "command_id": "c-1",
    "station": "CS-1",
    "action": "Reset",
    "payload": '{"type":"Soft"}',
    "expires_at": NOON + 60_000,
    "when_offline": "fail",
    "requested_by": "console",
}


def result(command: str = "c-1", **more):
    said = {"outcome": "answered", "response": '{"status":"Accepted"}', "at": NOON + 9} | more
    names = {"command_id": command, "station": "CS-1", "action": "Reset"}
    return entry("command-results", names | said).record


def table(command: str = "c-1", **columns):
    usual = {"station": "CS-1", "command_id": command, "state": "waiting", "action": "Reset"}
    return row("tables.commands", **(usual | columns))


def test_a_command_that_was_asked_here_is_known_at_once() -> None:
    """Its table comes later, or never where nobody runs its consumer."""
    commands = Commands()
    assert commands.of("c-1") is None
    commands.asked(ASKED, NOON)
    known = commands.of("c-1")
    assert (known["state"], known["outcome"], known["payload"]) == (
        "waiting",
        None,
        {"type": "Soft"},
    )
    assert (known["asked_ms"], known["expires_ms"]) == (NOON, NOON + 60_000)
    told = commands.ended(result())
    assert (told["outcome"], told["response"], told["at_ms"]) == (
        "answered",
        {"status": "Accepted"},
        NOON + 9,
    )
    known = commands.of("c-1")
    assert (known["state"], known["outcome"], known["ended_ms"]) == ("ended", "answered", NOON + 9)
    assert known["payload"] == {"type": "Soft"}


def test_a_second_result_is_void() -> None:
    """The first record of a command id is its result."""
    commands = Commands()
    assert commands.ended(result()) is not None
    assert commands.ended(result(outcome="timeout")) is None
    assert commands.of("c-1")["outcome"] == "answered"


def test_the_table_says_more_than_we_know() -> None:
    """Who has taken it, and what became of what others asked; its row may be taken away."""
    commands = Commands()
    commands.take(table(state="taken", attempt=2, payload='{"type":"Hard"}', asked_ms=NOON))
    known = commands.of("c-1")
    assert (known["state"], known["attempt"], known["payload"]) == ("taken", 2, {"type": "Hard"})
    commands.ended(result())
    assert commands.of("c-1")["state"] == "ended"
    commands.take(table(state="ended", outcome="answered", revision=2, response="no JSON"))
    assert commands.of("c-1")["response"] == "no JSON"
    commands.take(table("c-2"))
    commands.take(removed("tables.commands", station="CS-1", command_id="c-2"))
    assert commands.of("c-2") is None


def test_the_newest_come_first() -> None:
    """Of one station, or of all."""
    commands = Commands()
    for number, station in enumerate(("CS-1", "CS-2", "CS-1")):
        commands.asked(ASKED | {"command_id": f"c-{number}", "station": station}, NOON + number)
    assert [one["command_id"] for one in commands.newest(None, 2)] == ["c-2", "c-1"]
    assert [one["command_id"] for one in commands.newest("CS-1", 9)] == ["c-2", "c-0"]


def test_old_ones_are_forgotten() -> None:
    """Memory is bounded."""
    commands = Commands()
    for number in range(KEPT_MAX + 1):
        commands.asked(ASKED | {"command_id": f"c-{number}"}, NOON + number)
    assert commands.of("c-0") is None
    assert commands.of("c-1") is not None
