"""Everything on one machine: what is said when it cannot start, and how it ends."""

import asyncio
import io
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from consumers.services import SERVICES
from deploy.local import ports
from deploy.local.days import TOKENS
from deploy.local.display import Display
from deploy.local.plan import Plan
from deploy.local.up import up
from tests.end_to_end.gateways import until

CONSUMERS = max(service.port for service in SERVICES.values()) - 9100
"""How many ports after the gateway's the consumers take."""


async def test_what_stands_in_the_way_is_said_before_anything_is_started(tmp_path: Path) -> None:
    """All in one go, with exit code 1."""
    shown = io.StringIO()
    with socket.create_server((ports.HOST, 0)) as taken:
        wanted = Plan(
            kafka="broker-1:9092",
            listen=f"0.0.0.0:{taken.getsockname()[1]}",
            admin=f"127.0.0.1:{ports.free_port(CONSUMERS)}",
            data=str(tmp_path),
        )
        assert await up(wanted, Display(shown)) == 1
    assert "CHARGEWIRE_KAFKA=broker-1:9092" in shown.getvalue()
    assert "CHARGEWIRE_LISTEN=localhost:PORT" in shown.getvalue()
    assert os.listdir(tmp_path / "kafka") == ["lock"]


MAIN = "from chargewire.__main__ import main; main()"
# Of the end of consumers: so long nobody waits for it in vain.
PATIENT = "from deploy.local import up; up.CONSUMER_TIME_S = 3600.0"
# As if none of the consumers ever became ready.
NEVER_UP = """
import asyncio
from deploy.local import programs
async def never(_):
    await asyncio.Event().wait()
programs.all_ready = never
"""


class Running:
    """`chargewire up` as a person runs it, on ports of its own; `changed` is done to it before."""

    def __init__(
        self, data: Path, environ: dict[str, str], stations: int = 2, changed: str = ""
    ) -> None:
        words = ["up", "--data", str(data), "--stations", str(stations)]
        program = ["-c", f"{changed}\n{MAIN}"] if changed else ["-m", "chargewire"]
        self.process = subprocess.Popen(
            [sys.executable, *program, *words],
            env=environ,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.said = ""

    async def until(self, text: str) -> None:
        """Read what it says up to a line with `text`. Fails when it ends before."""
        assert self.process.stderr is not None
        async with asyncio.timeout(300):
            while text not in self.said:
                line = await asyncio.to_thread(self.process.stderr.readline)
                assert line, self.said
                self.said += line

    async def ended(self) -> int:
        assert self.process.stderr is not None
        self.said += await asyncio.to_thread(self.process.stderr.read)
        return await asyncio.to_thread(self.process.wait, 120)

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, word: str) -> psutil.Process:
        """The only child with this word in its command line."""
        found = []
        for child in self.children():
            with suppress(psutil.NoSuchProcess):  # it ended since it was listed
                found += [child] if word in child.cmdline() else []
        (only,) = found
        return only


def lives(process: psutil.Process) -> bool:
    """Whether it runs; of one that has ended its parent may not have taken note yet."""
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


@pytest.fixture
def environ() -> dict[str, str]:
    chosen = {
        "CHARGEWIRE_KAFKA": ports.free_port(),
        "CHARGEWIRE_LISTEN": ports.free_port(),
        "CHARGEWIRE_ADMIN": ports.free_port(CONSUMERS),
        "CHARGEWIRE_CONSOLE_LISTEN": ports.free_port(),
    }
    return os.environ | {name: f"localhost:{port}" for name, port in chosen.items()}


@pytest.fixture
def running(tmp_path: Path, environ: dict[str, str]) -> Iterator[list[Running]]:
    """What a test starts, so that nothing of it is left."""
    everything: list[Running] = []
    yield everything
    for one in everything:
        if one.process.poll() is None:
            for process in one.children():
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            one.process.kill()
        one.process.wait()
        if one.process.stderr is not None:
            one.process.stderr.close()


@pytest.mark.kafka
@pytest.mark.slow
async def test_ctrl_c_ends_all_and_a_second_start_goes_on(
    tmp_path: Path, environ: dict[str, str], running: list[Running]
) -> None:
    """SIGINT to the whole foreground group, exit code 0, no traceback, no process left."""
    for expected in ("first", "second"):
        one = Running(tmp_path, environ)
        running.append(one)
        await one.until("Running with 2 simulated stations")
        children = one.children()
        os.killpg(one.process.pid, signal.SIGINT)
        assert await one.ended() == 0, expected
        ends = ("Stations  ", "Console  ", "Gateway  ", "Consumers  ", "Kafka  ")
        order = [one.said.rindex(word) for word in ends]
        assert order == sorted(order)
        assert "Traceback" not in one.said
        assert not [child for child in children if lives(child)]
    assert (tmp_path / "stations.json").exists()


