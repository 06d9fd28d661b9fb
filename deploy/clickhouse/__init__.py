"""Tables for ClickHouse that follow our topics."""
