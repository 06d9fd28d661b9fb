"""The tables of the pages for operators: made of the code, and up to date."""

import pytest

from chargewire.manual import PAGES, TABLES, written
from consumers import families as consumer_families
from gateway.config import Config
from gateway.metrics import FAMILIES
from programs.settings import describe, variable


def test_the_pages_are_up_to_date() -> None:
    """`make docs` would change nothing, and no table is missing."""
    pages = [page.read_text(encoding="utf-8") for page in PAGES]
    assert [written(page) for page in pages] == pages, "run `make docs`"
    assert all("".join(pages).count(f"<!-- table: {name}") == 1 for name in TABLES)


def test_every_setting_and_every_metric_has_a_line() -> None:
    """With the name that an operator types."""
    for row in describe(Config()):
        assert TABLES["settings"]().count(f"| `{row.variable}` |") == 1
    for name in ("store", "admin", "batch_records"):
        assert TABLES["consumers"]().count(f"| `{variable(name)}` |") == 1
    assert variable("kafka") not in TABLES["consumers"](), "it is in the table above"
    assert len(TABLES["metrics"]().splitlines()) == len(FAMILIES) + 2
    found = TABLES["consumer_metrics"]()
    assert len(found.splitlines()) == len(consumer_families.FAMILIES) + 2
    assert "| `chargewire_consumer_restarts_total` | counter | `consumer`, `reason` |" in found
    assert "| `chargewire_frames_total` | counter |" in TABLES["metrics"]()
    assert "| `chargewire_ack_seconds` | histogram |" in TABLES["metrics"]()


def test_only_what_is_between_the_marks_is_written() -> None:
    """What a person wrote stays, and a table that nobody makes is an error."""
    page = "before\n<!-- table: metrics, by `make docs` -->\nold\n<!-- end -->\nafter\n"
    found = written(page)
    assert found.startswith("before\n<!-- table: metrics, by `make docs` -->\n| metric |")
    assert found.endswith("|\n<!-- end -->\nafter\n")
    assert "old" not in found
    with pytest.raises(KeyError):
        written(page.replace("metrics", "horoscopes"))
