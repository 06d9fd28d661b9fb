"""The local authorization list of a simulated station."""

from deploy.local import local_list
from deploy.local.memory import Listed, Memory
from tests.deploy.memories import station


def entries(*tokens: str, status: str = "Accepted") -> list[Listed | str]:
    return [Listed(token, status, None) for token in tokens]


def send(memory: Memory, number: int, rows: list[Listed | str], *, full: bool = True) -> str:
    told, _ = local_list.send(memory, number, rows, full=full, disabled="NotSupported")
    return str(told["status"])


def test_a_full_list_replaces_and_a_differential_one_changes() -> None:
    """An entry without its status is taken away; case does not make a token another one."""
    memory = station()
    assert send(memory, 1, entries("A", "B")) == "Accepted"
    assert send(memory, 2, [*entries("b", status="Blocked"), "a"], full=False) == "Accepted"
    assert (memory.list_version, list(memory.tokens)) == (2, ["b"])
    assert memory.tokens["b"] == Listed("b", "Blocked", None)
    assert send(memory, 1, entries("C")) == "Accepted"
    assert (memory.list_version, list(memory.tokens)) == (1, ["c"])


def test_what_cannot_be_kept_changes_nothing() -> None:
    """An older version, too much at once or in all, a token twice, a full list with gaps."""
    memory = station()
    send(memory, 5, entries("A"))
    assert send(memory, 5, entries("B"), full=False) == "VersionMismatch"
    assert send(memory, 6, entries(*(f"T{n}" for n in range(21))), full=False) == "Failed"
    assert send(memory, 6, entries("B", "b"), full=False) == "Failed"
    assert send(memory, 6, ["A"]) == "Failed"
    assert send(memory, 0, entries("B")) == "Failed"
    memory.settings["LocalAuthListMaxLength"] = "2"
    assert send(memory, 6, entries("B", "C"), full=False) == "Failed"
    assert (memory.list_version, list(memory.tokens)) == (5, ["a"])


def test_a_station_without_a_list_says_so() -> None:
    """-1 in 1.6, where the setting is off."""
    memory = station()
    memory.settings["LocalAuthListEnabled"] = "false"
    assert local_list.version(memory, -1) == -1
    assert send(memory, 1, entries("A")) == "NotSupported"


def test_who_is_listed_may_charge_while_nobody_can_be_asked() -> None:
    """Only if accepted; who is not listed is trusted as the settings have it."""
    memory = station()
    send(memory, 1, [*entries("good"), *entries("bad", status="Blocked")])
    tokens = ("GOOD", "bad", "new")
    assert [local_list.allows(memory, token) for token in tokens] == [True, False, True]
    memory.settings["AllowOfflineTxForUnknownId"] = "false"
    assert [local_list.allows(memory, token) for token in tokens] == [True, False, False]
    memory.settings["LocalAuthorizeOffline"] = "false"
    assert not any(local_list.allows(memory, token) for token in tokens)
