"""TCP ports of the loopback interface for servers of ours."""

import errno
import os
import random
import socket
from dataclasses import dataclass
from functools import cache

HOST = "127.0.0.1"
# Below what Linux hands out for outgoing connections (32768 and up): a client that tries again
# while its server is down would otherwise, sooner or later, be given the server's port as its own.
_CHOICE = range(15_000, 32_000)
# A port is chosen some time before its server listens, and while a server is away nobody listens at
# its port; so no two processes choose from the same block.
_BLOCK = 100


@dataclass(slots=True)
class _Block:
    """Ports from `first` on that are this process's: one after another, and the first ones again
    when each was given.
    """

    first: int
    given: int = 0

    def give(self, count: int) -> int:
        """The first of so many."""
        if self.given + count > _BLOCK:
            self.given = 0
        port = self.first + self.given
        self.given += count
        return port


def free_port(more: int = 0) -> int:
    """A port that nobody listens on now, that no other process is told here, and that no client is
    given by chance.

    So many `more` after it are free as well. Raises OSError where there are none.
    """
    for _ in _CHOICE[::_BLOCK]:
        block = _own(os.getpid())
        for _ in range(_BLOCK):
            port = block.give(1 + more)
            if all(is_free(port + further) for further in range(more + 1)):
                return port
        _own.cache_clear()  # all of its ports are in use: another one
    first, last = _CHOICE[0], _CHOICE[-1]
    raise OSError(errno.EADDRINUSE, f"all ports from {first} to {last} seem to be in use")


def is_free(port: int) -> bool:
    """Whether a server of ours could listen on it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # TIME_WAIT is no listener
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError):  # in use, or no port at all
            return False
    return True


@cache
def _own(_process: int) -> _Block:  # one that was forked is another
    """The block of this process."""
    firsts = random.sample(_CHOICE[::_BLOCK], len(_CHOICE[::_BLOCK]))
    for first in firsts:
        if _claimed(first):
            return _Block(first)
    return _Block(firsts[0])


def _claimed(first: int) -> bool:
    """Whether we have the name that one process has at a time, and loses with its end (unix(7),
    abstract sockets).

    False: another one has it, or this system has no such names.
    """
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0chargewire-ports-{first}")
    except OSError:
        claim.close()
        return False
    claim.detach()  # open as long as the process is there
    return True
