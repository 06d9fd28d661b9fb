"""Payloads by the OCA's JSON Schemas, valid and not, made without the code under test."""

import copy
import itertools
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from schemas import catalogue

Node = dict[str, Any]
Kind = tuple[str, str, str]

KINDS: list[Kind] = [
    (version, *kind) for version in catalogue.VERSIONS for kind in catalogue.schema_files(version)
]
# In its 2.0.1 form these integers share a double with 2.1, which holds 53 bits.
DOUBLES = ("2.0.1", "NotifyEVChargingNeeds", "request")

_TIMES = (
    "2024-02-29T23:59:59.999Z", "1970-01-01T00:00:00Z", "2038-01-19T03:14:08.5Z",
    "1969-12-31T23:59:59.001Z", "9999-12-31T23:59:59.120Z", "0001-01-01T00:00:00.000Z",
    "2024-06-01T12:00:00.123000000Z",
)  # fmt: skip
_INTEGERS = (0, 1, -1, 2**31, 2**53, -(2**53), 2**63 - 1, -(2**63))
_NUMBERS = (0, 21.4, -0.1, 1e-7, 16, 3.141592653589793, -273.15, 1.7976931348623157e308, 5e-324)
_TEXTS = ("a", "é", "漢", "😀", '"', "\\", "\u0000", "\u2028")
_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner,
                                                                max_size=3),
    max_leaves=5,
)  # fmt: skip


def resolve(node: Node, root: Node) -> Node:
    while "$ref" in node:
        node = root["definitions"][node["$ref"].rpartition("/")[2]]
    return node


def edges(node: Node, doubles: bool) -> list[Any]:
    """The valid values at the edges of a scalar."""
    if "enum" in node:
        return list(node["enum"])
    kind = node.get("type")
    if kind == "boolean":
        return [True, False]
    if kind in {"integer", "number"}:
        found = {*(_INTEGERS if kind == "integer" else _NUMBERS)}
        found |= {node[limit] for limit in ("minimum", "maximum") if limit in node}
        low, high = node.get("minimum", -math.inf), node.get("maximum", math.inf)
        if doubles:
            low, high = max(low, -(2**53)), min(high, 2**53)
        if "multipleOf" in node:
            found = {0, 21.4, 0.1, 0.3, 16, 1e15, -7.7, 4503599627370495.5}
        cast = int if kind == "integer" else lambda value: value
        return sorted(cast(value) for value in found if low <= value <= high)
    if kind == "string" and node.get("format") == "date-time":
        return list(_TIMES)
    if kind == "string":
        longest = node.get("maxLength", 300)
        texts = [text * longest for text in _TEXTS[:4]] + list(_TEXTS[4:])
        return ["", *(text for text in texts if len(text) <= longest)]
    return [None, False, 0, "", [], {}, {"a": [1.5, None, {"é": "x"}]}, 2**63]


def full(node: Node, root: Node, turn: int, *, doubles: bool = False) -> Any:
    """A valid value with every optional property; other turns take other edges and words."""
    node = resolve(node, root)
    if node.get("type") == "array":
        low, high = node.get("minItems", 0), node.get("maxItems", 3)
        count = max(1, low) if turn % 7 else min(high, max(low, 2))
        return [full(node["items"], root, turn + i, doubles=doubles) for i in range(count)]
    if node.get("type") == "object":
        value = {
            name: full(child, root, turn + i, doubles=doubles)
            for i, (name, child) in enumerate(node.get("properties", {}).items())
        }
        if node.get("additionalProperties") is not False:
            value["vendor's own"] = {"é": [turn, None, 1e-7], "vendorId": ""}
        return value
    values = edges(node, doubles)
    return values[turn % len(values)]


def turns(root: Node) -> int:
    """How many turns show every word of every enum, each next to each other's."""
    return max(
        [len(node["enum"]) for node in root.get("definitions", {}).values() if "enum" in node] + [9]
    )


