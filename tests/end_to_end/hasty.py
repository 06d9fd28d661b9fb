"""A consumer whose death its group notices after one and a half seconds: `python -m` starts it."""

import sys

from consumers import program
from consumers.config import Config, completed
from consumers.membership import open_member
from consumers.services import SERVICES
from schemas import settings_file

SESSION_MS = 1500


async def _member(options, *, group):
    """As `open_member`."""
    hasty = {"session_timeout_ms": SESSION_MS, "heartbeat_interval_ms": 300}
    return await open_member({**options, **hasty}, group=group)


if __name__ == "__main__":
    name = sys.argv[1]
    program.open_member = _member
    config = completed(name, settings_file.load(Config, {}))
    sys.exit(program.run(config, SERVICES[name].consumer))
