"""A consumer's tables, shown to a person."""
