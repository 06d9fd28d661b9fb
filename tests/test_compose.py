"""compose.yaml, resolved as compose does it, and held against the programs that it starts."""

import asyncio
import json
import os
import re
import shutil
import subprocess
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import asyncpg
import click
import jsonschema
import pytest
import yaml
from click.testing import CliRunner

from chargewire.cli import chargewire
from consumers.services import SERVICES
from deploy.local.artifacts import read_lock
from programs.settings import variable
from programs.variables import VARIABLES
from tests.postgres import Postgres

ROOT = Path(__file__).parent.parent
OURS = "chargewire:local"
IMAGE = re.compile(r"[a-z-]+(?:/[a-z-]+)?:v?\d+(?:\.\d+)+")
FOREIGN = re.compile(
    r"KAFKA_[A-Z_]+|CLUSTER_ID|POSTGRES_[A-Z]+|APICURIO_[A-Z_]+|GF_[A-Z_]+|"
    r"GRAFANA_STORE_PASSWORD"
)
DEFAULT = re.compile(r"\$\{(\w+):-([^}]*)\}")


def _interpolated(value: Any, given: dict[str, str]) -> Any:
    """A value with its variables filled in: `${NAME:-default}`, and no other form of them."""
    match value:
        case dict():
            return {key: _interpolated(one, given) for key, one in value.items()}
        case list():
            return [_interpolated(one, given) for one in value]
        case str():
            found = DEFAULT.sub(lambda m: given.get(m[1]) or m[2], value)
            assert "$" not in found, value
            return found
    return value


@cache
def _file() -> dict[str, Any]:
    """The file with its anchors merged, and with every variable at its default."""
    loaded: dict[str, Any] = _interpolated(yaml.safe_load((ROOT / "compose.yaml").read_text()), {})
    return loaded


def _services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = _file()["services"]
    return found


def _ours() -> dict[str, dict[str, Any]]:
    """The services that are programs of chargewire."""
    return {name: one for name, one in _services().items() if one["image"] == OURS}


def _environ(service: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in service.get("environment", {}).items()}


def test_it_is_a_compose_file() -> None:
    """By the specification's own schema."""
    vendored = resources.files("check_jsonschema.builtin_schemas.vendor")
    schema = json.loads((vendored / "compose-spec.json").read_text())
    jsonschema.validate(_file(), schema)


def test_every_image_is_pinned_and_ours_is_built_once() -> None:
    """Two services that build one image would stand in each other's way."""
    foreign = {one["image"] for one in _services().values()} - {OURS}
    assert [image for image in foreign if not IMAGE.fullmatch(image)] == []
    built = [one["build"] for one in _services().values() if "build" in one]
    assert built == [{"context": ".", "dockerfile": "deploy/Dockerfile"}]


def test_kafka_and_the_registry_are_those_of_the_tests() -> None:
    """What is tried here every day."""
    roots = (ROOT / "deploy/local/kafka.lock").read_text()
    kafka = re.search(r"org\.apache\.kafka:kafka_[\d.]+:([\d.]+)", roots)
    assert kafka
    assert _services()["kafka"]["image"] == f"apache/kafka:{kafka[1]}"
    (registry,) = read_lock((ROOT / "tests/registry.lock").read_text())
    assert _services()["registry"]["image"] == f"apicurio/apicurio-registry:{registry.version}"


def test_all_programs_are_there() -> None:
    """The gateway, each consumer under its name, the console, stations, and the jobs before."""
    commands = {name: one["command"] for name, one in _ours().items()}
    consumers = {name: ["consume", name] for name in SERVICES}
    assert commands.items() >= {**consumers, "gateway": ["gateway"], "console": ["console"]}.items()
    assert commands.keys() - consumers == {"gateway", "console", "simulation", "topics", "schemas"}


