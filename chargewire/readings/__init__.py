"""Meter readings, to look at or to take away."""
