"""A consumer whose death its group notices after one and a half seconds: `python -m` starts it.

Or, where milliseconds stand before its name, after so many; then it does as well what is more than
folding: it decides, and asks stations.
"""

import sys

from consumers import program
from consumers.config import Config, completed
from consumers.log.membership import open_member
from consumers.services import SERVICES
from programs import settings_file

SESSION_MS = 1500


async def _member(options, *, group):
    """As `open_member`."""
    session = {"session_timeout_ms": session_ms, "heartbeat_interval_ms": 300}
    return await open_member({**options, **session}, group=group)


if __name__ == "__main__":
    *told, name = sys.argv[1:]
    session_ms = int(told[0]) if told else SESSION_MS
    program.open_member = _member
    config = completed(name, settings_file.load(Config, {}))
    service = SERVICES[name]
    sequels = service.sequels if told else ()
    sys.exit(program.run(config, service.consumer, sequels=sequels))
