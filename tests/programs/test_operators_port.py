"""The operators' port over a real socket."""

import asyncio
import signal

import httpx
import pytest

from gateway import exposition
from gateway.metrics import Metrics
from programs.operators_port import BODY_MAX_BYTES, Admin, application


def schemas(method: str, path: str, *, body: bytes) -> tuple[int, object]:
    if path == "/nowhere":
        return 404, {"error_code": 404, "message": "no"}
    return 200, [method, path, body.decode()]


class State:
    """What the gateway would tell."""

    def __init__(self) -> None:
        self.unready = ["the log is out of reach"]
        self.unwell: list[str] = []
        self.metrics = Metrics()

    def admin(self) -> Admin:
        app = application(
            metrics=lambda: exposition.text(self.metrics.samples()),
            unready=lambda: self.unready,
            unwell=lambda: self.unwell,
            schemas=schemas,
        )
        return Admin("127.0.0.1:0", app)


@pytest.fixture
def state():
    return State()


@pytest.fixture
async def client(state):
    admin = state.admin()
    port = await admin.start()
    url = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as client:
        yield client
    await admin.stop()


async def test_readiness_gives_its_reasons(state, client):
    """503 with a list of texts, until there is none."""
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, ["the log is out of reach"])
    state.unready.clear()
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, [])


async def test_health_does_not_depend_on_readiness(state, client):
    """A gateway without Kafka must not be restarted: that would not bring Kafka back."""
    assert (await client.get("/healthz")).status_code == 200
    state.unwell.append("worker-1: no sign of life for 12 s")
    answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()) == (503, state.unwell)


async def test_metrics_are_prometheus_text(state, client):
    """As of the moment of the request."""
    state.metrics.takeover()
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "chargewire_takeovers_total 1.0" in answer.text


async def test_the_registry_answers_at_the_root(client):
    """Where deserializers expect it, with its own media type; it sees the path as it came."""
    answer = await client.get("/schemas/ids/1")
    assert answer.json() == ["GET", "/schemas/ids/1", ""]
    assert answer.headers["content-type"] == "application/vnd.schemaregistry.v1+json"
    answer = await client.post("/subjects/a%2Fb-value", content=b"body")
    assert answer.json() == ["POST", "/subjects/a%2Fb-value", "body"]
    assert (await client.get("/nowhere")).status_code == 404


async def test_the_registry_answers_a_head_as_its_get(client):
    """With the same status and length, and without the body."""
    whole, head = await client.get("/schemas/ids/1"), await client.head("/schemas/ids/1")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.content))
    assert (await client.head("/nowhere")).status_code == 404


async def test_a_body_of_any_size_is_not_taken(client):
    """Nobody fills the gateway's memory from here."""
    answer = await client.post("/subjects/x", content=b"x" * (BODY_MAX_BYTES + 1))
    assert answer.status_code == 413


async def test_where_a_real_registry_serves_the_root_says_so(state):
    """Two sources of ids would be one too many."""
    app = application(metrics=bytes, unready=list, unwell=list, schemas=None)
    admin = Admin("127.0.0.1:0", app)
    port = await admin.start()
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        answer = await client.get(f"http://127.0.0.1:{port}/schemas/ids/1")
    await admin.stop()
    assert answer.status_code == 404
    assert "CHARGEWIRE_SCHEMA_REGISTRY" in answer.json()["message"]


async def test_signals_are_left_to_the_program(state):
    """uvicorn would take SIGTERM for itself, and the gateway would never drain."""
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    admin = state.admin()
    await admin.start()
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
    await admin.stop()


async def test_stopping_is_bounded_by_no_client(state):
    """A connection that stays open, and one in the middle of its request, hold nothing up."""
    admin = state.admin()
    port = await admin.start()
    _, half = await asyncio.open_connection("127.0.0.1", port)
    half.write(b"GET /readyz HTTP/1.1\r\nHost: x\r\n")
    await half.drain()
    async with asyncio.timeout(60):
        await admin.stop(2)
    half.close()
    with pytest.raises(OSError, match=r"refused|Connect"):
        await asyncio.open_connection("127.0.0.1", port)


async def test_an_address_in_use_stops_the_start(state):
    """With the system's error, at once."""
    first = state.admin()
    port = await first.start()
    app = application(metrics=bytes, unready=list, unwell=list, schemas=None)
    with pytest.raises(OSError, match="in use"):
        await Admin(f"127.0.0.1:{port}", app).start()
    await first.stop()


async def test_stopping_what_never_started_is_nothing(state):
    """The composition root stops everything, whatever came to be."""
    await state.admin().stop()
