"""Starts a gateway from environment and file alone, as a container does."""

import sys

from gateway.config import load
from gateway.program import run
from programs.settings import SettingsError


def main() -> int:
    """Run until SIGTERM; returns the exit code, 2 for settings that cannot be used."""
    try:
        config = load({})
    except SettingsError as error:
        sys.stderr.write("\n".join([*error.problems, ""]))
        return 2
    return run(config)


if __name__ == "__main__":
    sys.exit(main())
