"""A gateway that no slow machine makes impatient with Kafka or a decider: `python -m` starts it.

With a number of seconds it waits for its own claims as well, however much that is.
"""

import sys
from dataclasses import replace

from gateway import calls, config
from gateway.program import run

WAIT_S = 600.0


if __name__ == "__main__":
    config.STATION_TIME_OUT_S = 10_000
    calls.CLAIM_TIME_S = float(sys.argv[1]) if sys.argv[1:] else calls.CLAIM_TIME_S
    told = config.load({})
    sys.exit(run(replace(told, ack_time_s=WAIT_S, outage_time_s=WAIT_S)))
