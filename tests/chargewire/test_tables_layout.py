"""Rows of texts laid out in columns."""

import click

from chargewire.tables.layout import columns


def test_columns_are_as_wide_as_their_widest_text():
    """A column without any text is not shown, nor are blanks at the end."""
    cells = [["A", "B", "EMPTY"], ["long one", "x", ""], ["c", "", ""]]
    assert [click.unstyle(line) for line in columns(cells)] == ["A         B", "long one  x", "c"]


def test_the_heading_stands_out():
    """On a terminal; click takes the style away elsewhere."""
    heading, row = columns([["A"], ["b"]])
    assert heading.startswith("\x1b[1m")
    assert row == "b"
