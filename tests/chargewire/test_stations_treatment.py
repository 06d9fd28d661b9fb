"""`chargewire stations put` and `delete`, as an operator runs them, on a real Kafka."""

import asyncio

import pytest
from click.testing import CliRunner

from chargewire.cli import chargewire
from chargewire.log.states import state
from gateway.stations import Station, station_of
from programs.settings import KafkaSettings
from schemas.credentials import credential_hash
from tests.log import create

pytestmark = pytest.mark.kafka


@pytest.fixture
def settings(kafka, prefix):
    asyncio.run(create(kafka.bootstrap, [f"{prefix}stations"], partitions=3))
    return KafkaSettings(kafka=kafka.bootstrap, prefix=prefix)


@pytest.fixture
def run(settings):
    """Runs `chargewire stations` against topics of its own."""

    def run(*arguments, given=None):
        flags = ["--kafka", settings.kafka, "--prefix", settings.prefix]
        return CliRunner().invoke(chargewire, ["stations", *arguments, *flags], input=given)

    return run


def said(settings):
    """What the topic says of CS-1."""
    found = asyncio.run(state(settings, "stations"))[b"CS-1"]
    return None if found is None else station_of(found)


def test_a_station_is_put_changed_and_left_to_the_gateway(run, settings):
    """Step by step; what is not given stays."""
    done = run("put", "CS-1", "--registration", "pending", "--interval", "30", "--group", "G")
    assert done.stdout == "CS-1 registration_status=Pending boot_interval_s=30 group=G\n"
    run("put", "CS-1", "--quirk", "lenient", "--quirk", "missing_field", "--ping-interval", "0")
    assert said(settings) == Station(
        registration_status="Pending",
        boot_interval_s=30,
        group="G",
        quirks=frozenset({"lenient", "missing_field"}),
        ping_interval_s=0,
    )
    run("put", "CS-1", "--unset", "registration", "--unset", "interval", "--quirk", "strict")
    assert said(settings) == Station(group="G", quirks=frozenset(), ping_interval_s=0)
    assert run("delete", "CS-1").exit_code == 0
    assert said(settings) is None
    again = run("delete", "CS-1")
    assert (again.exit_code, "nothing is said of CS-1" in again.stderr) == (1, True)


@pytest.mark.parametrize("way", ["file", "prompt"])
def test_of_a_password_a_salted_hash_is_kept(run, settings, tmp_path, way):
    """Each time with another salt, and it is shown nowhere."""
    hashes = set()
    for _ in range(2):
        if way == "file":
            (tmp_path / "password").write_bytes(b"correct horse battery\n")
            options, typed = ["--password-file", str(tmp_path / "password")], None
        else:
            options, typed = ["--password-prompt"], "correct horse battery\n" * 2
        result = run("put", "CS-1", "--profile", "1", *options, given=typed)
        found = said(settings)
        salt = bytes.fromhex(found.credential_salt)
        assert found.credential_hash == credential_hash(b"correct horse battery", salt)
        assert found.security_profile == 1
        assert "correct" not in result.output
        assert found.credential_hash not in result.output
        hashes.add(found.credential_hash)
    assert len(hashes) == 2


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--registration", "Perhaps"], "none of Accepted"),
        (["--quirk", "missing_feld"], "did you mean missing_field"),
        (["--password-prompt", "--password-file", __file__], "not both"),
        (["--password-file", "none"], "No such file"),
        (["--profile", "4"], "0<=x<=3"),
    ],
)
def test_what_cannot_be_meant(run, settings, options, reason):
    """Code 2, and nothing is written."""
    result = run("put", "CS-1", *options)
    assert (result.exit_code, reason in result.stderr) == (2, True)
    assert asyncio.run(state(settings, "stations")) == {}


def test_an_empty_password_is_none(run):
    """A file that somebody forgot to fill."""
    result = run("put", "CS-1", "--password-file", "-", given="\n")
    assert (result.exit_code, "the password is empty" in result.stderr) == (2, True)


@pytest.mark.parametrize(("password", "warned"), [("short", True), ("0" * 32, False)])
def test_a_password_that_can_be_guessed_is_taken_with_a_warning(run, password, warned):
    """OCPP asks for 16 characters, or bytes of an AuthorizationKey; some stations cannot."""
    result = run("put", "CS-1", "--password-file", "-", given=password)
    assert (result.exit_code, "can be guessed" in result.stderr) == (0, warned)
