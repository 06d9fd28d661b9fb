"""A network namespace of the run's own, and slow ways inside it: `tc` of iproute2.

There is nothing in it but a loopback interface, which the kernel takes away with the last process.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable

INSIDE = "--inside"
_FREE = "10gbit"
_CLASSES = {"stations": "10", "Kafka": "20"}


def missing() -> str:
    """Why there can be no namespace of our own; empty: there can."""
    if os.geteuid() != 0:
        return "only root may make a network namespace"
    for program in ("unshare", "ip", "tc"):
        if shutil.which(program) is None:
            return f"{program} is not installed (util-linux, iproute2)"
    return _failure("unshare", "--net", "ip", "link", "set", "lo", "up")


def enter(module: str, arguments: Iterable[str]) -> None:
    """Become the same program inside a namespace of its own; it does not return."""
    unshare = shutil.which("unshare")
    assert unshare is not None
    command = [unshare, "--net", "--", sys.executable, "-m", module, *arguments, INSIDE]
    os.execv(unshare, command)


class Network:
    """The loopback interface that only we use; `inside` says whether there is one.

    `how` tells in words what slow means here, or why nothing can be made slow.
    """

    def __init__(self, *, inside: bool, why_not: str = "") -> None:
        self.works = inside
        self.how = why_not
        self._netem = False
        if not inside:
            return
        _must("ip", "link", "set", "lo", "up")
        if problem := _failure(*_tc("qdisc", "add", "root", "handle", "1:", "htb", "default", "1")):
            self.works, self.how = False, f"the kernel has no htb: {problem}"
            return
        for number in ("1", *_CLASSES.values()):
            self._class("add", number, _FREE)
        trial = _tc("qdisc", "add", "parent", "1:10", "handle", "10:", "netem", "delay", "1ms")
        problem = _failure(*trial)
        self._netem = not problem
        if self._netem:
            _must(*_tc("qdisc", "del", "parent", "1:10", "handle", "10:"))
            self.how = "netem: delay, jitter and loss"
        else:
            self.how = f"no netem in this kernel ({problem}); instead htb and pfifo: a narrow way,"
            self.how += " and loss where its queue is full"

    def over(self, what: str, ports: Iterable[int]) -> None:
        """The way to `what`, "stations" or "Kafka", is over these ports of servers."""
        for port in ports if self.works else ():
            for end in ("dport", "sport"):
                match = ("match", "ip", end, str(port), "0xffff")
                flow = ("flowid", f"1:{_CLASSES[what]}")
                _must(*_tc("filter", "add", "parent", "1:", "protocol", "ip", "u32", *match, *flow))

    def slow(self, what: str, extent: float, width_kbit: float) -> None:
        """Make a way slow and lossy. `width_kbit` is about what goes over it in good days."""
        number = _CLASSES[what]
        parent = ("parent", f"1:{number}", "handle", f"{number}:")
        if self._netem:
            far = 1.0 if what == "stations" else 0.1
            delay_ms, loss = far * (20 + 300 * extent), far * (0.5 + 4 * extent)
            late = ("delay", f"{delay_ms:.0f}ms", f"{delay_ms / 3:.0f}ms", "loss", f"{loss:.2f}%")
            _must(*_tc("qdisc", "replace", *parent, "netem", *late, "limit", "10000"))
            return
        self._class("change", number, f"{width_kbit * (1.5 - extent):.0f}kbit")
        _must(*_tc("qdisc", "replace", *parent, "pfifo", "limit", "50"))

    def mend(self, what: str) -> None:
        """As it was."""
        number = _CLASSES[what]
        if not self._netem:
            self._class("change", number, _FREE)
        _failure(*_tc("qdisc", "del", "parent", f"1:{number}", "handle", f"{number}:"))

    def _class(self, do: str, number: str, rate: str) -> None:
        names = ("parent", "1:", "classid", f"1:{number}")
        _must(*_tc("class", do, *names, "htb", "rate", rate, "quantum", "60000"))


def _tc(kind: str, do: str, *rest: str) -> tuple[str, ...]:
    return ("tc", kind, do, "dev", "lo", *rest)


def _failure(*command: str) -> str:
    """What a command complains about; empty: it was done."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stderr.strip().splitlines() or ["failed"])[0] if done.returncode else ""


def _must(*command: str) -> None:
    problem = _failure(*command)
    if problem:
        raise OSError(f"{' '.join(command)}: {problem}")
