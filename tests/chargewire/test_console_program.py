"""The console as it runs: a process that reads a real Kafka, asked over HTTP as browsers ask."""

import asyncio
import contextlib
import json
import signal
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from chargewire.console.config import Config
from chargewire.console.model import EVENTS, STATES
from chargewire.console.program import completed
from chargewire.console.server import BODY_MAX_BYTES
from deploy.local.kafka import Broker
from deploy.local.ports import HOST, free_port
from deploy.local.process import Process
from programs.settings import SettingsError
from tests.chargewire.consoled import CODEC, connection, frame_record, key_of, letter_record
from tests.log import create, records

TOKEN = "a-token-of-the-test"
PARTITIONS = 2
WAIT_S = 180.0
STATION = "CS/1 ä"  # as a path it is CS%2F1%20%C3%A4
PATH = "CS%2F1%20%C3%A4"


class Console:
    """A console process, and what it says over HTTP."""

    def __init__(self, bootstrap: str, prefix: str, folder: Path, **settings: str) -> None:
        self.bootstrap, self.prefix = bootstrap, prefix
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        environ = {
            "CHARGEWIRE_KAFKA": bootstrap,
            "CHARGEWIRE_PREFIX": prefix,
            "CHARGEWIRE_CONSOLE_LISTEN": f"{HOST}:{self.port}",
            "CHARGEWIRE_LOG_FORMAT": "json",
        } | {f"CHARGEWIRE_CONSOLE_{name.upper()}": value for name, value in settings.items()}
        command = [sys.executable, "-m", "chargewire", "console"]
        self.log = folder / f"console-{self.port}.log"
        self.process = Process(command, log=self.log, environ=environ)
        self.client = httpx.Client(base_url=self.url, trust_env=False, timeout=60)

    def said(self, path: str, status: int = 200, **query: Any) -> Any:
        """The JSON that it answers."""
        response = self.client.get(f"/api/{path}", params=query)
        assert response.status_code == status, response.text
        return response.json()

    def until_ready(self, status: int = 200) -> list[str]:
        """Wait until it says that it is ready, or is not; the reasons."""
        end_s = time.monotonic() + WAIT_S
        while time.monotonic() < end_s:
            assert self.process.exit_code is None, self.log.read_text()
            with contextlib.suppress(httpx.TransportError):
                response = self.client.get("/readyz")
                if response.status_code == status:
                    reasons: list[str] = response.json()
                    return reasons
            time.sleep(0.05)
        raise TimeoutError(self.log.read_text()[-2000:])

    def until(self, path: str, enough: Any) -> Any:
        """What it says as soon as it is enough."""
        end_s = time.monotonic() + WAIT_S
        while time.monotonic() < end_s:
            with contextlib.suppress(httpx.TransportError):  # it may not listen yet
                response = self.client.get(f"/api/{path}")
                if response.is_success and enough(found := response.json()):
                    return found
            time.sleep(0.05)
        raise TimeoutError(f"{path}: {self.log.read_text()[-2000:]}")

    async def write(self, *written: tuple[str, Mapping[str, Any]]) -> None:
        """Put records where gateways and consumers put them."""
        async with AIOKafkaProducer(bootstrap_servers=self.bootstrap) as producer:
            for topic, record in written:
                key, value = key_of(topic, dict(record)).encode(), CODEC.encode(topic, record)
                await producer.send(self.prefix + topic, value, key)
            await producer.flush()

    def end(self) -> None:
        self.client.close()
        self.process.kill()


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def said(action: str, payload: dict[str, Any], sequence: int, **more: Any) -> Any:
    usual = {"station": STATION, "sequence": sequence, "observed_at": now_ms()}
    return frame_record(action, payload, **(usual | more))


