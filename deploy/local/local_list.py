"""The local authorization list of a simulated station (OCPP 1.6 part 2, 5.15; 2.x part 2, D)."""

from collections.abc import Iterable
from typing import Any

from deploy.local import settings
from deploy.local.effects import Answer, status
from deploy.local.memory import Listed, Memory

Payload = dict[str, Any]


def entry_16(row: Payload) -> Listed | str:
    """A row of 1.6: what is to be listed, or the token that is to go."""
    info = row.get("idTagInfo")
    if info is None:
        return str(row["idTag"])
    return Listed(row["idTag"], info["status"], info.get("parentIdTag"))


def entry_2(row: Payload) -> Listed | str:
    """The same of 2.x."""
    token, info = row["idToken"]["idToken"], row.get("idTokenInfo")
    if info is None:
        return str(token)
    return Listed(token, info["status"], (info.get("groupIdToken") or {}).get("idToken"))


def version(memory: Memory, disabled: int) -> int:
    """The version that is told: 0 without a list, and what the OCPP version has for disabled."""
    if not settings.is_on(memory, "LocalAuthListEnabled"):
        return disabled
    return memory.list_version


def send(
    memory: Memory, number: int, entries: Iterable[Listed | str], *, full: bool, disabled: str
) -> Answer:
    """SendLocalList: takes all of it or nothing. `disabled` is the word of a station without."""
    if not settings.is_on(memory, "LocalAuthListEnabled"):
        return status(disabled)
    rows = list(entries)
    changed = {_folded(row): row for row in rows}
    too_many = len(rows) > int(settings.value(memory, "SendLocalListMaxLength"))
    if number <= 0 or too_many or len(changed) < len(rows):
        return status("Failed")
    if not full and number <= memory.list_version:
        return status("VersionMismatch")
    if full and any(isinstance(row, str) for row in rows):
        return status("Failed")  # a whole list says of each token what it may
    there = {} if full else dict(memory.tokens)
    for token, row in changed.items():
        if isinstance(row, str):
            there.pop(token, None)
        else:
            there[token] = row
    if len(there) > int(settings.value(memory, "LocalAuthListMaxLength")):
        return status("Failed")
    memory.tokens, memory.list_version = there, number
    return status("Accepted")


def allows(memory: Memory, token: str) -> bool:
    """Whether a token may charge while nobody can be asked: unless listed, it is left to trust."""
    if not settings.is_on(memory, "LocalAuthorizeOffline"):
        return False
    listed = memory.tokens.get(token.casefold())
    if listed is not None and settings.is_on(memory, "LocalAuthListEnabled"):
        return listed.status == "Accepted"
    return settings.is_on(memory, "AllowOfflineTxForUnknownId")


def _folded(row: Listed | str) -> str:
    return (row if isinstance(row, str) else row.token).casefold()
