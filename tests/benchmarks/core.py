"""What the pure core costs: a session in one process, no socket, no broker, no event loop."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from gateway import answers, frames, intake, replies
from gateway.config import load
from gateway.effects import Instant, Record
from gateway.events import Writer
from gateway.policy import Policies
from gateway.session import Session
from programs import registry
from schemas.catalogue import VERSIONS
from schemas.codec import Codec
from tests.benchmarks.workloads import HEARTBEAT, METER_VALUES, WORKLOADS, Frame

STATION = "BENCH-00001"
NOW = Instant(1.0, 1_777_638_896_789)
REPEATS = 5
FRAMES = 20_000


def core() -> dict[str, Any]:
    """CPU time per CALL, in microseconds: the whole session's, and that of its steps."""
    codec = Codec(registry.builtin_ids())
    codec.prepare()
    found: dict[str, Any] = {}
    for name, script in WORKLOADS.items():
        texts = [frame.text(number) for number, frame in enumerate(script)]
        found[name] = {"received": _cost(partial(_all, _session(codec), texts), len(texts))}
    for frame in (METER_VALUES, HEARTBEAT):
        found[frame.action] |= _steps(frame, codec)
    return found


def _session(codec: Codec) -> Session:
    config = load({}, environ={})
    writer = Writer(
        station=STATION,
        connection_id="0b7a3c52-5d1e-4f0e-9a52-2f4f0f5c9b1d",
        gateway="bench",
        version=VERSIONS["1.6"],
        encode=codec.encode,
    )
    session = Session(writer, Policies(config, {}).of(STATION.encode()))
    session.opened({}, NOW)
    session.recorded(12_345, NOW)
    return session


def _all(session: Session, texts: Sequence[str]) -> None:
    for text in texts:
        effects = session.received(text, NOW)
        assert sum(isinstance(effect, Record) for effect in effects) == 2, "a CALL and its answer"


def _steps(frame: Frame, codec: Codec) -> Mapping[str, float]:
    """The parts of `received` that can be had alone; the rest is the session itself."""
    version, text = VERSIONS["1.6"], frame.text(1)
    session = _session(codec)
    call = frames.decode(text, version)
    assert isinstance(call, frames.Call)
    quirks = session.policy.quirks
    context = replies.Context(STATION, NOW.ms, session.policy.answers)
    reply = replies.reply("1.6", frame.action, frame.payload, context)
    return {
        "decode": _cost(lambda: frames.decode(text, version)),
        "take": _cost(lambda: intake.take(call, text, version, quirks)),
        "answer": _cost(lambda: answers.answer(version, frame.action, "1", reply)),
    }


def _cost(work: Callable[[], object], frames_each: int = 1) -> float:
    """Least CPU time of a few repeats, in microseconds per frame: the others were disturbed."""
    times = []
    for _ in range(REPEATS):
        before = time.process_time()
        for _ in range(FRAMES // frames_each):
            work()
        times.append(time.process_time() - before)
    return 1e6 * min(times) / (FRAMES // frames_each * frames_each)
