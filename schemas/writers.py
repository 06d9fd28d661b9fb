"""Generates, from an Avro schema, the Python function that writes its records.

A library that writes Avro looks at the schema again for every value and tries the branches of each
union in turn: 84 us for a MeterValues event of eight samples. Our schemas use a few shapes only, so
that one function per record type, made of nothing but the steps its fields need, is short and runs
straight through: under 15 us. For a record of a nullable string `unit` and a required long `at` the
text that is compiled is

    def write_0(record, put):
        get = record.get
        value = get('unit')
        if value is None:
            put(NULL)
        else:
            data = value.encode()
            put(SOME_INT[len(data)] + data)
        value = record['at']
        put(INT[value] if value.__class__ is int else wrong(value, 'long'))

The shapes (all others: ValueError when the writer is made): string, boolean, long, double, array,
record, a logical type on one of them, a named reference, and ["null", one of these]. The tests hold
every byte against fastavro.
"""

import struct
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import fastavro

Put = Callable[[bytes], None]
Write = Callable[[Mapping[str, Any], Put], None]
Schema = Mapping[str, Any]

_NULL = b"\x00"  # branch 0 of ["null", T]
_SOME = b"\x02"  # branch 1
_INDENT = "    "
_KEPT_MAX = 8192  # encoded integers, about 100 bytes each


def writer(schema: Schema, one_of: Collection[str] = ()) -> Write:
    """A function (record, put) that hands the Avro body of a record to `put`, piece by piece.

    `one_of` names nullable record fields at the end of the schema, of which each record has exactly
    one: the runs of nulls before and behind it are computed here, not for each record.

    The function raises TypeError, AttributeError or KeyError for a value that does not fit or is
    missing, OverflowError for an integer beyond 64 bits, UnicodeEncodeError for a lone surrogate.
    """
    parsed: Any = fastavro.parse_schema(dict(schema))  # spells every name in full
    return _writer(parsed, one_of)


def _writer(schema: Schema, one_of: Collection[str]) -> Write:
    source = _Source(schema)
    if not one_of:
        return source.compile(schema)
    fields = [field for field in schema["fields"] if field["name"] not in one_of]
    frames = schema["fields"][len(fields) :]
    if {field["name"] for field in frames} != set(one_of):
        raise ValueError("the fields of which one is set must stand at the end")
    envelope = source.compile({**schema, "fields": fields})
    around = {
        field["name"]: (
            _NULL * index + _SOME,
            source.compile(source.definition(field["type"][1])),
            _NULL * (len(frames) - index - 1),
        )
        for index, field in enumerate(frames)
    }

    def write(record: Mapping[str, Any], put: Put) -> None:
        envelope(record, put)
        present = [name for name in record if name in around and record[name] is not None]
        if len(present) != 1:
            raise TypeError(f"exactly one frame field must be set, not {sorted(present)}")
        before, write_frame, behind = around[present[0]]
        put(before)
        write_frame(record[present[0]], put)
        put(behind)

    return write


