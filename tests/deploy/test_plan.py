"""What `chargewire up` is to run, and what stands in its way."""

import socket
from pathlib import Path

import pytest

from consumers.services import SERVICES
from deploy.local import ports
from deploy.local.plan import Plan
from programs.settings import SettingsError
from programs.settings_file import load

PORTS = ("kafka", "listen", "console_listen")
LAST = max(service.port for service in SERVICES.values()) - 9100


def plan(data: Path, **settings: str) -> Plan:
    free = {name: f"localhost:{ports.free_port()}" for name in PORTS}
    free["admin"] = f"localhost:{ports.free_port(LAST)}"
    return Plan(data=str(data), **(free | settings))


def test_nothing_stands_in_the_way_of_a_free_machine(tmp_path: Path) -> None:
    """And the folder of the data is there."""
    assert list(plan(tmp_path / "new" / "data").obstacles()) == []
    assert (tmp_path / "new" / "data").is_dir()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """Also where it is one within, such as that of a Kafka which another user has started."""
    (tmp_path / "kafka").touch()
    (found,) = plan(tmp_path).obstacles()
    assert f"{tmp_path / 'kafka'} cannot be made or written: File exists." in found
    assert "--data" in found


def test_each_port_that_is_taken_is_named_with_its_setting(tmp_path: Path) -> None:
    """All in one go, whatever address is listened on."""
    with socket.create_server((ports.HOST, 0)) as a, socket.create_server((ports.HOST, 0)) as b:
        first, second = (taken.getsockname()[1] for taken in (a, b))
        taken = {"kafka": f"localhost:{first}", "listen": f"0.0.0.0:{second}"}
        wanted = plan(tmp_path, **taken, console_listen=f"127.0.0.1:{second}")
        found = list(wanted.obstacles())
    assert len(found) == 3
    assert "CHARGEWIRE_CONSOLE_LISTEN=localhost:PORT" in found[2]
    assert f"Port {first} is in use" in found[0]
    assert "CHARGEWIRE_KAFKA" in found[0]
    assert f"Port {second} is in use" in found[1]
    assert "CHARGEWIRE_LISTEN" in found[1]


def test_ports_that_consumers_want_are_named_with_what_moves_them(tmp_path: Path) -> None:
    """In one line: they follow from the gateway's."""
    wanted = plan(tmp_path)
    _, _, port = wanted.consumers["transactions"].rpartition(":")
    with socket.create_server((ports.HOST, int(port))):
        (found,) = wanted.obstacles()
    assert f"What consumers need is in use by another program: port {port}." in found
    assert "CHARGEWIRE_ADMIN=localhost:PORT" in found
    (found,) = plan(tmp_path, admin="localhost:65535").obstacles()
    assert "port 65536, 65537," in found


def test_every_consumer_has_the_port_that_it_has_by_default(tmp_path: Path) -> None:
    """And all of them move with the gateway's."""
    ordinary = Plan(data=str(tmp_path)).consumers
    assert ordinary == {name: f"0.0.0.0:{service.port}" for name, service in SERVICES.items()}
    assert Plan(admin="localhost:7000").consumers["stations"] == "localhost:7005"


def test_here_tokens_are_decided_unless_told_otherwise() -> None:
    """By the consumer that is started, too; nothing is a choice as well."""
    assert load(Plan, {}, {}).decided == ("Authorize", "StartTransaction")
    assert load(Plan, {}, {"CHARGEWIRE_DECIDED": ""}).decided == ()
    with pytest.raises(SettingsError, match="no station calls that"):
        load(Plan, {}, {"CHARGEWIRE_DECIDED": "Autorize"})


@pytest.mark.parametrize("kafka", ["broker-1:9092", "localhost:19092,localhost:29092"])
def test_a_kafka_elsewhere_is_not_ours_to_start(tmp_path: Path, kafka: str) -> None:
    """The line says what to run instead."""
    assert "chargewire gateway" in next(plan(tmp_path, kafka=kafka).obstacles())


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """With the option that chooses another one."""
    (tmp_path / "file").write_text("")
    (found,) = plan(tmp_path / "file" / "data").obstacles()
    assert str(tmp_path / "file" / "data") in found
    assert "--data" in found


def test_programs_of_this_machine_reach_what_listens_on_all_addresses() -> None:
    """0.0.0.0 is where one listens, not where one connects."""
    wanted = Plan(listen="0.0.0.0:9010", admin="10.0.0.7:9110", path="/here")
    assert wanted.stations_url == "ws://localhost:9010/here"
    assert wanted.admin_url == "http://10.0.0.7:9110"
    assert wanted.console_url == "http://localhost:9200"
    assert Plan(console_listen="0.0.0.0:80").console_url == "http://localhost:80"


def test_its_settings_come_from_where_all_others_do(tmp_path: Path) -> None:
    """Flag, variable and file; what is wrong is told in the one list of all that is wrong."""
    file = tmp_path / "fleet.toml"
    file.write_text('stations = 7\ndata = "fleet"\n')
    made = load(Plan, {"config": file}, {"CHARGEWIRE_DATA": "elsewhere"})
    assert (made.stations, made.data) == (7, "elsewhere")
    with pytest.raises(SettingsError) as raised:
        load(Plan, {}, {"CHARGEWIRE_STATIONS": "-1", "CHARGEWIRE_WORKERS": "none"})
    assert len(raised.value.problems) == 2
