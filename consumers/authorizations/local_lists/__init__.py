"""Local authorization lists, kept as they should be."""
