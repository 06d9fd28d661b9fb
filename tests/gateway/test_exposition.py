"""Numbers as Prometheus' text, also those of several processes."""

import subprocess
import sys
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from gateway.exposition import STALE_S, Workers, publish, text
from gateway.metrics import FAMILIES, Metrics, Sample


def parsed(samples: list[Sample]) -> dict[tuple[str, tuple[str, ...]], float]:
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text(samples).decode())
        for sample in family.samples
    }


def test_the_text_is_what_prometheus_reads():
    """prometheus-client's own parser is the witness; buckets are cumulative."""
    metrics = Metrics()
    metrics.connected("2.0.1")
    metrics.takeover()
    metrics.acknowledged(0.002)
    metrics.acknowledged(0.02)
    found = parsed(metrics.samples())
    assert found["chargewire_connections", ("2.0.1",)] == 1
    assert found["chargewire_takeovers_total", ()] == 1
    assert found["chargewire_ack_seconds_bucket", ("0.001",)] == 0
    assert found["chargewire_ack_seconds_bucket", ("0.0025",)] == 1
    assert found["chargewire_ack_seconds_bucket", ("+Inf",)] == 2
    assert found["chargewire_ack_seconds_count", ()] == 2


def test_every_family_is_named_even_before_it_has_a_series():
    """So that a dashboard can be written against the text."""
    page = text(Metrics().samples()).decode()
    assert all(f"# TYPE chargewire_{name}" in page for name in FAMILIES)


def worker(directory: Path, name: str, *reasons: str, takeovers: int = 1) -> None:
    metrics = Metrics()
    for _ in range(takeovers):
        metrics.takeover()
        metrics.connected("1.6")
    publish(directory, name, metrics, reasons)


def test_the_parent_adds_up_its_workers(tmp_path: Path):
    """One page for all, whichever process serves a station."""
    workers = Workers(tmp_path)
    for name, takeovers in (("one", 1), ("two", 2)):
        workers.expect(name)
        worker(tmp_path, name, takeovers=takeovers)
    found = parsed(workers.samples())
    assert found["chargewire_takeovers_total", ()] == 3
    assert found["chargewire_connections", ("1.6",)] == 3


def test_a_worker_that_ended_keeps_its_counters_and_loses_its_connections(tmp_path: Path):
    """Counters never fall, also when the worker of the same name starts again from zero."""
    workers = Workers(tmp_path)
    for _ in range(2):
        workers.expect("one")
        worker(tmp_path, "one", takeovers=2)
        workers.retire("one")
    workers.expect("one")
    worker(tmp_path, "one", takeovers=1)
    found = parsed(workers.samples())
    assert found["chargewire_takeovers_total", ()] == 5
    assert found["chargewire_connections", ("1.6",)] == 1


def test_all_are_ready_or_none_is(tmp_path: Path):
    """The reasons name the worker; one that has not spoken yet is starting."""
    workers = Workers(tmp_path)
    workers.expect("one")
    workers.expect("two")
    worker(tmp_path, "one", "the log is out of reach")
    assert workers.unready() == ["one: the log is out of reach", "two: starting"]
    worker(tmp_path, "one")
    worker(tmp_path, "two")
    assert workers.unready() == []


def test_a_worker_that_falls_silent_is_neither_well_nor_ready(tmp_path: Path):
    """Its loop hangs: it would have renewed its file."""
    later = [0.0]
    workers = Workers(tmp_path, now_s=lambda: later[0])
    workers.expect("one")
    worker(tmp_path, "one")
    later[0] = (tmp_path / "one.metrics").stat().st_mtime + STALE_S - 1
    assert workers.unwell() == []
    later[0] += 3
    assert workers.unwell() == ["one: no sign of life for 12 s"]
    assert workers.unready() == workers.unwell()


def test_what_is_watched_may_be_true_or_false(tmp_path: Path):
    """Whatever number a part gives, its worker's file can be read."""
    metrics, workers = Metrics(), Workers(tmp_path)
    metrics.watch("outage", lambda: True)
    workers.expect("one")
    publish(tmp_path, "one", metrics, ())
    assert workers.unready() == []
    assert parsed(workers.samples())["chargewire_outage", ()] == 1


def test_a_file_that_cannot_be_read_is_a_worker_that_is_not_ready(tmp_path: Path):
    """And no exception where the parent looks after all the others."""
    workers = Workers(tmp_path)
    workers.expect("one")
    (tmp_path / "one.metrics").write_bytes(b"\x93no state")
    assert workers.unready() == ["one: starting"]
    assert workers.samples() == []
    workers.retire("one")


def test_another_process_is_read_as_well(tmp_path: Path):
    """Nothing but the file is shared."""
    program = (
        "import pathlib, sys; from gateway.exposition import publish; "
        "from gateway.metrics import Metrics; m = Metrics(); m.takeover(); "
        "publish(pathlib.Path(sys.argv[1]), 'one', m, ())"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
    workers = Workers(tmp_path)
    workers.expect("one")
    assert parsed(workers.samples())["chargewire_takeovers_total", ()] == 1
    assert workers.unready() == []
