"""`chargewire stations import`, as an operator runs it, on a real Kafka."""

import asyncio

import pytest
from click.testing import CliRunner

from chargewire.cli import chargewire
from chargewire.log.states import state
from gateway.stations import Station, station_of
from programs.settings import KafkaSettings
from schemas.credentials import credential_hash
from tests.log import create


@pytest.mark.kafka
def test_a_file_of_stations(kafka, prefix):
    """What was said of a station before stays, unless its line says else; passwords are hashed."""
    asyncio.run(create(kafka.bootstrap, [f"{prefix}stations"], partitions=3))
    settings = KafkaSettings(kafka=kafka.bootstrap, prefix=prefix)

    def imported(text: str):
        flags = ["--kafka", kafka.bootstrap, "--prefix", prefix]
        return CliRunner().invoke(chargewire, ["stations", "import", "-", *flags], input=text)

    names = [f"CS-{number}" for number in range(500)]
    many = "\n".join(["station,group", *(f"{name},G" for name in names)])
    result = imported("\ufeff" + many)
    assert result.exit_code == 0, result.output
    assert "500 stations written" in result.stderr
    assert imported("station,profile,password\nCS-1,1,correct horse battery\n").exit_code == 0
    bad = imported("station,profile\nCS-2,1\nCS-3,7\n")
    assert (bad.exit_code, "line 3: '7' is no number" in bad.stderr) == (1, True)
    found = {key.decode(): one for key, one in asyncio.run(state(settings, "stations")).items()}
    assert found.keys() == set(names)
    assert station_of(found["CS-2"]) == Station(group="G")
    one = station_of(found["CS-1"])
    assert (one.group, one.security_profile) == ("G", 1)
    salt = bytes.fromhex(one.credential_salt)
    assert one.credential_hash == credential_hash(b"correct horse battery", salt)


def test_a_file_of_another_encoding(tmp_path):
    """A spreadsheet's own: the codec's words would help nobody."""
    (file := tmp_path / "bad.csv").write_bytes("station,group\nCS-1,Tür\n".encode("latin-1"))
    result = CliRunner().invoke(chargewire, ["stations", "import", str(file)])
    assert (result.exit_code, result.stderr) == (1, f"Error: {file}: the file is no UTF-8\n")


def test_a_file_that_is_not_there(tmp_path):
    """It is named, and Kafka is left alone."""
    result = CliRunner().invoke(chargewire, ["stations", "import", str(tmp_path / "none.csv")])
    assert (result.exit_code, "none.csv: No such file" in result.stderr) == (1, True)