def history() -> list[tuple[str, dict[str, Any]]]:
    """What has happened before the console starts."""
    at_ms = now_ms()
    of = {"station": STATION, "generation": 1, "revision": 1}
    power = {"measurand": "Power.Active.Import", "unit": "W", "value": "7000"}
    values = [{"timestamp": "2026-11-21T12:00:00Z", "sampledValue": [power]}]
    begun = {"transaction_id": "17", "ordinal": 1, "state": "open", "begin_observed_ms": at_ms}
    ended = {"transaction_id": "16", "ordinal": 1, "state": "ended", "begin_observed_ms": at_ms - 9}
    names = {"command_id": "c-1", "action": "Reset"}
    return [
        ("connections", connection(STATION, type="connected", at=at_ms, sequence=0)),
        said("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}, 1),
        said("BootNotification", BOOTED, 2, kind="result", to_station=True, call_sequence=1),
        said("StatusNotification", CHARGING, 3),
        said("MeterValues", {"connectorId": 1, "transactionId": 17, "meterValue": values}, 4),
        ("rejected", letter_record(STATION, sequence=5, observed_at=at_ms)),
        ("tables.stations", of | {"vendor": "old", "connected": False, "connection_epoch": -1}),
        ("tables.connectors", of | {"evse": 0, "connector": 2, "status": "Available"}),
        ("tables.transactions", of | begun | {"id": "id-17", "energy_wh": "12.50"}),
        ("tables.transactions", of | ended | {"id": "id-16"}),
        ("tables.commands", of | names | {"state": "taken", "payload": "{}", "asked_ms": at_ms}),
        ("tables.stations", of | {"station": "CS-2", "vendor": "Other"}),
        ("stations", {"station": STATION, "group": "yard"}),
    ]


BOOTED = {"status": "Accepted", "currentTime": "2026-11-21T12:00:00Z", "interval": 300}
CHARGING = {"connectorId": 1, "errorCode": "NoError", "status": "Charging"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("console")


@pytest.fixture(scope="module")
def console(kafka: Broker, folder: Path) -> Iterator[Console]:
    """A console that has read a short history, and may command; tests add to it."""
    prefix = f"t-{uuid.uuid4().hex[:12]}."
    topics = [prefix + topic for topic in (*EVENTS, *STATES, "commands")]
    asyncio.run(create(kafka.bootstrap, topics, partitions=PARTITIONS))
    console = Console(kafka.bootstrap, prefix, folder, token=TOKEN, events="1500")
    try:
        asyncio.run(console.write(*history()))
        console.until_ready()
        console.until("stations", lambda found: found["total"] == 2)
        console.until(f"stations/{PATH}/frames", lambda found: len(found["frames"]) == 6)
        console.until("transactions", lambda found: found["total"] == 2)
        yield console
    finally:
        console.end()


@pytest.mark.kafka
def test_it_says_what_it_is(console: Console) -> None:
    """And how far it has read."""
    about = console.said("about")
    assert (about["name"], about["prefix"], about["ready"]) == ("chargewire", console.prefix, True)
    assert about["may_command"]
    assert about["read"]["records"] >= len(history())
    assert about["keeps"]["events"] == 1500
    assert console.client.get("/healthz").json() == []


@pytest.mark.kafka
def test_stations_are_shown_with_what_tables_and_log_say(console: Console) -> None:
    """The newer counts; page by page, by text and by state."""
    found = console.said("stations", q="cs/1")
    (one,) = found["stations"]
    assert (found["total"], one["connected"], one["vendor"]) == (1, True, "V")
    statuses = {(c["connector"], c["status"]) for c in one["connectors"]}
    assert statuses == {(1, "Charging"), (2, "Available")}
    assert found["counts"].keys() == {"all", "connected", "offline", "faulted", "charging"}
    assert found["counts"]["all"] >= 2
    first = console.said("stations", limit=1)
    assert (first["total"], len(first["stations"])) == (2, 1)
    second = console.said("stations", limit=1, after=first["next"])
    assert second["next"] is None
    assert {p["stations"][0]["station"] for p in (first, second)} == {"CS-2", STATION}
    assert [s["station"] for s in console.said("stations", state="charging")["stations"]] == [
        STATION
    ]
    page = console.said(f"stations/{PATH}")
    assert (page["group"], page["boot"]["registration_status"]) == ("yard", "Accepted")
    assert [row["id"] for row in page["transactions"]] == ["id-17", "id-16"]
    assert page["power"]["points"][0][1] == 7000
    console.said("stations/nobody", 404)
    console.said(f"stations/{PATH}/nothing", 404)


@pytest.mark.kafka
def test_frames_are_a_conversation_that_is_read_backwards(console: Console) -> None:
    """Each once, an answer points to its call, a dead letter stands among them; it begins with
    the connection."""
    first = console.said(f"stations/{PATH}/frames", limit=3)
    rest = console.said(f"stations/{PATH}/frames", before=first["next"])
    every = [*first["frames"], *rest["frames"]]
    numbers = [one["sequence"] for one in every]
    assert numbers == sorted(set(numbers), reverse=True)
    assert rest["next"] is None
    known = {one["sequence"]: one for one in every}
    assert known[2]["call_sequence"] == 1
    assert known[1]["payload"]["chargePointVendor"] == "V"
    assert (known[0]["action"], known[0]["direction"]) == ("connected", None)
    assert known[5]["rejected"] == {"rule": "not_json", "path": None}
    letters = console.said("rejected", station=STATION)["rejected"]
    assert [one["rule"] for one in letters] == ["not_json"]
    assert console.said("rejected", station="CS-2") == {"rejected": []}


@pytest.mark.kafka
def test_events_are_found_by_what_they_are(console: Console) -> None:
    """Station, action, topic, direction, any text; page by page."""

    def actions(**query: Any) -> list[str]:
        return [one["action"] for one in console.said("events", **query)["events"]]

    assert actions(station=STATION, topic="metering") == ["MeterValues"]
    assert actions(action="BootNotification", direction="to_station") == ["BootNotification"]
    assert actions(q="charging", topic="availability", station=STATION) == ["StatusNotification"]
    assert actions(station="CS-9") == []
    first = console.said("events", station=STATION, topic="provisioning", limit=1)
    second = console.said("events", station=STATION, topic="provisioning", after=first["next"])
    assert first["events"][0]["id"] > second["events"][0]["id"]


@pytest.mark.kafka
def test_transactions_are_shown_as_on_their_topic(console: Console) -> None:
    """Exact numbers as text; with their curve."""
    found = console.said("transactions", state="open")
    assert (found["total"], found["transactions"][0]["energy_wh"]) == (1, "12.50")
    first = console.said("transactions", limit=1)
    second = console.said("transactions", limit=1, after=first["next"])
    ids = [page["transactions"][0]["id"] for page in (first, second)]
    assert (ids, second["next"]) == (["id-17", "id-16"], None)
    one = console.said("transactions/id-17")
    assert one["transaction"]["station"] == STATION
    assert one["power"]["points"][0][1] == 7000
    console.said("transactions/id-9", 404)


@pytest.mark.kafka
def test_schemas_and_actions_are_there_to_be_browsed(console: Console) -> None:
    """Those of the version of a station, or of a version."""
    subjects = {one["subject"]: one for one in console.said("schemas")["subjects"]}
    schema = console.said(f"schemas/{console.prefix}metering-value")
    assert len(schema["fields"]) == subjects[f"{console.prefix}metering-value"]["fields"]
    console.said("schemas/nothing-value", 404)
    found = console.said("actions", station=STATION)
    assert (found["version"], "Reset" in {one["action"] for one in found["actions"]}) == (
        "1.6",
        True,
    )
    form = console.said("actions/Reset", station=STATION)["form"]
    assert form["properties"]["type"]["enum"] == ["Hard", "Soft"]
    assert console.said("actions/SetVariables", version="2.1")["version"] == "2.1"
    console.said("actions/SetVariables", 404, station=STATION)
    console.said("actions", 404, station="nobody")
    console.said("actions", 409, station="CS-2")
    assert console.said("commands", station=STATION)["commands"][0]["command_id"] == "c-1"
    assert console.said("commands/c-1")["state"] == "taken"
    console.said("commands/nothing", 404)


@pytest.mark.kafka
@pytest.mark.parametrize(
    "path",
    [
        "stations?limit=0",
        "stations?state=gone",
        "stations?colour=red",
        f"stations/{PATH}/frames?before=7",
        "events?after=x",
        "events?direction=up",
        "stream?colour=red",
        "stream?only=frames",
        "transactions?state=new",
        "transactions?after=7",
        "rejected?limit=many",
        "actions",
        "actions?version=3",
        "about?x=1",
    ],
)
def test_a_wrong_parameter_is_named(console: Console, path: str) -> None:
    """400, as JSON."""
    response = console.client.get(f"/api/{path}")
    assert response.status_code == 400
    name = path.partition("?")[2].partition("=")[0] or "version"
    assert name in response.json()["error"]


@pytest.mark.kafka
def test_every_answer_says_what_a_browser_may_do_with_it(console: Console) -> None:
    """Also files and errors; files are asked for again only when they have changed."""
    for path in ("/", "/static/app.js", "/api/about", "/api/nothing", "/nothing", "/readyz"):
        headers = console.client.get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"], path
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == ("no-store" if "/api/" in path else "no-cache")
    page = console.client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    again = console.client.get("/", headers={"if-none-match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert console.client.get("/static/../model.py").status_code == 404
    assert console.client.delete("/api/stations").status_code == 405
    assert "error" in console.client.get("/api/nothing").json()


@pytest.mark.kafka
def test_by_another_name_it_is_not_to_be_had(console: Console) -> None:
    """A site whose name leads here could read all of it (DNS rebinding)."""
    for path in ("/", "/api/stations"):
        response = console.client.get(path, headers={"host": f"evil.example:{console.port}"})
        assert response.status_code == 421
    named = console.client.get("/api/about", headers={"host": "localhost:1234"})
    assert named.status_code == 200


def post(console: Console, body: Any, token: str = TOKEN, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    usual = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    return console.client.post("/api/commands", content=content, headers=usual | headers)


RESET = {"station": STATION, "action": "Reset", "payload": {"type": "Soft"}}


@pytest.mark.kafka
async def test_a_command_goes_to_kafka_and_its_result_comes_back(console: Console) -> None:
    """202 is: Kafka has it. Who listens hears the result."""
    async with listening(console, station=STATION) as items:
        asked_ms = now_ms()
        response = post(console, RESET | {"when_offline": "wait", "expires_in_s": 600})
        assert response.status_code == 202, response.text
        command = response.json()["command_id"]
        assert console.said(f"commands/{command}")["state"] == "waiting"
        written = await records(console.bootstrap, f"{console.prefix}commands", PARTITIONS)
        (record,) = [r for r in written if CODEC.decode(r.value)[1]["command_id"] == command]
        found = CODEC.decode(record.value)[1]
        assert record.key == STATION.encode()
        assert (found["action"], found["when_offline"]) == ("Reset", "wait")
        assert json.loads(found["payload"]) == {"type": "Soft"}
        assert found["requested_by"] == "console"
        assert asked_ms + 600_000 <= found["expires_at"] <= now_ms() + 600_000
        names = {"command_id": command, "station": STATION, "action": "Reset"}
        ended = {"outcome": "answered", "response": '{"status":"Accepted"}', "at": now_ms()}
        await console.write(("command-results", names | ended))
        kind, _, result = await until(items, "result")
        assert (kind, result["command_id"], result["outcome"]) == ("result", command, "answered")
    known = console.said(f"commands/{command}")
    assert (known["state"], known["response"]) == ("ended", {"status": "Accepted"})


@pytest.mark.kafka
def test_only_who_has_the_token_may_command(console: Console) -> None:
    """And only what the station's version takes."""
    for response in (
        post(console, RESET, token="another-token-of-the-test"),
        console.client.post("/api/commands", json=RESET),
    ):
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith("Bearer")
    assert post(console, RESET, **{"content-type": "text/plain"}).status_code == 415
    assert post(console, b" " * (BODY_MAX_BYTES + 1)).status_code == 413
    assert post(console, RESET | {"station": "nobody"}).status_code == 404
    assert post(console, RESET | {"station": "CS-2"}).status_code == 409
    wrong = post(console, RESET | {"payload": {"type": "Wrong"}})
    assert (wrong.status_code, wrong.json()["path"]) == (400, "$.type")
    assert post(console, b"{").status_code == 400


@contextlib.asynccontextmanager
async def listening(
    console: Console, last: int | None = None, **query: str
) -> AsyncIterator[AsyncIterator[tuple[str, int, Any]]]:
    """The items of a stream: kind, id, data."""
    headers = {} if last is None else {"last-event-id": str(last)}
    async with (
        httpx.AsyncClient(base_url=console.url, trust_env=False, timeout=WAIT_S) as client,
        client.stream("GET", "/api/stream", params=query, headers=headers) as response,
    ):
        assert response.headers["content-type"].startswith("text/event-stream")
        items = _items(response.aiter_lines())
        kind, _, about = await anext(items)
        assert (kind, about["name"]) == ("hello", "chargewire")
        yield items


async def _items(lines: AsyncIterator[str]) -> AsyncIterator[tuple[str, int, Any]]:
    told: dict[str, str] = {}
    async for line in lines:
        name, _, value = line.partition(": ")
        if line:
            told[name] = value
        elif "data" in told:
            yield told["event"], int(told["id"]), json.loads(told["data"])
            told = {}


async def until(items: AsyncIterator[tuple[str, int, Any]], kind: str) -> tuple[str, int, Any]:
    """The next item of a kind."""
    async with asyncio.timeout(WAIT_S):
        async for item in items:
            if item[0] == kind:
                return item
    raise AssertionError("the stream has ended")


@pytest.mark.kafka
async def test_the_stream_tells_what_happens_and_who_comes_back_misses_nothing(
    console: Console,
) -> None:
    """Events that are meant, the station that they change; after a break, those in between."""
    async with listening(console, station="CS-3", action="StatusNotification") as items:
        await console.write(
            ("connections", connection("CS-3", type="connected", at=now_ms(), sequence=0)),
            said("Heartbeat", {}, 1, station="CS-3"),
            said("StatusNotification", CHARGING, 2, station="CS-3"),
            said("StatusNotification", CHARGING, 3, station="CS-4"),
        )
        _, last, event = await until(items, "event")
        assert (event["station"], event["action"], event["id"]) == (
            "CS-3",
            "StatusNotification",
            last,
        )
        assert event["payload"]["status"] == "Charging"
        _, _, view = await until(items, "station")
        assert view["station"] == "CS-3"
    row = {"station": "CS-3", "transaction_id": "1", "ordinal": 1, "id": "x", "state": "open"}
    await console.write(
        said("StatusNotification", CHARGING | {"connectorId": 2}, 4, station="CS-3"),
        said("StatusNotification", CHARGING | {"connectorId": 3}, 5, station="CS-3"),
        ("tables.transactions", row | {"generation": 1, "revision": 1}),
    )
    console.until("stations/CS-3", lambda found: found["open_transactions"] == 1)
    console.until("stations/CS-3/frames", lambda found: len(found["frames"]) == 5)
    async with listening(console, last, station="CS-3", action="StatusNotification") as items:
        missed = [(await until(items, "event"))[2]["payload"]["connectorId"] for _ in range(2)]
        assert missed == [2, 3]
        assert (await until(items, "transaction"))[2]["id"] == "x"
    first = console.said("about")["started_ms"] * 1000
    async with listening(console, first - 5) as items:
        kind, _, lost = await anext(items)
        assert (kind, lost) == ("lost", {"count": None})


@pytest.mark.kafka
def test_a_record_that_does_not_belong_there_is_left_out(console: Console) -> None:
    """Whoever may write to the topics cannot end the console, also not whenever it starts."""

    async def stray() -> None:
        async with AIOKafkaProducer(bootstrap_servers=console.bootstrap) as producer:
            value = CODEC.encode("connections", connection("CS-5", type="connected", at=now_ms()))
            await producer.send_and_wait(f"{console.prefix}metering", value, b"CS-5")

    asyncio.run(stray())
    asyncio.run(console.write(said("Heartbeat", {}, 1, station="CS-5")))
    console.until("events?station=CS-5", lambda found: len(found["events"]) == 1)
    end_s = time.monotonic() + WAIT_S
    while "a record was left out" not in console.log.read_text():
        assert time.monotonic() < end_s
        time.sleep(0.05)


@pytest.mark.kafka
def test_without_a_token_it_only_shows(kafka: Broker, folder: Path, console: Console) -> None:
    """Whatever is brought; and SIGTERM ends it in good order, also while somebody listens."""
    quiet = Console(kafka.bootstrap, console.prefix, folder, since="1s")
    try:
        quiet.until_ready()
        assert not quiet.said("about")["may_command"]
        response = post(quiet, RESET)
        assert (response.status_code, "only shows" in response.json()["error"]) == (403, True)
        with quiet.client.stream("GET", "/api/stream") as stream:
            lines = stream.iter_lines()
            assert next(lines).startswith("retry")
            quiet.process.signal(signal.SIGTERM)
            assert asyncio.run(quiet.process.ended(WAIT_S)) == 0
            assert "hello" in "".join(lines)
    finally:
        quiet.end()
    assert "Traceback" not in quiet.log.read_text()


@pytest.mark.kafka
@pytest.mark.slow
def test_it_waits_for_topics_and_outlives_a_broker_that_is_away(
    broker: Broker, folder: Path
) -> None:
    """What it has read it goes on showing, and says that it may be old."""
    console = Console(broker.bootstrap, "late.", folder)
    try:
        console.until("about", lambda found: "no topics" in found["problems"][0])
        topics = [f"late.{topic}" for topic in (*EVENTS, *STATES)]
        asyncio.run(create(broker.bootstrap, topics))
        console.until_ready()
        beat = said("Heartbeat", {}, 1, station="CS-1")
        asyncio.run(console.write(beat))
        console.until("stations", lambda found: found["total"] == 1)
        broker.kill()
        (reason,) = console.until_ready(503)
        assert "Kafka does not answer" in reason
        about = console.said("about")
        assert (about["ready"], len(about["problems"])) == (False, 1)
        assert console.said("stations")["total"] == 1
        asyncio.run(broker.start())
        console.until_ready()
        asyncio.run(console.write(said("Heartbeat", {}, 2, station="CS-2")))
        console.until("stations", lambda found: found["total"] == 2)
        assert console.said("events", station="CS-1")["events"][0]["action"] == "Heartbeat"
    finally:
        console.end()


def test_the_token_may_come_from_a_file(tmp_path: Path) -> None:
    """As secrets are mounted, with a line end behind; a file that is none stops the start."""
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    assert completed(Config(console_token_file=str(file))).console_token == TOKEN
    assert completed(Config(console_token=TOKEN)).console_token == TOKEN
    with pytest.raises(SettingsError, match="one of them"):
        completed(Config(console_token_file=str(file), console_token=TOKEN))
    file.write_text("short")
    for name in (file, tmp_path / "absent", tmp_path):
        with pytest.raises(SettingsError, match="CHARGEWIRE_CONSOLE_TOKEN_FILE"):
            completed(Config(console_token_file=str(name)))