@pytest.mark.parametrize("name", sorted(_ours()))
def test_every_command_is_one_of_ours(name: str) -> None:
    """It parses, with its environment; `--check` where there is one, and nothing is started."""
    service = _ours()[name]
    words, environ = service["command"], {**_environ(service)}
    command: click.Command = chargewire
    while isinstance(command, click.Group):
        word, *words = words
        found = command.get_command(click.Context(command), word)
        assert found is not None, word
        command = found
    with command.make_context(name, list(words)):
        pass
    if "check" in {one.name for one in command.params}:
        result = CliRunner().invoke(chargewire, [*service["command"], "--check"], env=environ)
        assert (result.exit_code, result.output) == (0, "The configuration is right.\n")


@pytest.mark.parametrize("name", sorted(_services()))
def test_every_variable_is_known(name: str) -> None:
    """By our programs, or as one of the image that it is for."""
    for given in _environ(_services()[name]):
        if name in _ours():
            assert given in {variable(one) for one in VARIABLES}
        else:
            assert FOREIGN.fullmatch(given)


@pytest.mark.parametrize("name", sorted(_services()))
def test_it_starts_in_an_order_that_comes_to_an_end(name: str) -> None:
    """Who is waited for has a health check, or ends by itself; and what is mounted is there."""
    service = _services()[name]
    for other, wanted in service.get("depends_on", {}).items():
        awaited = _services()[other]
        match wanted["condition"]:
            case "service_healthy":
                assert awaited["healthcheck"]["test"], other
            case "service_completed_successfully":
                assert (awaited["restart"], awaited["command"][0]) == ("no", other)
            case condition:
                pytest.fail(condition)
    for volume in service.get("volumes", []):
        source, target, *mode = volume.split(":")
        if source.startswith("."):
            assert (ROOT / source).exists(), source
            assert mode == ["ro"]
        else:
            assert source in _file()["volumes"]
            assert target.startswith("/")


