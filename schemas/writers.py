"""Generates, from an Avro schema, the Python function that writes its records.

A library that writes Avro looks at the schema again for every value and tries the branches of each
union in turn: 84 us for a MeterValues event of eight samples. Our schemas use a few shapes only, so
that one function per record type, made of nothing but the steps its fields need, is short and runs
straight through: under 10 us. For a record of a nullable string `id` and a required long `at` the
text that is compiled is

    def write_0(record, put):
        get = record.get
        put((
            NULL if (value := get('id')) is None else SOME_INT[len(data := value.encode())] + data,
            INT[value] if (value := record['at']).__class__ is int else wrong(value, 'long'),
        ))

The shapes (all others: ValueError when the writer is made): string, boolean, long, double, array,
record, a logical type on one of them, a named reference, and ["null", one of these]. The tests hold
every byte against fastavro.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

import fastavro

from schemas.primitives import NULL, SOME, Integers, Words, double, wrong

Put = Callable[[Iterable[bytes]], None]
Write = Callable[[Mapping[str, Any], Put], None]
Schema = Mapping[str, Any]

_INDENT = "    "
_INT, _SOME_INT = Integers(), Integers(SOME)

# What the generated functions call by name.
_RUNTIME: Mapping[str, object] = {
    "NULL": NULL,
    "SOME": SOME,
    "TRUE": b"\x01",
    "FALSE": b"\x00",
    "INT": _INT,
    "SOME_INT": _SOME_INT,
    "WORD": Words(_INT),
    "SOME_WORD": Words(_SOME_INT),
    "double": double,
    "wrong": wrong,
}


def writer(
    schema: Schema, one_of: Collection[str] = (), words: Collection[tuple[str, str]] = ()
) -> Write:
    """A function (record, put) that hands the Avro body of a record to `put`, some pieces a time.

    `one_of` names nullable record fields at the end of the schema, of which each record has exactly
    one: the runs of nulls before and behind it are computed here, not for each record. `words` are
    string fields (full name of the record, field) with few values: their bytes are remembered.

    The function raises TypeError, AttributeError or KeyError for a value that does not fit or is
    missing, OverflowError for an integer beyond 64 bits, UnicodeEncodeError for a lone surrogate.
    """
    parsed: Any = fastavro.parse_schema(dict(schema))  # spells every name in full
    return _writer(_Source(parsed, words), parsed, one_of)


def _writer(source: "_Source", schema: Schema, one_of: Collection[str]) -> Write:
    if not one_of:
        return source.compile(schema)
    fields = [field for field in schema["fields"] if field["name"] not in one_of]
    frames = schema["fields"][len(fields) :]
    if {field["name"] for field in frames} != set(one_of):
        raise ValueError("the fields of which one is set must stand at the end")
    envelope = source.compile({**schema, "fields": fields})
    around = {
        field["name"]: (
            NULL * index + SOME,
            source.compile(source.definition(field["type"][1])),
            NULL * (len(frames) - index - 1),
        )
        for index, field in enumerate(frames)
    }

    def write(record: Mapping[str, Any], put: Put) -> None:
        envelope(record, put)
        present = around.keys() & record.keys()
        if len(present) > 1:
            present = {name for name in present if record[name] is not None}
        name = present.pop() if len(present) == 1 else ""
        payload = record.get(name)
        if payload is None:
            raise TypeError(f"exactly one frame field must be set, not {sorted(present)}")
        before, write_frame, behind = around[name]
        put((before,))
        write_frame(payload, put)
        put((behind,))

    return write


class _Source:
    """The generated functions of one schema, by the names of their records."""

    def __init__(self, schema: Schema, words: Collection[tuple[str, str]]) -> None:
        self._words = frozenset(words)
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
        lines += [_INDENT + line for line in self._fields(record)]
        exec("\n".join(lines), self._names)  # noqa: S102 - made of our own schemas only
        function: Write = self._names[name]
        return function

    def _fields(self, record: Schema) -> Iterator[str]:
        """The lines that write all fields; as many as can be are put at once."""
        run: list[str] = []
        for field in record["fields"]:
            schema, name, null = field["type"], field["name"], False
            if isinstance(schema, list):
                if len(schema) != 2 or schema[0] != "null":
                    raise ValueError(f"{name}: a union must be of null and one other type")
                null, schema = True, schema[1]
            read = f"get({name!r})" if null else _read(field)
            word = (record["name"], name) in self._words
            piece = _piece(schema, "value" if null else read, some=null, word=word)
            if piece is not None:
                run.append(f"NULL if (value := {read}) is None else {piece}" if null else piece)
                continue
            yield from _put(run)
            run = []
            yield f"value = {read}"
            if null:
                yield "if value is None:"
                yield f"{_INDENT}put((NULL,))"
                yield "else:"
                yield f"{_INDENT}put((SOME,))"
            yield from ((_INDENT if null else "") + line for line in self._value(schema))
        yield from _put(run)

    def _value(self, schema: Any) -> Iterator[str]:
        """The lines that write `value`."""
        piece = _piece(schema, "value")
        if piece is not None:
            yield from _put([piece])
            return
        kind = schema["type"] if isinstance(schema, Mapping) else schema
        match kind:
            case "array":
                yield "if value.__class__ is not list and value.__class__ is not tuple:"
                yield f"{_INDENT}wrong(value, 'array')"
                yield "if value:"
                yield f"{_INDENT}put((INT[len(value)],))"
                yield f"{_INDENT}for value in value:"
                yield from (_INDENT * 2 + line for line in self._value(schema["items"]))
                yield "put((NULL,))"  # a block of no items ends the array
            case "record":
                yield f"{self._function(schema)}(value, put)"
            case str() if kind in self._definitions:
                yield f"{self._function(self._definitions[kind])}(value, put)"
            case _:
                raise ValueError(f"no writer for {kind!r}")

    def _function(self, record: Schema) -> str:
        name = record["name"]
        if name not in self._functions:
            self._functions[name] = self.compile(record).__name__
        return self._functions[name]


def _read(field: Schema) -> str:
    """The expression for a field that is never null."""
    if "default" in field:
        return f"record.get({field['name']!r}, {field['default']!r})"
    return f"record[{field['name']!r}]"


def _piece(schema: Any, read: str, *, some: bool = False, word: bool = False) -> str | None:
    """The expression for the bytes of a primitive value; None for other types.

    `read` is the expression for the value; with `some` its branch number goes first.
    """
    before = "SOME_" if some else ""
    match schema["type"] if isinstance(schema, Mapping) else schema:
        case "string" if word:
            return f"{before}WORD[{read}]"
        case "string":
            return f"{before}INT[len(data := {read}.encode())] + data"
        case "long":
            test = f"(value := {read}).__class__ is int"
            return f"{before}INT[value] if {test} else wrong(value, 'long')"
        case "boolean":
            return (
                f"{'SOME + ' if some else ''}(TRUE if (value := {read}) is True else"
                " FALSE if value is False else wrong(value, 'boolean'))"
            )
        case "double":
            return f"{'SOME + ' if some else ''}double({read})"
    return None


def _put(pieces: Collection[str]) -> Iterator[str]:
    if pieces:
        yield "put(("
        yield from (f"{_INDENT}{piece}," for piece in pieces)
        yield "))"


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
