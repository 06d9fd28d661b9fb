"""The tables in which a consumer keeps how far it is, beside those of its projection."""

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text

METADATA = MetaData()

# Several consumers may share one database: each has rows of its own in these.

# The next offset of a topic (without prefix) to be folded.
POSITIONS = Table(
    "chargewire_positions",
    METADATA,
    Column("consumer", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("position", BigInteger, nullable=False),
)
# Who may write what comes from a partition number: only who has raised its generation last.
GENERATIONS = Table(
    "chargewire_generations",
    METADATA,
    Column("consumer", Text, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("generation", BigInteger, nullable=False),
)
# Records that could not be folded, as they are in the log; `at` in milliseconds since 1970 (UTC).
POISON = Table(
    "chargewire_poison",
    METADATA,
    Column("consumer", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("key", Text),
    Column("value", Text),  # base64
    Column("at", BigInteger, nullable=False),
)
# CALLs whose answers have not been read yet, and cannot be understood without them.
OPEN_CALLS = Table(
    "chargewire_open_calls",
    METADATA,
    Column("consumer", Text, primary_key=True),
    Column("station", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("written_ms", BigInteger, nullable=False),
    Column("payload", Text, nullable=False),  # JSON
    Index("chargewire_open_calls_age", "consumer", "topic", "partition", "written_ms"),
)
# Changed rows that are to be published: `row` is JSON, or null for one that is gone. Readers keep
# the highest (generation, revision) of a key.
OUTBOX = Table(
    "chargewire_outbox",
    METADATA,
    Column(
        "revision",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    Column("generation", BigInteger, nullable=False),
    Column("consumer", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("topic", Text, nullable=False),
    Column("station", Text, nullable=False),
    Column("key", Text, nullable=False),  # JSON array of the primary key's values
    Column("row", Text),
    Index("chargewire_outbox_order", "consumer", "partition", "revision"),
    sqlite_autoincrement=True,  # a revision never comes back, also after the row is gone
)
