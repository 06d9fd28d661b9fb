"""The JSON Schemas as Avro records and decoders: all of them, with independent witnesses."""

import io
import json
import time
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

import fastavro
import jsonschema
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from schemas import catalogue, derive
from schemas.forms import Field, Form, SchemaError
from tests.schemas.payloads import DOUBLES, KINDS, Kind, full, payloads, turns, violations

_ids = ["-".join(kind) for kind in KINDS]
each_kind = pytest.mark.parametrize("kind", KINDS, ids=_ids)


@cache
def record(kind: Kind) -> Any:
    return fastavro.parse_schema(derive.avro_record(*kind))


@cache
def witness(kind: Kind) -> Any:
    # Decimals, since jsonschema would divide 21.4 by 0.1 in binary.
    schema = json.loads(json.dumps(catalogue.json_schema(*kind)), parse_float=Decimal)
    return jsonschema.validators.validator_for(schema)(schema)


def judged(kind: Kind, schema: dict[str, Any], value: Any) -> bool:
    exact = json.loads(json.dumps(value), parse_float=Decimal)
    exact_schema = json.loads(json.dumps(schema), parse_float=Decimal)
    return bool(witness(kind).evolve(schema=exact_schema).is_valid(exact))


def same(left: Any, right: Any) -> bool:
    """JSON equality, in which times are instants and 1 is 1.0 but not true."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if left != right and isinstance(left, str) and isinstance(right, str):
        return datetime.fromisoformat(left) == datetime.fromisoformat(right)
    return bool(left == right)


def through_avro(kind: Kind, payload: Any) -> Any:
    """JSON text -> checked -> Avro bytes, written and read by fastavro -> JSON."""
    shape = derive.shape(*kind)
    raw = json.dumps(payload, ensure_ascii=False).encode()
    shape.validate(raw)
    typed, holds_all = shape.to_avro(msgspec.json.decode(raw))
    assert holds_all
    body = io.BytesIO()
    fastavro.schemaless_writer(body, record(kind), typed, strict_allow_default=True)
    body.seek(0)
    return shape.from_avro(fastavro.schemaless_reader(body, record(kind), None))


@each_kind
def test_every_word_and_every_edge_comes_back(kind: Kind) -> None:
    """A payload with all its optional fields comes back the same, in every word and length."""
    schema = catalogue.json_schema(*kind)
    for turn in range(turns(schema)):
        payload = full(schema, schema, turn, doubles=kind == DOUBLES)
        if turn == 0:
            assert judged(kind, schema, payload)
        assert same(through_avro(kind, payload), payload)


@pytest.mark.slow
@each_kind
def test_any_valid_payload_comes_back(kind: Kind) -> None:
    """Whatever is valid, with optional fields present or absent, comes back the same."""
    schema = catalogue.json_schema(*kind)

    @settings(
        max_examples=8,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(payloads(schema, schema, doubles=kind == DOUBLES))
    def holds(payload: Any) -> None:
        assert judged(kind, schema, payload)
        assert same(through_avro(kind, payload), payload)

    holds()


@pytest.mark.slow
@each_kind
def test_what_the_schema_forbids_is_refused(kind: Kind) -> None:
    """Every single violation of a schema is refused, and jsonschema refuses it too."""
    schema = catalogue.json_schema(*kind)
    shape = derive.shape(*kind)
    seen: set[tuple[int, str]] = set()
    for name, payload, broken_schema, value in violations(schema):
        rule = name.rpartition(": ")[2]
        if (id(broken_schema), rule) not in seen:
            seen.add((id(broken_schema), rule))
            assert not judged(kind, broken_schema, value), name
        with pytest.raises(msgspec.ValidationError):
            shape.validate(msgspec.json.encode(payload))


def fields(schema: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every field of an Avro record at every depth, by its path."""
    for field in schema["fields"]:
        where = f"{path}.{field['name']}"
        yield where, field
        inner = field["type"][1]
        while isinstance(inner, dict) and inner["type"] == "array":
            inner = inner["items"]
        if isinstance(inner, dict) and inner["type"] == "record":
            yield from fields(inner, where)


@each_kind
def test_every_field_is_nullable_with_a_doc(kind: Kind) -> None:
    """At every depth a field may be null, is so by default, and says what it is."""
    schema = derive.avro_record(*kind)
    for path, field in fields(schema):
        assert (field["type"][0], len(field["type"]), field["default"]) == ("null", 2, None), path
        assert field["doc"], path
    assert schema["fields"][-1]["name"] == "extra"


def descriptions(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("description"), str):
            yield node["description"]
        for child in node.values():
            yield from descriptions(child)


def test_no_words_of_the_schemas_descriptions_are_copied() -> None:
    """The licence of the OCA's descriptions allows no derived copies: docs are facts only."""
    texts = {text for kind in KINDS for text in descriptions(catalogue.json_schema(*kind))}
    # Short ones are single words, such as the names of things.
    lines = {line.strip() for text in texts for line in text.splitlines() if len(line) > 30}
    docs = "\n".join(
        field["doc"] for kind in KINDS for _, field in fields(derive.avro_record(*kind))
    )
    assert {line for line in lines if line in docs} == set()


