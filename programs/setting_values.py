"""A text or TOML value becomes a setting's typed value, or is refused with what is allowed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


@dataclass(frozen=True, slots=True)
class Setting:
    """What is known about a field beside its type and default."""

    doc: str
    unit: str = ""
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    allowed: str = ""  # what `check` wants, in words
    check: Callable[[Any], bool] | None = None


def typed(raw: object, wanted: object, known: Setting) -> object:
    """Turn a text or a TOML value into the field's type; ValueError says what is allowed."""
    value: object
    if wanted is bool:
        value = _boolean(raw)
    elif wanted in (int, float):
        value = _number(raw, wanted, known)
    elif wanted is str:
        value = _text(raw, known)
    else:
        value = _texts(raw)
    if known.check is not None and not known.check(value):
        raise ValueError(known.allowed)
    return value


def _boolean(raw: object) -> bool:
    word = str(raw).strip().lower()
    if word not in _TRUE + _FALSE:
        raise ValueError("true or false")
    return word in _TRUE


def _number(raw: object, wanted: object, known: Setting) -> float:
    allowed = "a whole number" if wanted is int else "a number"
    allowed += f" of {known.unit}" if known.unit else ""
    allowed += f", at least {known.low}" if known.low is not None else ""
    allowed += f", at most {known.high}" if known.high is not None else ""
    try:
        if isinstance(raw, bool):
            raise ValueError  # true is no number, though Python counts with it
        value = int(str(raw)) if wanted is int else float(str(raw))
    except ValueError:
        raise ValueError(allowed) from None
    low = float("-inf") if known.low is None else known.low
    high = 1e15 if known.high is None else known.high  # neither infinite nor NaN, ever
    if not low <= value <= high:
        raise ValueError(allowed)
    return value


def _text(raw: object, known: Setting) -> str:
    if not isinstance(raw, str):
        raise ValueError("a text")
    value = raw.strip()
    if known.choices and value not in known.choices:
        raise ValueError("one of " + ", ".join(word or "'' (empty)" for word in known.choices))
    return value


def _texts(raw: object) -> tuple[str, ...]:
    parts = raw.split(",") if isinstance(raw, str) else raw
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise ValueError("texts, separated by commas")
    return tuple(part.strip() for part in parts if part.strip())
