"""The log as a person reads it, and writes to it."""
