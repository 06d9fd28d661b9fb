"""The log, read on and on, and folded into rows."""
