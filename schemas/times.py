"""Times as every station reads them."""

from datetime import UTC, datetime
from functools import lru_cache


@lru_cache(maxsize=64)  # many frames share a millisecond under load
def timestamp(at_ms: int) -> str:
    """Epoch milliseconds as YYYY-MM-DDTHH:MM:SS.mmmZ (RFC 3339): +00:00 upsets some stations."""
    seconds, millis = divmod(at_ms, 1000)
    return f"{_second(seconds)}.{millis:03d}Z"


@lru_cache(maxsize=8)  # strftime is slow, and a second is long
def _second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"
