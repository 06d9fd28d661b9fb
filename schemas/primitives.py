"""Avro's primitive values as bytes, remembered where the same ones come again and again."""

import struct
from typing import TypeVar

NULL = b"\x00"  # branch 0 of ["null", T]
SOME = b"\x02"  # branch 1
_KEPT_MAX = 8192  # of each kind, about 100 bytes each
_WORD_BYTES_MAX = 64  # a lenient station may put anything where a word belongs

_Key = TypeVar("_Key")


class _Remembered(dict[_Key, bytes]):
    """The bytes of what comes again and again, up to a limit."""

    def keep(self, key: _Key, encoded: bytes) -> bytes:
        if len(self) >= _KEPT_MAX:
            self.clear()
        self[key] = encoded
        return encoded


class _Unsigned(_Remembered[int]):
    """Numbers of seven bits a byte, the low ones first; all but the last byte are marked."""

    def __missing__(self, number: int) -> bytes:
        if number < 0x80:
            return self.keep(number, bytes((number,)))
        # The high bits of a counter or a clock change seldom.
        return self.keep(number, bytes((number & 0x7F | 0x80,)) + self[number >> 7])


_UNSIGNED = _Unsigned()


class Integers(_Remembered[int]):
    """Avro's variable-length zigzag integers behind a fixed prefix.

    Lengths, epochs, times and transaction ids come again and again.
    """

    def __init__(self, prefix: bytes = b"") -> None:
        super().__init__()
        self._prefix = prefix

    def __missing__(self, number: int) -> bytes:
        if not -(1 << 63) <= number < 1 << 63:
            raise OverflowError("an integer does not fit into 64 bits")
        return self.keep(number, self._prefix + _UNSIGNED[(number << 1) ^ (number >> 63)])


class Words(_Remembered[str]):
    """Avro's strings behind a fixed prefix."""

    def __init__(self, lengths: Integers) -> None:
        super().__init__()
        self._lengths = lengths

    def __missing__(self, word: str) -> bytes:
        data = word.encode()
        encoded = self._lengths[len(data)] + data
        return self.keep(word, encoded) if len(data) <= _WORD_BYTES_MAX else encoded


_PACK = struct.Struct("<d").pack


def double(value: object) -> bytes:
    """Eight bytes. TypeError for a boolean: it is no number, although Python counts it as one."""
    if value.__class__ is not float and value.__class__ is not int:
        wrong(value, "double")
    return _PACK(value)


def wrong(value: object, wanted: str) -> bytes:
    """Raises TypeError; said to return so that it can stand where bytes do."""
    raise TypeError(f"{type(value).__name__} where {wanted} is expected")
