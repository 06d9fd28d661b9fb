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
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import httpx
import psutil
import pytest

from consumers.services import SERVICES
from deploy.local import ports
from deploy.local.days import TOKENS
from deploy.local.display import Display
from deploy.local.plan import Plan
from deploy.local.up import CONSUMER_TIME_S, up

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


class Running:
    """`chargewire up` as a person runs it, on ports of its own."""

    def __init__(self, data: Path, environ: dict[str, str], stations: int = 2) -> None:
        command = [sys.executable, "-m", "chargewire", "up", "--data", str(data)]
        self.process = subprocess.Popen(
            [*command, "--stations", str(stations)],
            env=environ,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.said = ""

    async def until(self, text: str) -> None:
        """Read what it says up to a line with `text`. Fails when it ends before."""
        assert self.process.stderr is not None
        async with asyncio.timeout(120):
            while text not in self.said:
                line = await asyncio.to_thread(self.process.stderr.readline)
                assert line, self.said
                self.said += line

    async def ended(self) -> int:
        assert self.process.stderr is not None
        self.said += await asyncio.to_thread(self.process.stderr.read)
        return await asyncio.to_thread(self.process.wait, 90)

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
        assert not [child for child in children if child.is_running()]
    assert (tmp_path / "stations.json").exists()


async def rows(file: Path, statement: str) -> list[tuple[object, ...]]:
    """The rows that a statement gives in a store, as soon as there are any; within 90 s."""
    async with asyncio.timeout(90):
        while True:
            with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as store:
                if found := store.execute(statement).fetchall():
                    return found
            await asyncio.sleep(0.2)


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
    tokens = await rows(tmp_path / "authorizations.db", "SELECT spelling, status FROM id_tokens")
    assert {spelling for spelling, _ in tokens} == {*TOKENS} - {*TOKENS[11::12]}
    begun = "SELECT station, token FROM transactions WHERE token IS NOT NULL"
    ((station, token), *_) = await rows(tmp_path / "transactions.db", begun)
    assert str(station).startswith("CW-")
    assert token in TOKENS
    url = f"http://{environ['CHARGEWIRE_ADMIN']}/metrics"
    link = re.search(r"(http://\S+)/#token=(\S{20,})", one.said)
    assert link is not None
    async with httpx.AsyncClient(trust_env=False) as client:
        shown = (await client.get(url)).text
        about = (await client.get(f"{link[1]}/api/about")).json()
        assert (about["ready"], about["may_command"]) == (True, True)
        with_token = {"authorization": f"Bearer {link[2]}"}
        asked = await client.post(f"{link[1]}/api/commands", json={}, headers=with_token)
        assert asked.status_code == 400, "the token is right, the command is none"
    assert re.search(r'chargewire_decisions_total\{outcome="taken"\} [1-9]', shown)
    children = one.children()
    one.child("transactions").kill()
    assert await one.ended() == 1
    assert re.search(r"The consumer transactions has ended by itself.*transactions\.log", one.said)
    assert not [child for child in children if child.is_running()]


@pytest.mark.kafka
@pytest.mark.slow
async def test_a_consumer_that_hangs_keeps_nobody_from_ending(
    tmp_path: Path, environ: dict[str, str], running: list[Running]
) -> None:
    """A second Ctrl-C does not even wait for its time."""
    one = Running(tmp_path, environ)
    running.append(one)
    await one.until("Ctrl-C ends everything")
    children = one.children()
    one.child("stations").suspend()
    one.process.send_signal(signal.SIGINT)
    await one.until("drained and ended")
    began = time.monotonic()
    one.process.send_signal(signal.SIGINT)
    assert await one.ended() == 0
    assert time.monotonic() - began < CONSUMER_TIME_S
    assert not [child for child in children if child.is_running()]


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
    assert not [child for child in children if child.is_running()]


@pytest.mark.kafka
@pytest.mark.slow
async def test_sigterm_before_it_is_up_ends_it_too(
    tmp_path: Path, environ: dict[str, str], running: list[Running]
) -> None:
    """Exit code 0, and Kafka does not stay behind."""
    one = Running(tmp_path, environ)
    running.append(one)
    await one.until("Kafka  ")
    children = one.children()
    one.process.send_signal(signal.SIGTERM)
    assert await one.ended() == 0
    assert "Running" not in one.said
    assert "Traceback" not in one.said
    assert not [child for child in children if child.is_running()]
