"""The columns that tables of consumers are made of, alike in every database."""

from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Column, Dialect, Numeric, Text
from sqlalchemy.types import TypeDecorator, TypeEngine


class Exact(TypeDecorator[Decimal]):
    """A decimal number of which no digit is lost.

    SQLite has binary fractions only, so there it is text: CAST(... AS REAL) to reckon with it.
    """

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else Numeric())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "sqlite":
            return value
        return format(value, "f")

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


TIME = "time"


def key(
    name: str, kind: type[BigInteger] | type[Text] = BigInteger, doc: str | None = None
) -> Column[Any]:
    """A column of the primary key; in a table that is published it needs a `doc`."""
    return Column(name, kind, primary_key=True, autoincrement=False, comment=doc)


def station() -> Column[Any]:
    """The station id, with which every primary key begins."""
    return key("station", Text, "station id as in the URL, percent-decoded")


def whole(name: str, doc: str) -> Column[Any]:
    """A whole number of 64 bits that is no time."""
    return Column(name, BigInteger, comment=doc)


def time(name: str, doc: str) -> Column[Any]:
    """A time: milliseconds since 1970 (UTC)."""
    return Column(name, BigInteger, comment=doc, info={TIME: True})


def words(name: str, doc: str) -> Column[Any]:
    """A text."""
    return Column(name, Text, comment=doc)


def exact(name: str, doc: str) -> Column[Any]:
    """A decimal number."""
    return Column(name, Exact, comment=doc)
