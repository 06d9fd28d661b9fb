"""The consumers: the log folded into tables."""
