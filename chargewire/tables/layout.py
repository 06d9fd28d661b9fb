"""Rows of texts laid out in columns."""

from collections.abc import Sequence

import click


def columns(cells: Sequence[Sequence[str]]) -> list[str]:
    """One line for each row, the first as a bold heading; a column without any text is left out."""
    widths = [
        max(map(len, column)) if any(column[1:]) else 0 for column in zip(*cells, strict=True)
    ]
    lines = []
    for row in cells:
        shown = zip(row, widths, strict=True)
        lines.append("  ".join(f"{cell:{width}}" for cell, width in shown if width).rstrip())
    return [click.style(lines[0], bold=True), *lines[1:]]
