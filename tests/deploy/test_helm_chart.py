"""What the Helm chart takes from the code is up to date, and its values are described."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from consumers.services import SERVICES
from deploy.helm import chart
from deploy.helm.chart import CHART, RESERVED, access, files, values_schema
from programs.variables import VARIABLES
from schemas.records import TABLES
from schemas.topics import TOPICS, layouts

ROOT = Path(__file__).parent.parent.parent
SCHEMA = json.loads(chart.VALUES_SCHEMA.read_text())
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_the_files_are_up_to_date(path: Path) -> None:
    """`make chart` writes them."""
    assert path.read_text() == files()[path]


def test_a_setting_that_is_new() -> None:
    """Is allowed in the values from the next `make chart` on; the rest of the schema stays."""
    before = json.loads(chart.VALUES_SCHEMA.read_text())
    before["$defs"]["setting"]["enum"].remove("ping_time_s")
    assert json.loads(values_schema(json.dumps(before))) == SCHEMA


def test_what_the_chart_sets_itself_cannot_be_set_beside_it() -> None:
    """A setting that no program has any more would be misspelt."""
    assert not RESERVED - VARIABLES
    assert not RESERVED & {*SCHEMA["$defs"]["setting"]["enum"]}


def described(schema: dict[str, Any], at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every value of the chart, with its schema; those of references too."""
    for name, inner in schema.get("properties", {}).items():
        target = inner
        if "$ref" in inner:
            target = SCHEMA["$defs"][inner["$ref"].removeprefix("#/$defs/")]
        yield f"{at}.{name}", inner | target | {"description": inner.get("description")}
        yield from described(target, f"{at}.{name}")


def test_every_value_is_described_and_no_other_is_taken() -> None:
    """A misspelt value is an error, and an editor can say what a value is for."""
    found = dict(described(SCHEMA))
    assert len(found) > 150
    assert [at for at, inner in found.items() if not inner["description"]] == []
    open_ones = [
        at
        for at, inner in {"": SCHEMA, **found}.items()
        if "properties" in inner and inner.get("additionalProperties") is not False
    ]
    assert open_ones == []


def test_the_values_are_documented_where_they_have_their_defaults() -> None:
    """values.yaml has every value of the schema; those of a consumer are under consumerDefaults."""
    jsonschema.validate(VALUES, SCHEMA)
    for at in dict(described(SCHEMA)):
        parts = at.split(".")[1:]
        if parts[0] == "global":
            continue
        if parts[0] == "consumers" and len(parts) > 2 and parts[2] != "enabled":
            parts = ["consumerDefaults", *parts[2:]]
        value, last = VALUES, parts[-1]
        if last in VALUES["podDefaults"]:
            parts = ["podDefaults", last]
        for part in parts:
            assert part in value, at
            value = value[part]


def test_the_topics_are_those_of_the_table() -> None:
    """With the values' defaults nothing is different from `chargewire topics apply`."""
    known = json.loads(chart.TOPICS.read_text())
    varying = {
        "max.message.bytes": str(known["record_per_frame"] * known["frame_limit_bytes"]),
        "min.insync.replicas": str(known["min_insync"]),
    }
    wanted = {name: dict(one.config) for name, one in layouts("", tables=TABLES).items()}
    assert {name: config | varying for name, config in known["topics"].items()} == wanted
    defaults = layouts("")["connections"]
    values = VALUES["topics"]
    assert (values["partitions"], values["replication"]) == (
        defaults.partitions,
        defaults.replication,
    )


def test_every_topic_is_written_by_those_whom_its_row_names() -> None:
    """Or by nobody of ours: what the platform writes. Nobody writes or reads what is not there."""
    known = {*TOPICS, *TABLES}
    for may in access().values():
        assert {*may["read"], *may["write"]} <= known
    for row in TOPICS.values():
        writers = {name for name, may in access().items() if row.name in may["write"]}
        if "gateway" in row.writer.split(", "):
            assert "gateway" in writers
        if "commands consumer" in row.writer:
            assert "commands" in writers
        if row.writer == "the platform":
            assert writers == set()
    for table in TABLES:
        assert sum(table in may["write"] for may in access().values()) == 1


def _named(module: str) -> set[str]:
    """The topics of the bus that a module of a consumer names."""
    tree = ast.parse((ROOT / "consumers" / f"{module.replace('.', '/')}.py").read_text())
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    return {text for text in texts if text in TOPICS}


@pytest.mark.parametrize(
    ("consumer", "modules"),
    [
        ("authorizations", ("authorizations.decider", "authorizations.local_lists.keeper")),
        ("commands", ("commands.arbiter", "commands.arbiter_records", "commands.misplaced")),
    ],
)
def test_sequels_write_what_they_may(consumer: str, modules: tuple[str, ...]) -> None:
    """Every topic that is named in what they are made of."""
    assert set(modules) & set(SERVICES[consumer].sequels)
    named = set().union(*map(_named, modules))
    assert named
    assert named <= {*access()[consumer]["write"]}
