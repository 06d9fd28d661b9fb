import copy
from typing import Any

import pytest

from schemas import lock, records
from schemas.compatibility import unreadable, violations


def record(*fields: dict[str, Any], name: str = "Record") -> dict[str, Any]:
    return {"type": "record", "name": name, "namespace": "n", "fields": list(fields)}


def required(name: str, kind: Any = "string") -> dict[str, Any]:
    return {"name": name, "type": kind}


def nullable(name: str, kind: Any = "string") -> dict[str, Any]:
    return {"name": name, "type": ["null", kind], "default": None}


TIME = {"type": "long", "logicalType": "timestamp-millis"}
OLD = record(
    required("id"),
    nullable("at", TIME),
    nullable("inner", record(nullable("value", "long"), name="Inner")),
    nullable("list", {"type": "array", "items": record(nullable("text"), name="Item")}),
    nullable("again", "n.Item"),
)


def changed(path: str, **values: Any) -> dict[str, Any]:
    """OLD with one field changed; a value of None takes it out."""
    new = copy.deepcopy(OLD)
    fields = {field["name"]: field for field in new["fields"]}
    holder = new["fields"]
    if path.startswith("inner."):
        holder = fields["inner"]["type"][1]["fields"]
    elif path.startswith("list."):
        holder = fields["list"]["type"][1]["items"]["fields"]
    name = path.rpartition(".")[2]
    (place,) = [index for index, field in enumerate(holder) if field["name"] == name]
    holder[place : place + 1] = [holder[place] | values] if values else []
    return new


def test_the_same_schema_is_compatible_with_itself() -> None:
    """Named references and nested records included."""
    assert violations(copy.deepcopy(OLD), [OLD, OLD]) == []


def test_a_nullable_field_may_be_added_anywhere() -> None:
    """That is how the contract grows."""
    new = changed("inner.value")
    inner = new["fields"][2]["type"][1]
    inner["fields"] = [nullable("more"), nullable("value", "long")]
    new["fields"].insert(0, nullable("first", record(nullable("x"), name="New")))
    assert violations(new, [OLD]) == []


@pytest.mark.parametrize(
    ("new", "complaint"),
    [
        (changed("id"), "a reader of version 1 fails: id: not written, and without default"),
        (changed("id", name="key"), "id: not written"),
        (changed("id", name="key"), "version 1 cannot be read: key: not written"),
        (changed("id", type="long"), "version 1 cannot be read: id: string is no long"),
        (changed("inner.value", type=["null", "double"]), "reader of version 1 fails: inner.value"),
        (changed("at", type=["null", "long"]), "at: timestamp-millis is no long"),
        (
            changed("at", type=TIME, default=0),
            "at: null is no timestamp-millis",
        ),
        (changed("list.text", type=["null", "long"]), "list[].text: string is no long"),
        (changed("inner", type=["null", "n.Other"]), "inner: record n.Inner is no n.Other"),
        (changed("again", type=["null", "string"]), "again: record is no string"),
        (changed("at"), "published in version 1, now gone: n.Record.at"),
        (changed("inner.value", name="amount"), "now gone: n.Inner.value"),
        ({**OLD, "name": "Other"}, "record n.Record is no n.Other"),
        (record(*OLD["fields"], required("more")), "more: not written, and without default"),
    ],
)
def test_what_would_break_a_reader_or_a_writer_is_told(new: Any, complaint: str) -> None:
    """Removed, renamed and retyped fields and records are found at every depth."""
    if complaint.endswith("n.Other") and "Inner" in complaint:
        new["fields"][2]["type"][1] = record(nullable("value", "long"), name="Other")
    found = violations(new, [OLD])
    assert [line for line in found if complaint in line], found


def test_every_published_version_counts() -> None:
    """A field that came and went in between breaks readers of the version that had it."""
    middle = record(*copy.deepcopy(OLD["fields"]), required("extra"))
    assert violations(OLD, [OLD]) == []
    assert [line for line in violations(OLD, [OLD, middle]) if "version 2" in line]


def test_a_promotion_goes_one_way_only() -> None:
    """Avro reads a long as a double, and not the other way round."""
    assert unreadable(record(required("n", "double")), record(required("n", "long"))) == []
    assert unreadable(record(required("n", "long")), record(required("n", "double"))) == [
        "n: double is no long"
    ]


@pytest.mark.parametrize("topic", records.RECORDS)
def test_todays_schemas_may_follow_all_that_was_published(topic: str) -> None:
    """The log of every version can be read with today's schemas, and today's log with any."""
    published = [lock.schema(row) for row in lock.versions()[topic]]
    assert violations(records.schema(topic), published) == []


@pytest.mark.parametrize("topic", records.RECORDS)
def test_a_retyped_field_of_the_real_schemas_is_found(topic: str) -> None:
    """The check looks into the schemas that are published, not only into small examples."""
    new = copy.deepcopy(records.schema(topic))
    new["fields"][0]["type"] = "boolean"
    assert violations(new, [lock.schema(lock.versions()[topic][-1])])
