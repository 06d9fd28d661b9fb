"""A free port is one that a server can have, and keeps."""

import socket
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from deploy.local import ports

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_port_with_a_listener_is_not_free(host: str) -> None:
    """Whoever listens on all interfaces has the loopback's port too."""
    port = ports.free_port()
    assert ports.is_free(port)
    with socket.create_server((host, port)):
        assert not ports.is_free(port)
    assert ports.is_free(port)


def test_a_port_that_was_just_left_is_free() -> None:
    """Connections in TIME_WAIT do not keep a server from starting again."""
    port = ports.free_port()
    with (
        socket.create_server(("127.0.0.1", port)) as server,
        socket.create_connection(("127.0.0.1", port)),
    ):
        accepted, _ = server.accept()
        accepted.close()  # first: the server's end of it is the one that waits
    assert ports.is_free(port)


def test_a_port_in_use_is_never_chosen() -> None:
    """Others are tried instead, nor is it one of those after another."""
    taken = ports.free_port()
    with socket.create_server(("127.0.0.1", taken)):
        given = [ports.free_port(more=1) for _ in range(150)]
    assert not {port + more for port in given for more in (0, 1)} & {taken}
    assert len({*given}) < len(given), "all were tried, and the first ones again"


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of the test alone, which nobody else misses."""
    monkeypatch.setattr(ports, "_own", cache(ports._own.__wrapped__))
    monkeypatch.setattr(ports, "_claimed", lambda _: True)


@pytest.mark.usefixtures("own")
def test_where_all_ports_of_a_block_are_in_use_there_is_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Others may listen there who know nothing of blocks."""
    asked: list[int] = []

    def is_free(port: int) -> bool:
        asked.append(port)
        return port // 100 != asked[0] // 100

    monkeypatch.setattr(ports, "is_free", is_free)
    assert ports.free_port() // 100 != asked[0] // 100


@pytest.mark.usefixtures("own")
def test_where_all_ports_are_in_use_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for one for ever."""
    monkeypatch.setattr(ports, "is_free", lambda _: False)
    with pytest.raises(OSError, match="all ports from 15000 to 31999 seem to be in use"):
        ports.free_port()


def test_no_port_is_given_to_two_processes() -> None:
    """Whoever is told a port may take his time to listen there, and to listen there again."""
    ask = "from deploy.local import ports; print(*(ports.free_port() for _ in range(250)))"
    ours = {ports.free_port() for _ in range(250)}
    assert len(ours) <= 100
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert not ours & {int(port) for port in done.stdout.split()}


def test_no_client_is_given_a_servers_port_by_chance() -> None:
    """Free ports lie outside of the range for outgoing connections."""
    limits = Path("/proc/sys/net/ipv4/ip_local_port_range")
    lowest = int(limits.read_text().split()[0]) if limits.exists() else 49_152
    assert all(ports.free_port() < lowest for _ in range(50))
