"""Identities that gateway and readers compute alike, from what a station said."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from schemas.fitting import millis

_PARTS = ("connectorId", "idTag", "timestamp", "meterStart")
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def folded_token(token: str) -> str:
    """A token as it is compared, and as it is the key of id-tokens: A to Z are a to z.

    OCPP compares tokens without regard to case (CiString20Type of 1.6, identifierString of 2.x).
    Other letters stay as they are, so that every language folds alike.
    """
    return token.translate(_LOWER)


def transaction_id(station: str, call: Mapping[str, Any]) -> int:
    """The id of the transaction that an OCPP 1.6 StartTransaction begins: 1 to 2^31 - 2.

    It is computed from what the station says, so that every repetition of the call, with whatever
    message id and through whatever gateway, gets the same, and so that a reader of the log knows it
    from the call alone. The value is

        1 + SHA-256(text) mod (2^31 - 2)

    with the digest read as a big-endian number, and the text the five parts station, connectorId,
    idTag, timestamp, meterStart, each led by its length in bytes as 4 bytes, big-endian. The
    station is its id in UTF-8. Each other part is the JSON text of the value as sent, in ASCII
    (other characters as \\u escapes), but for two that an event need not keep as text: a number
    without a fraction is written as an integer, and a timestamp that is exact in milliseconds, with
    Z, as its epoch milliseconds. A part is empty where the value is no text, number or boolean, or
    the field is absent.
    """
    digest = hashlib.sha256()
    for part in (station.encode(), *(_text(name, call.get(name)) for name in _PARTS)):
        digest.update(len(part).to_bytes(4, "big"))
        digest.update(part)
    return 1 + int.from_bytes(digest.digest(), "big") % (2**31 - 2)


def _text(name: str, value: object) -> bytes:
    if name == "timestamp":
        at_ms = millis(value, [])
        value = value if at_ms is None else at_ms
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value).encode() if isinstance(value, str | int | float) else b""