def payloads(node: Node, root: Node, *, doubles: bool = False) -> st.SearchStrategy[Any]:
    """Random valid values, with optional properties present and absent."""
    node = resolve(node, root)
    kind = node.get("type")
    if kind == "array":
        low = node.get("minItems", 0)
        high = min(node.get("maxItems", low + 2), low + 2)
        return st.lists(payloads(node["items"], root, doubles=doubles), min_size=low, max_size=high)
    if kind == "object":
        required = set(node.get("required", ()))
        children = {
            name: payloads(child, root, doubles=doubles)
            for name, child in node.get("properties", {}).items()
        }
        known = st.fixed_dictionaries(
            {name: child for name, child in children.items() if name in required},
            optional={name: child for name, child in children.items() if name not in required},
        )
        if node.get("additionalProperties") is False:
            return known
        own = st.dictionaries(st.text(max_size=5), _ANY, max_size=2)
        return st.tuples(own, known).map(lambda both: both[0] | both[1])
    return st.sampled_from(edges(node, doubles)) | _scalars(node, doubles)


def _scalars(node: Node, doubles: bool) -> st.SearchStrategy[Any]:
    low, high = node.get("minimum"), node.get("maximum")
    if "enum" in node or "multipleOf" in node or (doubles and node.get("type") == "integer"):
        return st.nothing()
    if "format" in node and node["format"] == "date-time":
        return st.integers(-(10**13), 10**14).map(_time)
    return {
        None: _ANY,
        "boolean": st.nothing(),
        "string": st.text(max_size=min(node.get("maxLength", 8), 8)),
        "integer": st.integers(
            -(2**63) if low is None else int(low), 2**63 - 1 if high is None else int(high)
        ),
        "number": st.floats(low, high, allow_nan=False, allow_infinity=False),
    }[node.get("type")]


def _time(millis: int) -> str:
    moment = datetime.fromtimestamp(millis // 1000, UTC).replace(microsecond=millis % 1000 * 1000)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.").zfill(20) + f"{millis % 1000:03}Z"


def violations(root: Node) -> Iterator[tuple[str, Any, Node, Any]]:
    """Every way to break a full payload: (path and rule, the payload, the schema that is broken
    and the value that breaks it)."""
    whole = full(root, root, 1, doubles=True)
    for path, node, value in list(_sites(root, root, whole, ())):
        for rule, broken in _breaks(node, value):
            payload = _replaced(whole, path, broken)
            yield f"{'.'.join(map(str, path))}: {rule}", payload, node, broken


def _replaced(whole: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    changed = copy.copy(whole)
    changed[path[0]] = _replaced(whole[path[0]], path[1:], value)
    return changed


def _sites(node: Node, root: Node, value: Any, path: tuple[Any, ...]) -> Iterator[Any]:
    node = resolve(node, root)
    yield path, node, value
    if node.get("type") == "object":
        for name, child in node.get("properties", {}).items():
            yield from _sites(child, root, value[name], (*path, name))
    if node.get("type") == "array":
        yield from _sites(node["items"], root, value[0], (*path, 0))


def _breaks(node: Node, value: Any) -> Iterator[tuple[str, Any]]:
    kind = node.get("type")
    if kind is None:
        return
    yield "null", None
    wrong = {"string": 1, "boolean": 1, "array": {}, "object": [], "integer": True, "number": "1"}
    yield "wrong type", wrong[kind]
    if kind == "object":
        for name in node.get("required", ()):
            yield f"without {name}", {key: value[key] for key in value if key != name}
        if node.get("additionalProperties") is False:
            yield "unknown property", value | {"unknownProperty": 1}
    if kind == "array" and node.get("minItems", 0):
        yield "too few", value[: node["minItems"] - 1]
    if "maxItems" in node:
        yield "too many", list(itertools.islice(itertools.cycle(value), node["maxItems"] + 1))
    if "enum" in node:
        yield "unknown word", node["enum"][0] + "x"
        yield "other case", node["enum"][0].swapcase()
    if "maxLength" in node and "enum" not in node:
        yield "too long", "é" * (node["maxLength"] + 1)
    if kind == "integer":
        yield "fraction", 1.5
    step = 1 if kind == "integer" else 0.001
    if "minimum" in node:
        yield "too low", node["minimum"] - step
    if "maximum" in node:
        yield "too high", node["maximum"] + step
    if "multipleOf" in node:
        yield "no multiple", 21.45
