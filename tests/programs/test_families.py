"""What metrics are called."""

from programs.families import Family


def test_names_are_those_that_prometheus_shows():
    """A counter ends with _total, and a histogram has three kinds of series."""
    assert Family("takeovers", "counter", "").exposed == "chargewire_takeovers_total"
    assert Family("outage", "gauge", "").series == {"chargewire_outage"}
    assert Family("ack_seconds", "histogram", "").series == {
        "chargewire_ack_seconds_bucket",
        "chargewire_ack_seconds_count",
        "chargewire_ack_seconds_sum",
    }