def test_addresses_lead_to_services_and_their_ports() -> None:
    """Kafka, registry and database by the names and ports under which they listen."""
    for name, service in _ours().items():
        environ = _environ(service)
        assert environ["CHARGEWIRE_KAFKA"] == "kafka:19092", name
        assert environ["CHARGEWIRE_SCHEMA_REGISTRY"].startswith("http://registry:8080/"), name
    kafka = _environ(_services()["kafka"])
    assert "CONTAINERS://kafka:19092" in kafka["KAFKA_ADVERTISED_LISTENERS"]
    assert kafka["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    password = _environ(_services()["postgres"])["POSTGRES_PASSWORD"]
    for name in SERVICES:
        store = _environ(_services()[name])["CHARGEWIRE_STORE"]
        assert store == f"postgresql://chargewire:{password}@postgres/chargewire"
    url = next(word for word in _services()["simulation"]["command"] if word.startswith("ws"))
    assert url == "ws://gateway:9000/ocpp"


def test_only_stations_come_from_elsewhere() -> None:
    """Every other port is open to this machine alone, and no two are the same."""
    ports = {name: one["ports"] for name, one in _services().items() if "ports" in one}
    open_ = {port for of in ports.values() for port in of if not port.startswith("127.0.0.1:")}
    assert open_ == {"9000:9000"}
    outside = [port.split(":")[-2] for of in ports.values() for port in of]
    assert len({*outside}) == len(outside)


def test_no_password_looks_like_one() -> None:
    """There is one, it says what it is, and it can be set from outside; the token is empty."""
    text = (ROOT / "compose.yaml").read_text()
    defaults = {found[1]: found[2] for found in DEFAULT.finditer(text)}
    assert defaults["LOCAL_PASSWORD"] == "local-and-no-secret"
    assert defaults["CONSOLE_TOKEN"] == ""
    given = _interpolated(yaml.safe_load(text), {"LOCAL_PASSWORD": "another"})
    assert "local-and-no-secret" not in json.dumps(given["services"])
    head = text.partition("\nname:")[0]
    assert all(re.search(rf"^#   {name} +\w", head, re.MULTILINE) for name in defaults)


def test_our_containers_may_do_nothing_that_they_need_not() -> None:
    """As in a cluster: a root that cannot be written, no capabilities."""
    for name, service in _ours().items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_prometheus_asks_everyone_at_the_port_of_its_operators() -> None:
    """The gateway and each consumer, where its settings put that port."""
    config = yaml.safe_load((ROOT / "deploy/compose/prometheus.yml").read_text())
    asked = {
        target
        for job in config["scrape_configs"]
        for static in job["static_configs"]
        for target in static["targets"]
    }
    wanted = {
        f"{name}:{_environ(service)['CHARGEWIRE_ADMIN'].rpartition(':')[2]}"
        for name, service in _ours().items()
        if "CHARGEWIRE_ADMIN" in _environ(service)
    }
    assert asked == wanted
    assert {one.partition(":")[0] for one in asked} == {"gateway", *SERVICES}


def test_grafana_has_what_the_dashboards_ask_for() -> None:
    """A data source of each kind, at services that are there; and the dashboards themselves."""
    file = ROOT / "deploy/compose/grafana/datasources.yaml"
    sources = yaml.safe_load(file.read_text())["datasources"]
    dashboards = [json.loads(path.read_text()) for path in ROOT.glob("deploy/grafana/*.json")]
    assert dashboards
    kinds = {
        one["query"]
        for dashboard in dashboards
        for one in dashboard["templating"]["list"]
        if one["type"] == "datasource"
    }
    assert kinds == {one["type"] for one in sources}
    for one in sources:
        host = one["url"].removeprefix("http://").partition(":")[0]
        assert host in _services()
    provider = yaml.safe_load(
        (ROOT / "deploy/grafana/provisioning/dashboards/chargewire.yaml").read_text()
    )
    folder = provider["providers"][0]["options"]["path"]
    assert f"./deploy/grafana:{folder}:ro" in _services()["grafana"]["volumes"]


@pytest.mark.slow
def test_prometheus_takes_its_configuration(tmp_path: Path) -> None:
    """With the rules beside it, as in its container."""
    promtool = shutil.which("promtool")
    assert promtool, "promtool is MISSING on this machine: sudo apt-get install prometheus"
    mounted = _services()["prometheus"]["volumes"]
    for source, target in (volume.split(":")[:2] for volume in mounted):
        if source.startswith("."):
            shutil.copy(ROOT / source, tmp_path / Path(target).name)
    done = subprocess.run(
        [promtool, "check", "config", tmp_path / "prometheus.yml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 rule files found" in done.stdout


@pytest.mark.postgres
async def test_the_databases_are_made(postgres_server: Postgres) -> None:
    """By what PostgreSQL's image runs once, with any password; Grafana's user can only read."""
    folder = str(postgres_server.folder)
    first = await asyncpg.connect(host=folder, user="postgres")
    await first.execute("CREATE ROLE chargewire LOGIN SUPERUSER")
    await first.execute("CREATE DATABASE chargewire OWNER chargewire")
    await first.close()
    environ = {"PGHOST": folder, "POSTGRES_USER": "chargewire", "POSTGRES_PASSWORD": "a 'b\\$c"}
    script = ROOT / "deploy/compose/databases.sh"
    command = ["sh", "-c", f". {script}"]
    done = await asyncio.create_subprocess_exec(*command, env={**os.environ, **environ})
    assert await done.wait() == 0
    ours = await asyncpg.connect(host=folder, user="chargewire", database="chargewire")
    reader = await asyncpg.connect(host=folder, user="grafana", database="chargewire")
    schemas = await asyncpg.connect(host=folder, user="registry", database="registry")
    try:
        await ours.execute("CREATE TABLE transactions AS SELECT 1 AS energy_wh")
        assert await reader.fetchval("SELECT energy_wh FROM transactions") == 1
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reader.execute("DELETE FROM transactions")
        await schemas.execute("CREATE TABLE content (id integer)")
    finally:
        for connection in (ours, reader, schemas):
            await connection.close()
