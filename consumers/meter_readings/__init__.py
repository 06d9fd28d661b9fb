"""The consumer of meter readings: every value that a meter told."""
