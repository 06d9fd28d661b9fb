"""The tables in which a consumer keeps how far it is, beside those of its projection."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, Table, Text

METADATA = MetaData()

# Several consumers may share one database: each has rows of its own in these.

# Which topics, by the beginning of their names, the rows and positions are of.
ORIGINS = Table(
    "chargewire_origins",
    METADATA,
    Column("consumer", Text, primary_key=True),
    Column("prefix", Text, nullable=False),
)
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
# `revision` rises with every commit; `settled` is false from the beginning of a rebuild until it is
# known which rows differ from those that are on topics.
GENERATIONS = Table(
    "chargewire_generations",
    METADATA,
    Column("consumer", Text, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("generation", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("settled", Boolean, nullable=False),
)
# Up to when old rows of a table are removed, of what comes from a partition number: none is there
# that is older. In milliseconds since 1970 (UTC). Only for not having to look for them again.
REMOVED = Table(
    "chargewire_removed",
    METADATA,
    Column("consumer", Text, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("table_name", Text, primary_key=True),
    Column("before_ms", BigInteger, nullable=False),
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
# Which rows have changed and are to be published, each once: a row is read when it is sent. `key`
# is the JSON text of its primary key. The index has all of it: PostgreSQL may choose it to find one
# row, and thousands have the revision of one commit.
OUTBOX = Table(
    "chargewire_outbox",
    METADATA,
    Column("consumer", Text, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("table_name", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Index("chargewire_outbox_order", "consumer", "partition", "revision", "table_name", "key"),
)
# What is on the topics; null: it is not known which row.
PUBLISHED = Table(
    "chargewire_published",
    METADATA,
    Column("consumer", Text, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("table_name", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("digest", Text),
)
