"""Takes secrets out of what is written to events, logs and metrics."""

import json
import re
from typing import Any

REDACTED = "[redacted]"

# Names of properties, configuration keys and variables that hold secrets: AuthorizationKey (1.6),
# BasicAuthPassword, apnPassword and simPin (2.x), and what vendors call theirs.
_GAP = r"[\W_]{0,3}"
_SECRET_NAME = (
    rf"pass{_GAP}(word|wd|phrase|code)|secret|credential|sim{_GAP}pin|psk"
    rf"|(authori[sz]ation|api|access|private|shared|security|encryption|wi{_GAP}fi|wlan|vpn)"
    rf"{_GAP}key"
)
_SECRET = re.compile(_SECRET_NAME, re.IGNORECASE | re.ASCII).search
# Where an object says the name of a setting, and where its value.
_NAMES = frozenset({"key", "name"})
_VALUES = frozenset({"value", "attributevalue", "actualvalue"})
# Objects that hold a name for the object around them (2.x: SetVariables, NotifyReport ...).
_NAMING = frozenset({"variable", "component"})
# Each secret name contains one of these.
_STEMS = ("pass", "secret", "credential", "pin", "psk", "key")
# The frames that come all day, and whose schemas have no place for a secret but customData.
_QUIET = frozenset(
    {
        "Authorize",
        "Heartbeat",
        "MeterValues",
        "NotifyPeriodicEventStream",
        "StartTransaction",
        "StatusNotification",
        "StopTransaction",
        "TransactionEvent",
    }
)
# The password in a URL such as ftp://user:password@host/path; JSON may escape the slashes.
_URL = re.compile(r'(:(?:\\?/){2}[^/\\\s"@:]*:)[^/\\\s"]*@').sub
_URL_CUT_OFF = re.compile(r'(:(?:\\?/){2}[^/\\\s"@:]*:)[^/\\\s"]*\Z').sub
# Deeper than any payload of OCPP, and than a reader's stack.
_DEPTH_MAX = 64


def suspicious(text: str, conforming: str = "") -> bool:
    """Whether the text of a frame or payload may hold a secret; False is certain.

    `conforming` is the action of a frame that conforms to its schema: for the frequent ones the
    answer costs 0.1 to 0.6 us, for any text about 5 us per 1.5 KB.
    """
    if conforming in _QUIET and "\\" not in text and "customData" not in text:
        return False
    folded = text.lower()
    return any(stem in folded for stem in _STEMS) or "/" in text or "\\u00" in text


def is_secret(name: object) -> bool:
    """Whether a property, configuration key or variable of this name holds a secret."""
    return isinstance(name, str) and _SECRET(name) is not None


def redact(payload: dict[str, Any]) -> dict[str, Any]:
    """A JSON object with [redacted] in place of every secret, null excepted.

    Secret is the value of a property with a secret name, at any depth, with all that is in it; the
    `value` next to a `key` or `name` with a secret name; the key of a VPN; a password in a URL;
    all of that within a string that is JSON itself; and whatever is nested deeper than OCPP goes.
    The object given is not changed.
    """
    redacted: dict[str, Any] = _redacted(payload, "", 0, hidden=False)
    return redacted


def _redacted(value: Any, parent: str, depth: int, *, hidden: bool) -> Any:
    """`parent` is the name of what holds the value; `hidden` if a secret name was told for it."""
    if depth > _DEPTH_MAX:
        return REDACTED
    match value:
        case dict():
            hidden = hidden or _names_secret(value)
            return {
                name: _member(name, item, parent, depth + 1, hidden=hidden)
                for name, item in value.items()
            }
        case list():
            return [_redacted(item, parent, depth + 1, hidden=hidden) for item in value]
        case str() if value[:1] in ("{", "["):
            return redact_text(value)
        case str() if "@" in value:
            return _URL(rf"\1{REDACTED}@", value)
    return value


def _member(name: str, item: Any, parent: str, depth: int, *, hidden: bool) -> Any:
    folded = name.lower()
    if is_secret(name) or (hidden and folded in _VALUES) or (parent, folded) == ("vpn", "key"):
        return None if item is None else REDACTED
    return _redacted(item, folded, depth, hidden=hidden)


def _names_secret(value: dict[str, Any]) -> bool:
    for name, item in value.items():
        inner = item if name.lower() in _NAMING and isinstance(item, dict) else {name: item}
        if any(key.lower() in _NAMES and is_secret(inner[key]) for key in inner):
            return True
    return False


def redact_text(text: str) -> str:
    """The text of a frame with [redacted] in place of every secret; time is linear in its length.

    JSON is written anew if `redact` finds anything in it, and stays as it is if not. In any other
    text (cut off, malformed, a key twice in an object) nobody can tell where a secret ends: after
    the first secret name everything is hidden, and before it whatever is called a value.
    """
    if not suspicious(text):
        return text
    try:
        value = json.loads(text, object_pairs_hook=_distinct)
        redacted = _redacted(value, "", 0, hidden=False)
    except (ValueError, RecursionError):
        return _redact_broken(text)
    return text if redacted == value else json.dumps(redacted, separators=(",", ":"))


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError
    return fields


# Where secrets may begin in a text that is no JSON, and a value that stands before its name.
_BEGIN = re.compile(rf'{_SECRET_NAME}|vpn"', re.IGNORECASE | re.ASCII).search
_VALUE = re.compile(
    r"""(value\\?["']?\s*+[:=]\s*+)("(?:[^"\\]++|\\.)*+"?+|'[^']*+'?+|[^\s,}\]]++)""",
    re.IGNORECASE | re.DOTALL,
).sub
_ASCII_ESCAPE = re.compile(r"\\u00([0-7][0-9a-fA-F])").sub


def _redact_broken(text: str) -> str:
    text = _URL_CUT_OFF(rf"\1{REDACTED}", _URL(rf"\1{REDACTED}@", text))
    plain = _ASCII_ESCAPE(lambda escape: chr(int(escape[1], 16)), text)
    begin = _BEGIN(plain)
    if begin is None:
        return text
    return _VALUE(rf'\1"{REDACTED}"', plain[: begin.end()]) + REDACTED
