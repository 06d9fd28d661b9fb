"""The gateway's numbers: what is counted where, and that labels stay bounded."""

import pytest

from gateway.events import Event
from gateway.metrics import FAMILIES, OTHER, SERIES_MAX, Metrics, Sample, lasting, merged
from schemas.catalogue import VERSIONS


def values(metrics: Metrics, family: str) -> dict[tuple[str, ...], float]:
    return {
        sample.labels: sum(sample.counts) if sample.counts else sample.value
        for sample in metrics.samples()
        if sample.family == family
    }


def event(**given) -> Event:
    facts = {"direction": "from_station", "kind": "call", "action": "Heartbeat"} | given
    return Event("provisioning", b"", (), 0, 1, **facts)


def test_frames_are_counted_by_direction_kind_and_action():
    """Each event of a frame is one."""
    metrics = Metrics()
    metrics.event(event())
    metrics.event(event())
    metrics.event(event(kind="result", direction="to_station"))
    assert values(metrics, "frames") == {
        ("from_station", "call", "Heartbeat"): 2,
        ("to_station", "result", "Heartbeat"): 1,
    }


def test_bent_rules_and_dead_letters_are_counted_by_rule():
    """A dead letter's action is whatever a station wrote, so it is no label."""
    metrics = Metrics()
    metrics.event(event(deviations=("too_long", "unknown_property")))
    metrics.event(event(action="Nonsense", rule="unknown_action"))
    assert values(metrics, "deviations") == {("too_long",): 1, ("unknown_property",): 1}
    assert values(metrics, "dead_letters") == {("unknown_action",): 1}
    assert ("from_station", "call", "Nonsense") not in values(metrics, "frames")


def test_a_name_of_a_station_is_no_label():
    """Should an action that OCPP does not have ever get so far, it shares a series."""
    metrics = Metrics()
    for number in range(3):
        metrics.event(event(action=f"Nonsense{number}"))
        metrics.answered(f"Nonsense{number}", 0.1)
    metrics.answered("", 0.1)  # the answer to a frame that names none
    assert values(metrics, "frames") == {("from_station", "call", OTHER): 3}
    assert values(metrics, "answer_seconds") == {(OTHER,): 4}


def test_connection_events_are_no_frames():
    """They have no direction."""
    metrics = Metrics()
    metrics.event(event(direction="", kind="connected", action=""))
    assert values(metrics, "frames") == {}


def test_that_nobody_is_connected_is_told():
    """By a zero of each version: alerts, and what scales gateways, would see nothing in nothing."""
    found = values(Metrics(), "connections")
    assert found == {(version,): 0 for version in VERSIONS}
    assert found


def test_connections_go_up_and_down_by_version():
    """Opened ones are counted too, ended ones by close code; a station's own codes share one."""
    metrics = Metrics()
    for code in (None, 1000, 4711, 4712):
        metrics.connected("1.6")
        metrics.disconnected("1.6", code)
    metrics.connected("1.6")
    assert values(metrics, "connections")["1.6",] == 1
    assert values(metrics, "connects") == {("1.6",): 5}
    assert values(metrics, "disconnects") == {
        ("1.6", "none"): 1,
        ("1.6", "1000"): 1,
        ("1.6", "4xxx"): 2,
    }


def test_waits_fall_into_buckets():
    """A value on a bound belongs under it, as Prometheus' `le` says."""
    metrics = Metrics()
    metrics.answered("Heartbeat", 0.001)
    metrics.answered("Heartbeat", 0.0011)
    metrics.answered("Heartbeat", 99)
    sample = next(one for one in metrics.samples() if one.family == "answer_seconds")
    assert sample.counts[:2] == (1, 1)
    assert sample.counts[-1] == 1
    assert sample.value == pytest.approx(99.0021)


def test_labels_stay_bounded_whatever_happens():
    """Should a label ever come from outside, the rest of its values share one series."""
    metrics = Metrics()
    for number in range(SERIES_MAX + 50):
        metrics.refused(f"reason {number}")
    found = values(metrics, "refusals")
    assert len(found) == SERIES_MAX + 1
    assert found[OTHER,] == 50


def test_what_has_no_labels_is_there_from_the_start():
    """An alert on a series that does not exist never fires."""
    assert values(Metrics(), "takeovers") == {(): 0}
    assert values(Metrics(), "ack_seconds") == {(): 0}


def test_watched_values_are_asked_for_when_someone_looks():
    """The producer keeps its own numbers."""
    metrics, now = Metrics(), [1.0]
    metrics.watch("events_in_flight", lambda: now[0])
    assert values(metrics, "events_in_flight") == {(): 1}
    now[0] = 7
    assert values(metrics, "events_in_flight") == {(): 7}


def test_a_name_that_is_in_no_table_is_a_bug():
    """And shows as one."""
    with pytest.raises(KeyError):
        Metrics().count("nothing of the kind")


def test_processes_add_up():
    """Counters, gauges and every bucket of a histogram."""
    first = [Sample("takeovers", (), 1), Sample("answer_seconds", ("A",), 0.5, (1, 0))]
    second = [Sample("takeovers", (), 2), Sample("answer_seconds", ("A",), 2.5, (1, 3))]
    assert merged([first, second, []]) == [
        Sample("takeovers", (), 3),
        Sample("answer_seconds", ("A",), 3.0, (2, 3)),
    ]


def test_the_youngest_process_tells_when_they_were_started():
    """A sum of times would be none."""
    parts = [[Sample("start_time_seconds", (), at)] for at in (17.0, 20.0, 18.0)]
    assert merged(parts) == [Sample("start_time_seconds", (), 20.0)]


def test_a_process_leaves_its_counters_behind_and_takes_its_gauges_along():
    """Its connections are gone, what it counted has happened."""
    kept = {sample.family for sample in lasting(Metrics().samples())}
    assert "takeovers" in kept
    assert "ack_seconds" in kept
    assert not {name for name in kept if FAMILIES[name].kind == "gauge"}
