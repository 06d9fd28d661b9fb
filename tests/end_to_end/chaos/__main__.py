"""Everything at once, while everything breaks: `python -m tests.end_to_end.chaos`, `make chaos`.

Gateways, consumers, Kafka, PostgreSQL, networks and disks break and come back by a plan that is
drawn from a seed. Afterwards the books of the stations, the topics and the tables are held against
each other. Exit code 0: they agree; 1: they do not, and the first differences are shown.
"""

import argparse
import asyncio
import json
import random
import resource
import signal
import sys
import tempfile
from pathlib import Path

from deploy.local.kafka import Broker
from tests.benchmarks.figures import put
from tests.end_to_end.chaos import network
from tests.end_to_end.chaos.report import BEGIN, END, Report
from tests.end_to_end.chaos.run import performed, say
from tests.end_to_end.chaos.world import Size

FEW = 100


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.end_to_end.chaos",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--stations", type=int, default=2000)
    parser.add_argument(
        "--seconds", type=float, default=600.0, help="from the beginning to closing"
    )
    parser.add_argument("--seed", type=int, help="of an earlier run; otherwise by chance")
    parser.add_argument("--gateways", type=int, default=3)
    parser.add_argument("--calls", type=float, help="deeds of all stations, per second")
    parser.add_argument("--every", type=float, help="seconds from one trouble to the next")
    parser.add_argument("--report", type=Path, help="a file for the report as JSON")
    parser.add_argument("--write", type=Path, help="a page to put the figures into")
    parser.add_argument("--no-netem", action="store_true", help="leave slow networks out")
    parser.add_argument(network.INSIDE, action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def _size(options: argparse.Namespace) -> Size:
    few = options.stations <= FEW
    doubles = ("transactions", "meter-readings", "authorizations", "commands")
    per_s = options.calls or min(150.0, float(options.stations))
    return Size(
        stations=options.stations,
        seconds=options.seconds,
        gateways=options.gateways,
        doubles=doubles[:2] if few else doubles,
        pause_s=options.stations / per_s,
        every_s=options.every or (3.0 if few else 5.0),
        commands=round(options.seconds * (5 if few else 10)),
    )


async def _run(options: argparse.Namespace, seed: int, ways: network.Network) -> Report:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    loop.add_signal_handler(signal.SIGTERM, task.cancel)  # as Ctrl-C: end what was started
    with tempfile.TemporaryDirectory(prefix="chargewire-chaos-") as folder:
        return await performed(_size(options), seed, Path(folder), ways)


def main(arguments: list[str]) -> int:
    """Run; returns the exit code."""
    options = _options(arguments)
    why_not = "--no-netem" if options.no_netem else network.missing()
    if not options.inside and not why_not:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(Broker(Path(folder), 0).fetch())  # inside there is no network
        network.enter("tests.end_to_end.chaos", arguments)
    ways = network.Network(inside=options.inside, why_not=why_not)
    seed = random.SystemRandom().randrange(2**32) if options.seed is None else options.seed
    say(f"seed {seed}")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        report = asyncio.run(_run(options, seed, ways))
    except (KeyboardInterrupt, asyncio.CancelledError):
        say("ended before its time; nothing is left behind")
        return 130
    say("\n" + report.text())
    if options.report:
        options.report.write_text(json.dumps(report.written(), indent=1) + "\n")
    if options.write:
        put(options.write, BEGIN, report.figures(), END)
    say("\nthe books agree" if report.agrees else "\nTHE BOOKS DO NOT AGREE")
    return 0 if report.agrees else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
