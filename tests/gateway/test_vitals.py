"""What a process takes of its machine."""

import os
import time

import pytest

from gateway.metrics import FAMILIES
from gateway.vitals import watched


def test_every_number_has_a_metric_and_a_value():
    """Those of this process: it has some files open, and less than it may."""
    found = {name: value() for name, value in watched().items()}
    assert found.keys() <= FAMILIES.keys()
    assert found["memory_bytes"] > 1_000_000
    assert 2 < found["open_files"] < found["open_files_max"]
    assert found["start_time_seconds"] <= time.time()


@pytest.mark.parametrize("told", [True, False])
def test_a_file_that_is_opened_counts(tmp_path, monkeypatch, told):
    """Sockets are files, too; also where the kernel is too old to tell how many there are."""
    if not told:
        monkeypatch.setattr(os, "stat", lambda _: os.stat_result([0] * 10))
    files = watched()["open_files"]
    before = files()
    with (tmp_path / "one").open("w"):
        assert files() == before + 1
