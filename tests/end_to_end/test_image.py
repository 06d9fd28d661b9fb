"""The container image as its users have it: not root, nothing to write to, a real Kafka behind."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import pytest

from deploy.local.kafka import Broker
from tests.end_to_end.gateways import HOST, PARTITIONS, START_TIME_S, until
from tests.end_to_end.images import BASE, Contained, Image
from tests.station import Station

pytestmark = [pytest.mark.slow, pytest.mark.kafka]

SIZE_MAX_MB = 180  # beside the base, which has 95 more here
BOOT = {"chargePointVendor": "v", "chargePointModel": "m"}
# What every start imports and finds no bytecode of: it would be compiled anew each time.
UNCOMPILED = """
import os, sys
import chargewire.cli, consumers.program, deploy.local.fleet, gateway.program
missing = {m.__cached__ for m in sys.modules.values() if getattr(m, "__cached__", None)}
print(sorted(path for path in missing if not os.path.exists(path)))
"""
FACTS = """
import json, os, pathlib, shutil
from importlib import metadata
def writable(path):
    try:
        pathlib.Path(path, "written").touch()
    except OSError as error:
        return error.strerror
    return True
print(json.dumps({
    "ids": [os.getuid(), os.getgid(), *os.getgroups()],
    "capabilities": next(
        line.split()[1] for line in open("/proc/self/status") if line.startswith("CapEff")
    ),
    "writable": {path: writable(path) for path in ("/", "/opt/chargewire", "/tmp", os.getcwd())},
    "programs": [name for name in ("cc", "gcc", "g++", "make", "pip", "git") if shutil.which(name)],
    "installed": sorted(one.name for one in metadata.distributions()),
}))
"""


@pytest.fixture(scope="session")
def image() -> Iterator[Image]:
    """Built once for all tests."""
    image = Image()
    try:
        image.build()
        yield image
    finally:
        image.remove()


@pytest.fixture
def contained(image: Image, kafka: Broker, prefix: str, tmp_path: Path) -> Iterator[Callable]:
    """Makes programs in the image below a prefix of the test; all of them end with it."""
    made: list[Contained] = []
    environ = {
        "CHARGEWIRE_KAFKA": kafka.bootstrap,
        "CHARGEWIRE_PREFIX": prefix,
        "CHARGEWIRE_PARTITIONS": str(PARTITIONS),
        "CHARGEWIRE_ALLOW_SINGLE_REPLICA": "true",
        "CHARGEWIRE_ACK_TIME_S": "12",  # a machine may stand still for ten seconds
        "CHARGEWIRE_HANDSHAKE_TIME_S": "60",
    }

    def make(*words: str) -> Contained:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Contained(image, folder, words, environ))
        made[-1].launch()
        return made[-1]

    yield make
    for one in made:
        one.kill()


def test_its_configuration_is_what_engines_and_clusters_ask_for(image: Image):
    """One entry point for all programs, nobody's root, health asked of the program itself."""
    config = image.config
    assert config["User"] == "10001:10001"
    assert (config["Entrypoint"], config["Cmd"]) == (["chargewire"], ["--help"])
    assert config["Healthcheck"]["Test"] == ["CMD", "chargewire", "health", "--live"]
    assert config["StopSignal"] == "SIGTERM"
    assert config["ExposedPorts"].keys() == {"9000/tcp", "9100/tcp"}
    assert "CHARGEWIRE_DATA=/var/lib/chargewire" in config["Env"]
    labels = {
        name.removeprefix("org.opencontainers.image."): text
        for name, text in config["Labels"].items()
    }
    version = metadata.version("chargewire")
    expected = {"title": "chargewire", "version": version, "revision": "0123abc", "base.name": BASE}
    assert labels.items() >= expected.items()


