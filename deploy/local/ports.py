"""TCP ports of the loopback interface for servers of ours."""

import random
import socket

HOST = "127.0.0.1"
# Below what Linux hands out for outgoing connections (32768 and up): a client that tries again
# while its server is down would otherwise, sooner or later, be given the server's port as its own.
_CHOICE = range(15_000, 32_000)


def free_port(more: int = 0) -> int:
    """A port that nobody listens on now, and that no client is given by chance.

    So many `more` after it are free as well.
    """
    while True:
        port = random.choice(_CHOICE)  # noqa: S311 - no secret
        if all(is_free(port + further) for further in range(more + 1)):
            return port


def is_free(port: int) -> bool:
    """Whether a server of ours could listen on it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # TIME_WAIT is no listener
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError):  # in use, or no port at all
            return False
    return True
