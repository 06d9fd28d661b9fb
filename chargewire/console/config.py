"""The settings of the console."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from programs.addresses import is_address
from programs.settings import KafkaSettings, setting

_SPAN = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def span_ms(text: str) -> int | None:
    """Milliseconds of 90s, 15m, 2h, 7d; None for another text."""
    found = _SPAN.fullmatch(text)
    if found is None:
        return None
    span = timedelta(**{_UNITS[found[2]]: int(found[1])})
    return span // timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config(KafkaSettings):
    """All that an operator may choose about the console; the variable is CHARGEWIRE_<NAME>."""

    unsaid: ClassVar[str] = "console_"
    console_listen: str = setting(
        "127.0.0.1:9200",
        "where the console is served; it shows all to whoever reaches it",
        allowed="host:port",
        check=is_address,
    )
    console_hosts: tuple[str, ...] = setting(
        (),
        "names, without port, by which browsers may call it; empty: those of this machine where it"
        " listens on a loopback address, else any",
    )
    console_token: str = setting(
        "",
        "who has it may send commands to stations; empty: the console only shows",
        allowed="empty, or 16 to 200 printable characters without a blank",
        check=lambda text: not text or is_token(text),
    )
    console_token_file: str = setting("", "a file that holds the token, in place of it")
    console_since: str = setting(
        "1h",
        "how long ago what happened is shown from: 90s, 15m, 2h, 7d",
        allowed="a span such as 90s, 15m, 2h, 7d",
        check=lambda text: span_ms(text) is not None,
    )
    console_frames: int = setting(
        200, "frames kept of each station", unit="frames", low=10, high=10_000
    )
    console_frames_total: int = setting(
        50_000,
        "frames kept of all stations; those silent for longest lose theirs first",
        unit="frames",
        low=1000,
        high=10_000_000,
    )
    console_events: int = setting(
        5000, "events kept for the page of all stations", unit="events", low=100, high=1_000_000
    )
    console_transactions: int = setting(
        20_000,
        "transactions kept, the newest; open ones count, too",
        unit="transactions",
        low=100,
        high=1_000_000,
    )
    log_format: str = setting(
        "auto",
        "auto: console on a terminal, JSON elsewhere",
        choices=("auto", "json", "console"),
    )
    log_level: str = setting(
        "info", "least level that is logged", choices=("debug", "info", "warning", "error")
    )


def is_token(text: str) -> bool:
    """Whether a text is fit to be a token: hard to guess, and legal in a header."""
    return 16 <= len(text) <= 200 and text.isascii() and text.isprintable() and " " not in text
