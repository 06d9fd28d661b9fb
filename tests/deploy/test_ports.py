"""A free port is one that a server can have, and keeps."""

import socket
from pathlib import Path

import pytest

from deploy.local import ports


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


def test_a_port_in_use_is_never_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another is tried instead."""
    taken, free = ports.free_port(), ports.free_port()
    choices = iter([taken, free])
    monkeypatch.setattr(ports.random, "choice", lambda _: next(choices))
    with socket.create_server(("127.0.0.1", taken)):
        assert ports.free_port() == free


def test_no_client_is_given_a_servers_port_by_chance() -> None:
    """Free ports lie outside of the range for outgoing connections."""
    limits = Path("/proc/sys/net/ipv4/ip_local_port_range")
    lowest = int(limits.read_text().split()[0]) if limits.exists() else 49_152
    assert all(ports.free_port() < lowest for _ in range(50))
