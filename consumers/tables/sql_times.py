"""Times and exact numbers in the SQL of views: what SQLite and PostgreSQL say differently."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

DAY_MS = 86_400_000
# The years 1 to 9999. A view must not fail for one time that no calendar has.
_FIRST_MS, _LAST_MS = -62_135_596_800_000, 253_402_300_799_999


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one dialect; each text has {} where an SQL expression goes."""

    now_ms: str
    moment: str  # of milliseconds since 1970: a timestamp; text in SQLite, which has no such type
    day: str  # of days since 1970: a date; text in SQLite
    number: str  # of an exact number as it is stored: one to reckon with
    thousandth: str  # of a number: kWh of Wh, seconds of milliseconds; exact in PostgreSQL
    least: str
    greatest: str

    def time(self, ms: str) -> str:
        """The timestamp (UTC) of milliseconds since 1970; null where no calendar has it."""
        moment = self.moment.format(ms)
        return f"CASE WHEN {ms} BETWEEN {_FIRST_MS} AND {_LAST_MS} THEN {moment} END"

    def date(self, ms: str) -> str:
        """The day (UTC) in which milliseconds since 1970 lie."""
        return self.day.format(f"({ms}) / {DAY_MS}")

    def kwh(self, wh: str) -> str:
        """Energy in kWh of what is stored in Wh."""
        return self.thousandth.format(self.number.format(wh))


WORDS: Mapping[str, Words] = MappingProxyType(
    {
        "postgresql": Words(
            now_ms="CAST(EXTRACT(EPOCH FROM now()) * 1000 AS BIGINT)",
            moment="to_timestamp({} / 1000.0)",
            day="DATE '1970-01-01' + CAST({} AS INTEGER)",
            number="{}",
            thousandth="{} * 0.001",
            least="LEAST",
            greatest="GREATEST",
        ),
        "sqlite": Words(
            now_ms="CAST(strftime('%s', 'now') AS INTEGER) * 1000",
            moment="strftime('%Y-%m-%dT%H:%M:%fZ', {} / 1000.0, 'unixepoch')",
            day="date(({}) * 86400, 'unixepoch')",
            number="CAST({} AS REAL)",
            thousandth="{} / 1000.0",
            least="min",
            greatest="max",
        ),
    }
)
"""Name of the dialect -> its words."""

# In PostgreSQL a condition on the station gets through to the tables; it would not through a
# recursion, which is what SQLite has in the place of generate_series.
_PIECES = {
    "postgresql": """
    SELECT {columns}, begin_ms, end_ms, day_no
    FROM spans CROSS JOIN LATERAL
        generate_series(begin_ms / {day_ms}, (end_ms - 1) / {day_ms}) AS days (day_no)
    WHERE end_ms > begin_ms""",
    "sqlite": """
    SELECT {columns}, begin_ms, end_ms, begin_ms / {day_ms} AS day_no
    FROM spans WHERE end_ms > begin_ms
    UNION ALL
    SELECT {columns}, begin_ms, end_ms, day_no + 1
    FROM pieces WHERE (day_no + 1) * {day_ms} < end_ms""",
}

_BY_DAY = """WITH RECURSIVE {spans},
pieces AS ({pieces}
)
SELECT
    {keys},
    {day} AS day,
    {whole},
    {part},
    {share}
FROM pieces
GROUP BY {keys}, day_no"""


def by_day(
    dialect: str, spans: str, keys: Iterable[str], whole: tuple[str, str], part: tuple[str, str]
) -> str:
    """A SELECT of how long something was so on each day (UTC), from spans of time.

    `spans` are the WITH queries that end with one called spans: the `keys`, begin_ms, end_ms, and
    two flags (0 or 1). `whole` and `part` each name the column of seconds, and the flag of the
    spans that count in it. `share` is the part of the whole, null where that is nothing.
    """
    say = WORDS[dialect]
    names = list(keys)
    columns = ", ".join([*names, whole[1], part[1]])
    pieces = _PIECES[dialect].format(columns=columns, day_ms=DAY_MS)
    length = (
        f"({say.least}(end_ms, (day_no + 1) * {DAY_MS})"
        f" - {say.greatest}(begin_ms, day_no * {DAY_MS}))"
    )
    sums = [f"SUM({length} * {flag})" for _, flag in (whole, part)]
    return _BY_DAY.format(
        spans=spans,
        pieces=pieces,
        keys=", ".join(names),
        day=say.day.format("day_no"),
        whole=f"{say.thousandth.format(sums[0])} AS {whole[0]}",
        part=f"{say.thousandth.format(sums[1])} AS {part[0]}",
        share=f"CAST({sums[1]} AS DOUBLE PRECISION) / NULLIF({sums[0]}, 0) AS share",
    )
