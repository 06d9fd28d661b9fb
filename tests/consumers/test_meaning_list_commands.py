"""consumers.meaning.list_commands: the commands that keep local lists are known again."""

from consumers.meaning.list_commands import command_id, connection, is_ours


def test_who_knows_the_same_asks_the_same():
    """Two owners give one command one id, and the next one another."""
    first = command_id("CS-1", 5, None, None)
    assert first == command_id("CS-1", 5, None, None)
    others = {
        command_id("CS-2", 5, None, None),
        command_id("CS-1", 6, None, None),
        command_id("CS-1", 5, first, None),
        command_id("CS-1", 5, first, first),
    }
    assert len({first, *others}) == 5


def test_a_command_tells_its_connection():
    """Whatever clocks say."""
    assert connection(command_id("CS-1", 50, None, None)) == 50
    assert connection("local-list.other") is None


def test_commands_of_others_are_not_ours():
    """Whatever id they chose."""
    assert is_ours(command_id("CS-1", 5, None, None))
    assert not is_ours("6a3a0c5e-4a0e-5d53-9a5c-1d9d0a6b8f0e")
    assert not is_ours(None)
