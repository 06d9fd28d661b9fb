"""Programs beside Kafka: when they are ready, what is said when they end, how they are ended."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from deploy.local import ports
from deploy.local.process import Process
from deploy.local.programs import Program, ProgramError, all_ended, all_ready

# Answers 503 twice on /readyz, then 200; SIGTERM ends it, or does not.
_SERVER = """
import http.server, signal, sys
port, obeys = int(sys.argv[1]), sys.argv[2] == "obeys"
signal.signal(signal.SIGTERM, (lambda *_: sys.exit(0)) if obeys else (lambda *_: print("no")))
asked = []
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked.append(self.path)
        self.send_response(200 if len(asked) > 2 else 503)
        self.end_headers()
    def log_message(self, *_):
        pass
print("hello", flush=True)
http.server.HTTPServer(("127.0.0.1", port), Answer).serve_forever()
"""


@pytest.fixture
def start(tmp_path: Path):
    """Starts such programs, of which none is left afterwards."""
    started: list[Process] = []

    def start(*words: str, code: str = _SERVER) -> Program:
        port = ports.free_port()
        log = tmp_path / f"{port}.log"
        process = Process([sys.executable, "-c", code, str(port), *words], log=log)
        started.append(process)
        return Program("The consumer x", f"http://127.0.0.1:{port}", process)

    yield start
    for process in started:
        process.kill()


async def test_ready_is_when_all_of_them_say_so(start) -> None:
    """503 is not yet."""
    running = [start("obeys"), start("obeys")]
    await all_ready(running)
    assert all(one.runs for one in running)
    for one in running:
        one.check()


async def test_one_that_ends_is_named_with_the_end_of_its_log(start) -> None:
    """While it starts, and later."""
    one = start(code="print('out of luck'); raise SystemExit(3)")
    with pytest.raises(ProgramError, match=r"(?s)The consumer x ended. The end of .*out of luck"):
        await all_ready([start("obeys"), one])
    with pytest.raises(ProgramError, match=r"(?s)has ended by itself \(3\).*out of luck"):
        one.check()


async def test_one_that_never_gets_ready_is_named(start) -> None:
    """With how long we waited."""
    one = start(code="import time; time.sleep(600)")
    with pytest.raises(ProgramError, match=r"was not ready after 0\.3 s"):
        await one.ready(0.3)


async def test_one_that_does_not_end_keeps_nobody_waiting_for_ever(start) -> None:
    """The others have ended in good order, and it is there to be killed."""
    good, bad = start("obeys"), start("does not")
    await all_ready([good, bad])
    await asyncio.wait_for(all_ended([good, bad], 1.0), 60)
    assert await good.process.ended(60) == 0
    assert bad.runs
    bad.process.kill()
    assert bad.process.exit_code == -signal.SIGKILL
    await all_ended([good, bad], 1.0)  # those that have ended already are no trouble
