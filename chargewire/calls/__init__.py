"""Asking stations for something: what can be asked, and what comes of it."""
