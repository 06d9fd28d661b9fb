"""What a query is before it is asked, and what becomes of its answer."""

import httpx
import pytest

from deploy.grafana.answers import Sources, Span, answers, promql, sql

SPAN = Span(1000.0, 1600.0, 15.0)


def test_what_is_not_chosen_is_everything():
    """As the dashboards' own choice `All`."""
    text = 'up{job=~"$job",namespace=~"${namespace}"}'
    assert promql(text, {}, SPAN) == 'up{job=~".*",namespace=~".*"}'
    assert promql(text, {"job": ["a", "b.c"]}, SPAN) == 'up{job=~"a|b\\.c",namespace=~".*"}'


def test_rates_look_back_as_far_as_grafana_does():
    """Four readings at least, or a step and a reading."""
    assert promql("rate(a[$__rate_interval])", {}, SPAN) == "rate(a[60s])"
    day = Span(0.0, 86_400.0, 15.0)
    assert promql("rate(a[$__rate_interval])", {}, day) == "rate(a[375s])"
    assert promql("a[$__range]", {}, day) == "a[86400s]"


def test_sql_has_times_and_names_in_it():
    """A quotation mark in a name stays one."""
    text = "SELECT 1 WHERE station IN (${station:sqlstring}) AND $__timeFilter(at) AND $__to > 0"
    assert sql(text, {"station": ["a", "b'c"]}, SPAN) == (
        "SELECT 1 WHERE station IN ('a', 'b''c') AND at BETWEEN '1970-01-01T00:16:40+00:00' AND "
        "'1970-01-01T00:26:40+00:00' AND 1600000 > 0"
    )
    assert sql("${station:sqlstring}", {}, SPAN) == "NULL"


def panel(form, *targets, **more):
    return {"title": "t", "type": form, "targets": [*targets], **more}


def told(request):
    """A Prometheus that says always the same."""
    if "broken" in request.content.decode():
        return httpx.Response(400, json={"status": "error", "error": "parse error"})
    metric = {"__name__": "up", "job": "a"}
    values = [[1000, "1"], [1015, "NaN"], [1030, "2"]]
    if request.url.path.endswith("query_range"):
        found = [{"metric": metric, "values": values}]
    else:
        found = [{"metric": metric, "value": [1600, "2"]}]
    return httpx.Response(200, json={"status": "success", "data": {"result": found}})


@pytest.fixture
async def sources():
    transport = httpx.MockTransport(told)
    async with httpx.AsyncClient(transport=transport, base_url="http://prometheus") as client:
        yield Sources(client)


async def test_lines_have_names_and_no_gaps_of_numbers(sources):
    """The legend's, or else their labels."""
    graph = panel(
        "timeseries",
        {"expr": "up", "legendFormat": "of {{job}} {{none}}"},
        {"expr": "up", "legendFormat": ""},
    )
    (found,) = await answers({"panels": [graph]}, sources, SPAN)
    assert [line.name for line in found.series] == ["of a ", "job=a"]
    assert found.series[0].points == ((1000, 1.0), (1030, 2.0))
    assert found.found


async def test_numbers_and_tables_are_of_now(sources):
    """A table has a column for each label, and the value at its end."""
    made = {"panels": [panel("stat", {"expr": "up"}), panel("table", {"expr": "up"})]}
    number, table = await answers(made, sources, SPAN)
    assert number.series[0].points == ((1600, 2.0),)
    assert (table.columns, table.rows) == (
        ("__name__", "job", "Value"),
        (("up", "a", 2.0),),
    )


async def test_what_cannot_be_asked_says_why(sources):
    """One panel does not keep the others from being shown; a heading asks nothing."""
    made = {
        "panels": [
            panel("stat", {"expr": "broken"}),
            panel("table", {"rawSql": "SELECT 1"}),
            {"title": "heading", "type": "row"},
            panel("stat", {"expr": "up"}),
        ]
    }
    broken, stores, heading, good = await answers(made, sources, SPAN)
    assert "parse error" in broken.problem
    assert "--postgres" in stores.problem
    assert (heading.problem, heading.found) == ("", False)
    assert good.found
