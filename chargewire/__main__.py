"""The entry point of the command `chargewire`."""

import os
import signal
from types import FrameType

from chargewire.cli import chargewire

_FIRST = 1  # the process of a container that is told to stop


def main() -> None:
    """Run the command line; exits the process."""
    if os.getpid() == _FIRST:
        # The kernel keeps signals from it that it has no word on, so a container that is stopped
        # before, or where, a program listens for them itself would last until it is killed.
        signal.signal(signal.SIGTERM, _ended)
    chargewire(prog_name="chargewire")


def _ended(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    main()
