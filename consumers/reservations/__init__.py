"""The consumer of reservations: what was reserved, and its end."""
