"""The small vocabulary of dashboards."""

from deploy.grafana.panels import Line, graph, quantiles, row, stat, table


def test_panels_have_the_form_of_their_kind():
    """And a place in the grid, unless another one is named."""
    assert stat("a", "up").form == "stat"
    assert table("a", "up").form == "table"
    assert graph("a", Line("up")).is_series
    assert row("a").width == 24
    assert graph("a", Line("up"), width=12).width == 12


def test_quantiles_keep_the_matchers_and_what_they_are_told_apart_by():
    """Of the buckets, over the time that Grafana thinks fit."""
    lines = quantiles('ack_seconds{job="a"}', "consumer")
    assert [line.legend for line in lines] == [
        f"{share} {{{{consumer}}}}" for share in ("half", "90 %", "99 %")
    ]
    assert lines[0].expr == (
        "histogram_quantile(0.5, sum by (le, consumer) "
        '(rate(ack_seconds_bucket{job="a"}[$__rate_interval])))'
    )
    assert quantiles("ack_seconds")[2].legend == "99 %"