class _Source:
    """The generated functions of one schema, by the names of their records."""

    def __init__(self, schema: Schema) -> None:
        self._definitions = dict(_named(schema))
        self._functions: dict[str, str] = {}  # record name -> function name
        self._names: dict[str, Any] = dict(_RUNTIME)

    def definition(self, schema: Any) -> Schema:
        """The record that a schema is, or names."""
        return self._definitions[schema] if isinstance(schema, str) else schema

    def compile(self, record: Schema) -> Write:
        """The function of a record, after those of the records in it."""
        name = f"write_{len(self._names)}"
        self._names[name] = None  # taken, before the fields take theirs
        lines = [f"def {name}(record, put):", f"{_INDENT}get = record.get"]
        for field in record["fields"]:
            lines += [_INDENT + line for line in self._field(field)]
        exec("\n".join(lines), self._names)  # noqa: S102 - made of our own schemas only
        function: Write = self._names[name]
        return function

    def _field(self, field: Schema) -> Iterator[str]:
        schema = field["type"]
        if isinstance(schema, list):
            if len(schema) != 2 or schema[0] != "null":
                raise ValueError(f"{field['name']}: a union must be of null and one other type")
            yield f"value = get({field['name']!r})"
            yield "if value is None:"
            yield f"{_INDENT}put(NULL)"
            yield "else:"
            yield from (_INDENT + line for line in self._value(schema[1], some=True))
            return
        default = f".get({field['name']!r}, {field['default']!r})" if "default" in field else None
        yield "value = record" + (default or f"[{field['name']!r}]")
        yield from self._value(schema)

    def _value(self, schema: Any, *, some: bool = False) -> Iterator[str]:
        """The lines that write `value`; with the branch number of the union first if `some`."""
        kind = schema["type"] if isinstance(schema, Mapping) else schema
        integers = "SOME_INT" if some else "INT"
        match kind:
            case "string":
                yield "data = value.encode()"
                yield f"put({integers}[len(data)] + data)"
                return
            case "long":
                yield f"put({integers}[value] if value.__class__ is int else wrong(value, 'long'))"
                return
        if some:
            yield "put(SOME)"
        match kind:
            case "boolean":
                yield "put(TRUE if value is True else FALSE if value is False"
                yield f"{_INDENT}else wrong(value, 'boolean'))"
            case "double":
                yield "put(double(value))"
            case "array":
                yield from self._array(schema["items"])
            case "record":
                yield f"{self._function(schema)}(value, put)"
            case str() if kind in self._definitions:
                yield f"{self._function(self._definitions[kind])}(value, put)"
            case _:
                raise ValueError(f"no writer for {kind!r}")

    def _array(self, items: Any) -> Iterator[str]:
        yield "if value.__class__ is not list and value.__class__ is not tuple:"
        yield f"{_INDENT}wrong(value, 'array')"
        yield "if value:"
        yield f"{_INDENT}put(INT[len(value)])"
        yield f"{_INDENT}for value in value:"
        yield from (_INDENT * 2 + line for line in self._value(items))
        yield "put(NULL)"  # a block of no items ends the array

    def _function(self, record: Schema) -> str:
        name = record["name"]
        if name not in self._functions:
            self._functions[name] = self.compile(record).__name__
        return self._functions[name]


def _named(schema: Any) -> Iterator[tuple[str, Schema]]:
    """Every record in a schema, by its full name."""
    if isinstance(schema, list):
        for branch in schema:
            yield from _named(branch)
    elif isinstance(schema, Mapping):
        if schema["type"] == "record":
            yield schema["name"], schema
            for field in schema["fields"]:
                yield from _named(field["type"])
        elif schema["type"] == "array":
            yield from _named(schema["items"])


class _Integers(dict[int, bytes]):
    """Avro's variable-length zigzag integers behind a fixed prefix.

    The last few thousand are kept: lengths, epochs, times and transaction ids come again and again.
    """

    def __init__(self, prefix: bytes = b"") -> None:
        super().__init__()
        self._prefix = prefix

    def __missing__(self, number: int) -> bytes:
        if not -(1 << 63) <= number < 1 << 63:
            raise OverflowError("an integer does not fit into 64 bits")
        rest = (number << 1) ^ (number >> 63)
        out = bytearray(self._prefix)
        while rest > 0x7F:
            out.append(rest & 0x7F | 0x80)
            rest >>= 7
        out.append(rest)
        if len(self) >= _KEPT_MAX:
            self.clear()
        self[number] = encoded = bytes(out)
        return encoded


_PACK = struct.Struct("<d").pack


def _double(value: object) -> bytes:
    # An integer is a number too; a boolean is none, although Python counts it as one.
    if value.__class__ is not float and value.__class__ is not int:
        _wrong(value, "double")
    return _PACK(value)


def _wrong(value: object, wanted: str) -> bytes:
    raise TypeError(f"{type(value).__name__} where {wanted} is expected")


# What the generated functions call by name.
_RUNTIME: Mapping[str, object] = {
    "NULL": _NULL,
    "SOME": _SOME,
    "TRUE": b"\x01",
    "FALSE": b"\x00",
    "INT": _Integers(),
    "SOME_INT": _Integers(_SOME),
    "double": _double,
    "wrong": _wrong,
}
