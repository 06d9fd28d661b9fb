"""Which fields of events hold one of a few words: what writes them can remember the bytes."""

from collections.abc import Iterator

from schemas import records
from schemas.catalogue import ACTIONS, BLOCKS
from schemas.derive import namespace
from schemas.forms import Form, form

# Of the envelope: the gateway's own words, and the names of OCPP.
_ENVELOPE = ("gateway", "ocpp_version", "direction", "kind", "action")


def word_fields(topic: str) -> frozenset[tuple[str, str]]:
    """(Full name of a record, name of its field) for each such field; none but of blocks."""
    if topic not in BLOCKS:
        return frozenset()
    schema = records.schema(topic)
    own = {(f"{schema['namespace']}.{schema['name']}", name) for name in _ENVELOPE}
    return frozenset(own.union(*map(_enumerated, _payloads(topic))))


def _payloads(block: str) -> Iterator[tuple[str, str, str]]:
    for (version, action), row in ACTIONS.items():
        if row.block == block:
            yield from ((version, action, part) for part in row.parts)


def _enumerated(payload: tuple[str, str, str]) -> set[tuple[str, str]]:
    where = namespace(*payload)
    return {
        (f"{where}.{own.name}", field.name)
        for own in _objects(form(*payload))
        for field in own.fields
        if field.form.enum
    }


def _objects(root: Form) -> Iterator[Form]:
    if root.items is not None:
        yield from _objects(root.items)
    if root.fields:
        yield root
        for field in root.fields:
            yield from _objects(field.form)