def test_it_holds_what_runs_and_nothing_else(image: Image, tmp_path: Path):
    """No compiler, no pip, no tests, no sources of the build; and the user is not root."""
    facts = json.loads(image.sh(tmp_path / "data", "python", "-c", FACTS))
    assert facts["ids"] == [10001, 10001]
    assert int(facts["capabilities"], 16) == 0
    read_only = "Read-only file system"
    assert facts["writable"] == {
        "/": read_only,
        "/opt/chargewire": read_only,
        "/tmp": True,
        "/var/lib/chargewire": True,
    }
    assert facts["programs"] == []
    assert {"chargewire", "opentelemetry-sdk"} <= {*facts["installed"]}
    assert not {"pip", "setuptools", "pytest", "mypy", "pyarrow"} & {*facts["installed"]}
    left = [
        name for name in ("build", "etc/pip.conf", "run/secrets") if (image.root / name).exists()
    ]
    assert left == []
    (site,) = image.root.glob("opt/chargewire/lib/python3*/site-packages")
    assert (site / "chargewire/console/static/index.html").is_file()
    assert not (site / "tests").exists()


def test_it_is_small_and_keeps_no_secret_of_its_making(image: Image):
    """What pip was told for the build is in no file, and in nothing that is said of the image."""
    size = 0
    for folder, _, names in os.walk(image.root):
        for path in (Path(folder, name) for name in names):
            if path.is_file() and not path.is_symlink():  # a device may be read for ever
                content = path.read_bytes()
                assert image.marker.encode() not in content, path
                size += len(content) if "opt/chargewire" in folder else 0
    assert size / 1e6 < SIZE_MAX_MB
    assert image.marker not in json.dumps(image.described)


def test_its_bytecode_is_there(image: Image, tmp_path: Path):
    """Also Python's own: nobody can write it later, so each start would do that work again."""
    assert image.sh(tmp_path / "data", "python", "-c", UNCOMPILED) == "[]\n"


def test_it_answers_for_itself(image: Image, tmp_path: Path):
    """Its version; what it makes of a configuration, without starting."""
    version = metadata.version("chargewire")
    assert image.run(tmp_path / "data", "--version") == f"chargewire {version}\n"
    for words in (["gateway"], ["consume", "stations"], ["console"]):
        told = image.run(tmp_path / "data", *words, "--check", CHARGEWIRE_KAFKA="kafka:9092")
        assert told == "The configuration is right.\n", words


async def test_a_gateway_serves_stations_and_drains(image: Image, contained: Callable):
    """Two workers below a first process: ready, healthy, answering; and ended in good order."""
    topics = contained("topics", "apply", "--replication", "1")
    assert await topics.ended() == 0, topics.said()
    gateway: Contained = contained("gateway", "--workers", "2")
    consumer: Contained = contained("consume", "stations")
    await gateway.ready()
    for live in ([], ["--live"]):
        asked = {"CHARGEWIRE_ADMIN": f"{HOST}:{gateway.admin}"}
        folder = gateway.log.with_name("asking")
        assert await asyncio.to_thread(image.run, folder, "health", *live, **asked)
    async with await Station.connect(gateway.url, "CW-1") as station:
        assert (await station.call("BootNotification", BOOT)).payload["status"] == "Accepted"
        await consumer.ready()
        assert (consumer.log.parent / "data/stations.db").stat().st_uid == 10001
        gateway.terminate()
        assert (await station.closed())[0] == 1012
    assert await gateway.ended() == 0, gateway.said()
    consumer.terminate()
    assert await consumer.ended() == 0, consumer.said()


async def test_every_program_ends_when_it_is_told_to(contained: Callable):
    """Also one that has no word on SIGTERM, which the kernel keeps from a first process."""
    with socket.create_server((HOST, 0)) as silent:  # a broker's first word is waited for there
        reader: Contained = contained("tail", "--kafka", f"{HOST}:{silent.getsockname()[1]}")

        def listens() -> bool:
            status = Path(f"/proc/{reader.first}/status").read_text()
            caught = next(line.split()[1] for line in status.splitlines() if line[:6] == "SigCgt")
            return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)

        await until(listens, "it never listens for SIGTERM", START_TIME_S)
        reader.terminate()
        assert await reader.ended() == 128 + signal.SIGTERM, reader.said()
