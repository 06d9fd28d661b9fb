"""Places in traces, as they travel with records: the header `traceparent` of W3C Trace Context."""

import re
from hashlib import blake2b

import msgspec

TRACEPARENT = "traceparent"
_SAMPLED = 1
# Version 00 has four parts; later versions may have more, and begin with the same (section 3.2.4).
_PARTS = re.compile(
    rb"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})"
    rb"(-[\x21-\x7e]{0,200})?"
)


class Trace(msgspec.Struct, frozen=True, gc=False):
    """The place of a span that is made here, in a trace that is sampled.

    `trace_id` has 128 bits, the others have 64; `parent_id` is the span above, 0: there is none.
    """

    trace_id: int
    span_id: int
    parent_id: int = 0

    @property
    def header(self) -> bytes:
        """The traceparent by which others follow this span."""
        return f"00-{self.trace_id:032x}-{self.span_id:016x}-01".encode()

    def child(self, name: str) -> "Trace":
        """The place of a span below this one; the same name always gives the same.

        Derived and not drawn: so what is pure can tell where its records stand, and who reads the
        log once more makes the same spans again.
        """
        digest = blake2b(f"{self.span_id:016x} {name}".encode(), digest_size=8).digest()
        return Trace(self.trace_id, int.from_bytes(digest, "big") or 1, self.span_id)


Context = Trace | bytes
"""Where a record belongs; bytes: a traceparent that is handed on as it came, without a span."""


def followed(traceparent: bytes | None) -> Trace | None:
    """The place that a traceparent names, where spans below it are wanted: it is sampled.

    Its own parent is not known here.
    """
    found = _read(traceparent)
    if found is None or not int(found[4], 16) & _SAMPLED:
        return None
    return Trace(int(found[2], 16), int(found[3], 16))


def well_formed(traceparent: bytes | None) -> bytes | None:
    """The traceparent, if it is one; any other is as if none had come (section 3.2)."""
    return traceparent if _read(traceparent) else None


def _read(traceparent: bytes | None) -> re.Match[bytes] | None:
    found = _PARTS.fullmatch(traceparent or b"")
    return None if found is None or (found[1] == b"00" and found[5] is not None) else found


def header(context: Context) -> bytes:
    """The traceparent of a record."""
    return context.header if isinstance(context, Trace) else context
