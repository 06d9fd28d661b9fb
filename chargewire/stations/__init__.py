"""Stations: who is connected, and how each is to be treated."""
