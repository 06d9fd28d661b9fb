"""The contract between those who write the log and those who read it."""
