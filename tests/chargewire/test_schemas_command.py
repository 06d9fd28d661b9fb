"""`chargewire schemas`: list, check and register."""

import json

import pytest
from click.testing import CliRunner

from chargewire.schemas_command import schemas
from schemas.records import RECORDS


def invoke(*arguments: str):
    return CliRunner().invoke(schemas, arguments)


def test_every_schema_is_listed_with_its_subject_and_id():
    """Under the prefix of the fleet."""
    output = invoke("list", "--prefix", "fleet.").output
    assert output.splitlines()[0].split() == ["TOPIC", "SUBJECT", "VERSION", "ID"]
    assert len(output.splitlines()) == len(RECORDS) + 1
    assert "fleet.transactions-value" in output
    assert "1000000000" in output


def test_a_schema_is_printed_whole():
    """For tools that want a file; a topic without one is answered with those that have one."""
    assert json.loads(invoke("show", "ocpp.commands").output)["name"] == "Command"
    result = invoke("show", "command")
    assert result.exit_code == 1
    assert "there are" in result.output


def test_without_a_registry_the_published_schemas_are_enough():
    """And registering says that nothing has to be."""
    assert "no registry is configured" in invoke("check").output
    result = invoke("register")
    assert result.exit_code == 1
    assert "CHARGEWIRE_SCHEMA_REGISTRY" in result.output


@pytest.mark.slow
def test_a_registry_is_checked_and_filled(registry, prefix):
    """What is missing is named, registered, and then there."""
    where = ["--schema-registry", registry.url, "--prefix", prefix]
    result = invoke("check", *where)
    assert result.exit_code == 1
    assert f"not registered: {prefix}transactions-value" in result.output
    result = invoke("register", *where)
    assert result.exit_code == 0
    assert f"{prefix}transactions" in result.output
    assert invoke("check", *where).exit_code == 0
