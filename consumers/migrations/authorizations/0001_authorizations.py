"""Tokens, what was asked about them, and what they are used for."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables and the view."""
    _tokens()
    _token_uses()
    op.execute(
        """
        CREATE VIEW unknown_tokens AS
        SELECT
            asked.token AS token,
            asked.station AS station,
            MAX(asked.spelling) AS spelling,
            MAX(asked.token_type) AS token_type,
            CAST(SUM(asked.times) AS BIGINT) AS times,
            MIN(asked.first_ms) AS first_ms,
            MAX(asked.last_ms) AS last_ms
        FROM token_asks AS asked
        LEFT JOIN id_tokens AS issued ON issued.token = asked.token
        WHERE issued.status IS NULL
        GROUP BY asked.token, asked.station
        """
    )


def _tokens() -> None:
    op.create_table(
        "id_tokens",
        sa.Column("token", sa.Text, primary_key=True),
        sa.Column("spelling", sa.Text),
        sa.Column("token_type", sa.Text),
        sa.Column("status", sa.Text),
        sa.Column("expires_ms", sa.BigInteger),
        sa.Column("group_token", sa.Text),
        sa.Column("lists", sa.Text),
        sa.Column("epoch", sa.BigInteger),
    )
    op.create_table(
        "token_asks",
        sa.Column("station", sa.Text, primary_key=True),
        sa.Column("action", sa.Text, primary_key=True),
        sa.Column("place", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("token", sa.Text),
        sa.Column("epoch", sa.BigInteger),
        sa.Column("sequence", sa.BigInteger),
        sa.Column("spelling", sa.Text),
        sa.Column("token_type", sa.Text),
        sa.Column("times", sa.BigInteger),
        sa.Column("first_ms", sa.BigInteger),
        sa.Column("last_ms", sa.BigInteger),
    )


def _token_uses() -> None:
    op.create_table(
        "token_uses",
        sa.Column("station", sa.Text, primary_key=True),
        sa.Column("transaction_id", sa.Text, primary_key=True),
        sa.Column("token", sa.Text),
        sa.Column("spelling", sa.Text),
        sa.Column("token_type", sa.Text),
        sa.Column("token_ms", sa.BigInteger),
        sa.Column("token_event_id", sa.Text),
        sa.Column("token_epoch", sa.BigInteger),
        sa.Column("token_sequence", sa.BigInteger),
        sa.Column("evse", sa.BigInteger),
        sa.Column("connector", sa.BigInteger),
        sa.Column("place", sa.BigInteger),
        sa.Column("begun_ms", sa.BigInteger),
        sa.Column("begun_epoch", sa.BigInteger),
        sa.Column("begun_sequence", sa.BigInteger),
        sa.Column("last_epoch", sa.BigInteger),
        sa.Column("last_sequence", sa.BigInteger),
        sa.Column("ended_ms", sa.BigInteger),
        sa.Column("ended_epoch", sa.BigInteger),
        sa.Column("ended_sequence", sa.BigInteger),
        sa.Column("status", sa.Text),
        sa.Column("token_group", sa.Text),
        sa.Column("answered_epoch", sa.BigInteger),
        sa.Column("answered_sequence", sa.BigInteger),
        sa.Index("token_uses_by_token", "token", "token_ms"),
        sa.Index("token_uses_by_place", "station", "place", "last_epoch", "last_sequence"),
    )
