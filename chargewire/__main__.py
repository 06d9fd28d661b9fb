"""The entry point of the command `chargewire`."""

import os
import sys

from chargewire.cli import chargewire


def main() -> None:
    """Run the command line; a reader that went away, as `head` does, is no error."""
    try:
        chargewire(prog_name="chargewire")
    except BrokenPipeError:
        # Python would complain once more while it flushes standard output at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)


if __name__ == "__main__":
    main()
