"""A consumer as a process of its own, with the consumer of the tests: `python -m` starts it."""

import sys

from consumers.config import Config
from consumers.program import run
from programs import settings_file
from tests.consumers.tally import CONSUMER, HISTORIES

if __name__ == "__main__":
    sys.exit(run(settings_file.load(Config, {}), CONSUMER, histories=HISTORIES))