Rows = list[tuple[Any, ...]]


async def rows(file: Path, statement: str, enough: Callable[[Rows], object] = bool) -> Rows:
    """The rows that a statement gives in a store, as soon as they are enough."""

    def look() -> Rows:
        found: Rows = []
        with (
            closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as store,
            suppress(sqlite3.OperationalError),  # its consumer is in the middle of something
        ):
            found = store.execute(statement).fetchall()
        return found if enough(found) else []

    found: Rows = await until(look, f"{statement} in {file.name}", 300)
    return found


@pytest.mark.kafka
@pytest.mark.slow
async def test_what_stations_do_is_decided_and_comes_to_the_tables(
    tmp_path: Path, environ: dict[str, str], running: list[Running]
) -> None:
    """A transaction of a seeded token, begun with a decision; and a consumer that died is named."""
    one = Running(tmp_path, environ, stations=6)
    running.append(one)
    await one.until("Ctrl-C ends everything")
    assert "tokens list --unknown" in one.said
    known = {*TOKENS} - {*TOKENS[11::12]}
    tokens = await rows(
        *(tmp_path / "authorizations.db", "SELECT spelling FROM id_tokens"),
        lambda found: len(found) >= len(known),
    )
    assert {spelling for (spelling,) in tokens} == known
    begun = "SELECT station, token FROM transactions WHERE token IS NOT NULL"
    ((station, token), *_) = await rows(tmp_path / "transactions.db", begun)
    assert str(station).startswith("CW-")
    assert token in TOKENS
    url = f"http://{environ['CHARGEWIRE_ADMIN']}/metrics"
    link = re.search(r"(http://\S+)/#token=(\S{20,})", one.said)
    assert link is not None
    taken = r'chargewire_decisions_total\{outcome="taken"\} [1-9]'
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:

        async def decided() -> object:
            return re.search(taken, (await client.get(url)).text)

        async def ready() -> dict[str, Any] | None:
            about: dict[str, Any] = (await client.get(f"{link[1]}/api/about")).json()
            return about if about["ready"] else None

        # A machine that stood still may have had a decision come too late, and what is read be old.
        await until(decided, "no decision was taken", 300)
        assert (await until(ready, "the console is not ready", 300))["may_command"] is True
        with_token = {"authorization": f"Bearer {link[2]}"}
        asked = await client.post(f"{link[1]}/api/commands", json={}, headers=with_token)
        assert asked.status_code == 400, "the token is right, the command is none"
    children = one.children()
    one.child("transactions").kill()
    assert await one.ended() == 1
    assert re.search(r"The consumer transactions has ended by itself.*transactions\.log", one.said)
    assert not [child for child in children if lives(child)]


@pytest.mark.kafka
@pytest.mark.slow
async def test_a_consumer_that_hangs_keeps_nobody_from_ending(
    tmp_path: Path, environ: dict[str, str], running: list[Running]
) -> None:
    """A second Ctrl-C does not even wait for its time."""
    one = Running(tmp_path, environ, changed=PATIENT)
    running.append(one)
    await one.until("Ctrl-C ends everything")
    children = one.children()
    one.child("stations").suspend()
    one.process.send_signal(signal.SIGINT)
    await one.until("drained and ended")
    one.process.send_signal(signal.SIGINT)
    async with asyncio.timeout(300):
        assert await one.ended() == 0
    assert not [child for child in children if lives(child)]


@pytest.mark.kafka
@pytest.mark.slow
async def test_a_part_that_dies_is_named_with_the_end_of_its_log(
    tmp_path: Path, environ: dict[str, str], running: list[Running]
) -> None:
    """The gateway is killed: exit code 1, its last words, and Kafka is ended too."""
    one = Running(tmp_path, environ)
    running.append(one)
    await one.until("Running with")
    children = one.children()
    one.child("gateway").kill()
    assert await one.ended() == 1
    assert re.search(r"The gateway has ended by itself.*gateway\.log", one.said)
    assert "ready" in one.said.rpartition("gateway.log")[2]
    assert not [child for child in children if lives(child)]


@pytest.mark.kafka
@pytest.mark.slow
async def test_sigterm_before_it_is_up_ends_it_too(
    tmp_path: Path, environ: dict[str, str], running: list[Running]
) -> None:
    """Exit code 0, and Kafka does not stay behind."""
    one = Running(tmp_path, environ, changed=NEVER_UP)
    running.append(one)
    await one.until("Kafka  ")
    children = one.children()
    one.process.send_signal(signal.SIGTERM)
    assert await one.ended() == 0
    assert "Running" not in one.said
    assert "Traceback" not in one.said
    assert not [child for child in children if lives(child)]
