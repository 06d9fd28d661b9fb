"""`chargewire health`: whom it asks, and how it ends."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from click.testing import CliRunner, Result

from chargewire.console.server import Guarded
from chargewire.health import health
from deploy.local.ports import free_port
from programs.operators_port import Admin, application


class Program:
    """A program's operators' port, and what it tells."""

    def __init__(self) -> None:
        self.unready: list[str] = []
        self.unwell: list[str] = []
        self.address = f"127.0.0.1:{free_port()}"

    async def asked(self, *words: str, **environ: str) -> Result:
        """What the command says, with this program's address among the settings."""
        given = {"CHARGEWIRE_ADMIN": self.address} | environ
        return await asyncio.to_thread(CliRunner().invoke, health, list(words), env=given)


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that stands still for some seconds does not make anybody ill here."""
    monkeypatch.setattr("chargewire.health.TIME_S", 60.0)


@pytest.fixture
async def program() -> AsyncIterator[Program]:
    """One that answers."""
    made = Program()
    app = application(
        metrics=bytes, unready=lambda: made.unready, unwell=lambda: made.unwell, schemas=None
    )
    admin = Admin(made.address, app)
    await admin.start()
    yield made
    await admin.stop()


async def test_who_is_ready_is_healthy(program: Program):
    """Code 0, with and without its name."""
    for words in ([], ["gateway"], ["transactions"]):
        result = await program.asked(*words)
        assert (result.exit_code, result.output) == (0, "ready\n"), words


async def test_reasons_are_told(program: Program):
    """As the operators' port gives them, with code 1."""
    program.unready = ["Kafka is away", "no positions yet"]
    result = await program.asked()
    assert (result.exit_code, result.output) == (1, "Error: Kafka is away; no positions yet\n")


async def test_a_console_is_called_by_a_name_of_its_own(program: Program):
    """It turns away whoever calls it otherwise, a container's health check, too."""
    app = application(metrics=bytes, unready=list, unwell=list, schemas=None)
    address = f"127.0.0.1:{free_port()}"
    console = Admin(address, Guarded(app, frozenset({"console.example"})))
    await console.start()
    named = {"CHARGEWIRE_CONSOLE_HOSTS": "console.example,other.example"}
    try:
        for names, code in ((named, 0), ({}, 1)):
            environ = {"CHARGEWIRE_CONSOLE_LISTEN": address} | names
            assert (await program.asked("console", **environ)).exit_code == code
    finally:
        await console.stop()


async def test_who_waits_for_kafka_lives(program: Program):
    """--live asks less: restarting it would not bring Kafka back."""
    program.unready = ["Kafka is away"]
    assert (await program.asked("--live")).exit_code == 0
    program.unwell = ["worker-1 has said nothing for 30 s"]
    assert (await program.asked("--live")).exit_code == 1


async def test_the_console_is_found_at_its_own_address(program: Program):
    """It has no CHARGEWIRE_ADMIN; where that is set all the same, both are tried."""
    nobody = f"127.0.0.1:{free_port()}"
    console = {"CHARGEWIRE_CONSOLE_LISTEN": program.address, "CHARGEWIRE_ADMIN": nobody}
    assert (await program.asked(**console)).exit_code == 0
    assert (await program.asked("console", **console)).exit_code == 0
    assert (await program.asked("gateway", **console)).exit_code == 1


async def test_every_address_of_a_machine_is_asked_at_its_own():
    """Where a program listens everywhere, it is asked on the loopback address."""
    made = Program()
    port = made.address.partition(":")[2]
    app = application(metrics=bytes, unready=list, unwell=list, schemas=None)
    admin = Admin(made.address, app)
    await admin.start()
    try:
        assert (await made.asked(CHARGEWIRE_ADMIN=f"0.0.0.0:{port}")).exit_code == 0
    finally:
        await admin.stop()


async def test_silence_is_ill():
    """Nobody there, and another program there that speaks no HTTP, both end with 1."""

    async def chatter(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello\r\n\r\n")
        writer.close()

    made = Program()
    result = await made.asked("gateway")
    assert (result.exit_code, result.output) == (1, f"Error: nobody answers at {made.address}\n")
    host, _, port = made.address.partition(":")
    async with await asyncio.start_server(chatter, host, int(port)):
        assert (await made.asked("gateway")).exit_code == 1


def test_a_name_of_nobody_is_an_error_of_usage():
    """With all the names there are."""
    result = CliRunner().invoke(health, ["gatway"])
    assert result.exit_code == 2
    assert "transactions" in result.output