def test_wide_fields_are_every_kind_of_frame_in_order() -> None:
    """1.6 first, then 2.x, then by action, then request, response, send."""
    assert [field["name"] for field in derive.wide_fields("transactions")] == [
        "v16_start_transaction_request",
        "v16_start_transaction_response",
        "v16_stop_transaction_request",
        "v16_stop_transaction_response",
        "v2_get_transaction_status_request",
        "v2_get_transaction_status_response",
        "v2_transaction_event_request",
        "v2_transaction_event_response",
    ]
    wide = [field["name"] for block in catalogue.BLOCKS for field in derive.wide_fields(block)]
    assert sorted(wide) == sorted({catalogue.frame_field(*kind) for kind in KINDS})


@pytest.mark.parametrize("block", catalogue.BLOCKS)
def test_the_fields_of_a_block_make_one_avro_record(block: str) -> None:
    """No two records in it have one name, or fastavro would refuse it."""
    wide = {"type": "record", "name": "Wide", "fields": derive.wide_fields(block)}
    assert fastavro.parse_schema(wide)


def test_a_change_of_the_later_version_is_united() -> None:
    """NotifyEVChargingNeeds has integers in 2.0.1 and numbers in 2.1: a double holds both."""
    kind = ("2.0.1", "NotifyEVChargingNeeds", "request")
    schema = derive.avro_record(*kind)
    assert schema == derive.avro_record("2.1", *kind[1:])
    types = {path: field["type"][1] for path, field in fields(schema)}
    assert types[".chargingNeeds.dcChargingParameters.evMaxPower"] == "double"
    assert types[".evseId"] == "long"


@pytest.mark.parametrize(
    ("kind", "path", "doc"),
    [
        (
            ("1.6", "Authorize", "request"),
            ".idTag",
            "string, at most 20 characters; required in 1.6",
        ),
        (
            ("2.0.1", "Authorize", "request"),
            ".idToken.idToken",
            "in 2.0.1: string, at most 36 characters; in 2.1: string, at most 255 characters; "
            "required in 2.0.1, 2.1",
        ),
        (
            ("2.0.1", "Authorize", "request"),
            ".iso15118CertificateHashData",
            "list of 1 to 4: OCSPRequestDataType; optional",
        ),
        (
            ("2.0.1", "Authorize", "request"),
            ".customData",
            "JSON text of the vendor's own data; optional",
        ),
        (("2.1", "DataTransfer", "request"), ".data", "JSON text of any value; optional"),
        (
            ("2.1", "TransactionEvent", "request"),
            ".costDetails",
            "CostDetailsType; optional; only in 2.1",
        ),
        (("1.6", "Reset", "request"), ".type", "one of Hard, Soft; required in 1.6"),
        (
            ("1.6", "SetChargingProfile", "request"),
            ".csChargingProfiles.chargingSchedule.minChargingRate",
            "number, in steps of 0.1; optional",
        ),
    ],
)
def test_docs_state_facts(kind: Kind, path: str, doc: str) -> None:
    """A doc says what the field may hold, and in which versions it must stand."""
    assert dict(fields(derive.avro_record(*kind)))[path]["doc"] == doc


def united(**forms: Form) -> Any:
    """The Avro type of one property in several versions."""
    payload = {
        version: Form("object", "Payload", fields=(Field("x", own, False),))
        for version, own in forms.items()
    }
    return derive.united_record(payload, "test")["fields"][0]["type"][1]


def test_what_cannot_be_united_stops_the_build() -> None:
    """A changed type is a new field, never the old one with another meaning."""
    string, integer, number = Form("string"), Form("integer"), Form("number")
    assert united(old=integer, new=number) == "double"
    for old, new in [
        (string, integer),
        (string, number),
        (string, Form("time")),
        (integer, Form("array", items=integer)),
        (Form("array", items=integer), Form("array", items=number)),
        (Form("object", "One"), Form("object", "Other")),
        (string, Form("json")),
    ]:
        with pytest.raises(SchemaError):
            united(old=old, new=new)


def test_a_field_of_the_other_version_is_extra() -> None:
    """2.0.1 has no costDetails: what a station of 2.0.1 sends there has no agreed meaning."""
    kind = ("2.0.1", "TransactionEvent", "request")
    record_, holds_all = derive.shape(*kind).to_avro({"costDetails": {"x": 1}})
    assert (record_, holds_all) == ({"extra": '{"costDetails":{"x":1}}'}, True)


def test_integers_that_a_shared_double_cannot_hold_are_told() -> None:
    """Past 53 bits a double changes an integer, and the exact text has to be kept."""
    shape = derive.shape("2.0.1", "NotifyEVChargingNeeds", "request")
    for power, held in [(2**53, True), (2**53 + 1, False)]:
        needs = {"chargingNeeds": {"dcChargingParameters": {"evMaxPower": power}}}
        assert shape.to_avro(needs)[1] is held


def test_all_shapes_are_made_within_a_second() -> None:
    """Shapes are made at first use, while a station waits."""
    derive.shape.cache_clear()
    started = time.process_time()
    for kind in KINDS:
        derive.shape(*kind)
    assert time.process_time() - started < 2
