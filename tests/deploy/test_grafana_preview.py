"""Every panel of every dashboard, and every metric, with programs that run and a real Prometheus.

A page and a picture of each dashboard are left in the folder of the test.
"""

import json
import re
import subprocess
import time
from collections import Counter
from contextlib import suppress
from functools import partial

import pytest
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families
from websockets.exceptions import ConnectionClosed, InvalidStatus

from consumers.families import FAMILIES as OF_CONSUMERS
from consumers.families import TABLES
from consumers.services import SERVICES
from deploy.grafana.answers import Span, promql
from deploy.grafana.dashboards import FILES, FOLDER
from deploy.grafana.preview import drawn, main, shown
from deploy.local import fleet as simulated
from deploy.local import seeds
from deploy.local.ports import HOST
from deploy.prometheus.alerts import ALERTS
from deploy.prometheus.rules import FILE
from gateway.metrics import FAMILIES as OF_GATEWAYS
from programs.kafka import admin
from programs.settings import KafkaSettings
from schemas import records
from schemas.topics import layouts, plan
from tests.end_to_end.gateways import PARTITIONS, Fleet, send, until
from tests.prometheus import SCRAPE_S, Prometheus, program

_TRAFFIC_S = 300.0
_VALUES_MAX = 100  # of a label; actions are the most


def test_a_page_is_written_whatever_can_be_asked(tmp_path):
    """Each panel says why it shows nothing."""
    out = tmp_path / "page.html"
    done = CliRunner().invoke(main, ["chargewire-charging", str(out)])
    assert done.exit_code == 0, done.output
    assert out.read_text().count("no --postgres was given") > 10


def test_a_dashboard_shows_its_own_time_unless_told():
    """As Grafana does."""
    dashboard = {"time": {"from": "now-3h", "to": "now"}}
    assert shown(dashboard, 20_000.0, 15.0) == Span(20_000.0 - 10_800, 20_000.0, 15.0)
    assert shown(dashboard, 20_000.0, 15.0, minutes=5) == Span(19_700.0, 20_000.0, 15.0)
    assert shown({"time": {"from": "now-30d"}}, 2_592_000.0, 15.0).begin_s == 0


@pytest.fixture
async def fleet(kafka, prefix, tmp_path):
    """All topics, those of tables too, and no program yet."""
    wanted = layouts(prefix, partitions=PARTITIONS, replication=1, tables=records.TABLES)
    settings = KafkaSettings(kafka=kafka.bootstrap, prefix=prefix, partitions=PARTITIONS)
    await admin.apply(settings, plan({}, wanted))
    await seeds.seed(settings)
    async with Fleet(kafka.bootstrap, prefix, tmp_path) as found:
        yield found


@pytest.fixture
def prometheus(tmp_path):
    found = Prometheus(tmp_path / "prometheus")
    yield found
    found.kill()


async def oddities(fleet, gateway):
    """What happens to gateways besides stations that behave."""
    with suppress(InvalidStatus):
        await fleet.connect(gateway, "ODD-1", ["ocpp9.9"])
    odd = await fleet.connect(gateway, "ODD-1")
    await odd.call("BootNotification", {"chargePointVendor": "v", "chargePointModel": "m", "x": 1})
    await odd.send_text('[2,"1","Nonsense-of-ODD-1",{}]')
    await odd.send_text("no frame")
    newer = await fleet.connect(gateway, "ODD-1")
    with suppress(ConnectionClosed, AssertionError):
        await newer.call("Heartbeat", {})
    for number, station in enumerate(("CW-0001", "CW-0001", "NOBODY")):
        await send(
            *(fleet.bootstrap, fleet.prefix, "commands", station),
            command_id=f"c-{number}",
            station=station,
            action=("Reset", "ChangeAvailability", "Reset")[number],
            payload=('{"type":"Nonsense"}', '{"connectorId":0,"type":"Operative"}', "{}")[number],
            expires_at=int((time.time() + _TRAFFIC_S) * 1000),
            when_offline="fail" if station == "NOBODY" else "wait",
            attempt=1,
        )


async def happened(prometheus):
    """Wait until there is something of everything that the dashboards show."""
    for query in (
        'chargewire_frames_total{action="StopTransaction",kind="result"} > 0',
        'chargewire_commands_ended_total{outcome="answered"} > 0',
        'chargewire_commands_results_total{outcome="offline"} > 0',
        "chargewire_authorizations_decisions_total > 0",
        "chargewire_consumer_published_total > 0",
        "chargewire_takeovers_total > 0",
        "chargewire_dead_letters_total > 0",
        "rate(chargewire_consumer_commits_total[10s]) > 0",
    ):

        async def told(query=query):
            return await prometheus.query(query)

        await until(told, f"it never came to {query}", _TRAFFIC_S)


@pytest.mark.kafka
@pytest.mark.postgres
@pytest.mark.slow
async def test_dashboards_and_metrics_of_programs_that_run(fleet, prometheus, postgres, tmp_path):
    """Every query has a result, every family its labels, and nothing of a station is a label."""
    gateway = await fleet.start(decided="Authorize,StartTransaction")
    running = [fleet.launch_consumer(name, postgres, publish="on") for name in SERVICES]
    for one in running:
        await one.ready()
    begin_s = time.time()
    targets = {
        "gateway": [f"{HOST}:{gateway.admin}"],
        "consumers": [f"{HOST}:{one.admin}" for one in running],
    }
    await prometheus.start(targets, FILE)
    stations = simulated.Fleet(gateway.url, 6, tmp_path / "registers.json")
    stations.start(seed=7, speed=400)
    try:
        await oddities(fleet, gateway)
        await happened(prometheus)
        span = Span(begin_s, time.time(), 5 * SCRAPE_S)  # some may come late
        await dashboards(prometheus, postgres.replace("+asyncpg", ""), span, tmp_path)
        await metrics([gateway], OF_GATEWAYS, tmp_path)
        await metrics(running, OF_CONSUMERS, tmp_path)
        loaded = await prometheus.query("count(ALERTS) or vector(0)")
        assert loaded, f"Prometheus knows the rules: {len(ALERTS)}"
    finally:
        await stations.end()


async def dashboards(prometheus, stores, span, folder):
    for name in FILES:
        made = json.loads((FOLDER / name).read_text())
        for panel in made["panels"]:
            may_be_empty = "noValue" in panel.get("fieldConfig", {}).get("defaults", {})
            for target in panel.get("targets", ()):
                if "expr" in target and not may_be_empty:
                    query = promql(target["expr"], {}, span)
                    await until(
                        partial(prometheus.query, query), f"{name}, {panel['title']}: {query}", 60
                    )
        days = name == "chargewire-charging.json"
        seen = shown(made, span.end_s, span.scrape_s) if days else span
        page, answers = await drawn(made, seen, prometheus=prometheus.url, postgres=stores)
        for answer in answers:
            assert not answer.problem, (name, answer.panel["title"], answer.problem)
            may_be_empty = "noValue" in answer.panel.get("fieldConfig", {}).get("defaults", {})
            is_heading = answer.panel["type"] == "row"
            assert answer.found or may_be_empty or is_heading, (name, answer.panel["title"])
        (folder / name).with_suffix(".html").write_text(page)
        photograph((folder / name).with_suffix(".html"), made)


def photograph(page, dashboard):
    """A picture of a page, as large as the page."""
    height = 100 + 36 * max(
        one["gridPos"]["y"] + one["gridPos"]["h"] for one in dashboard["panels"]
    )
    picture = page.with_suffix(".png")
    subprocess.run(
        [
            *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-sync"),
            *("--disable-background-networking", "--no-first-run", "--hide-scrollbars"),
            f"--user-data-dir={page.with_suffix('')}-profile",
            f"--window-size=1440,{height}",
            f"--screenshot={picture}",
            page.as_uri(),
        ],
        check=True,
        capture_output=True,
        timeout=300,
    )
    assert picture.stat().st_size > 10_000


def lint(text):
    """By Prometheus' own tool."""
    command = [program("promtool"), "check", "metrics"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


async def metrics(programs, families, folder):
    """The page of each: Prometheus' own tool finds nothing odd, and its labels are bounded."""
    of = {family.exposed.removesuffix("_total"): family for family in families.values()}
    seen = Counter()
    for one in programs:
        _, text = await one.asked("metrics")
        lint(text)
        for family in text_string_to_metric_families(text):
            if not family.name.startswith("chargewire_"):
                assert family.name.startswith(("process_",)), family.name
                continue
            declared = of[family.name]
            seen[declared.name] += 1
            values = {label: set() for label in declared.labels}
            for sample in family.samples:
                assert sample.labels.keys() - {"le"} == {*declared.labels}, sample
                for label in declared.labels:
                    values[label].add(sample.labels[label])
            for label, found in values.items():
                assert len(found) <= _VALUES_MAX, (family.name, label)
                assert not [one for one in found if re.search(r"CW-|ODD|Nonsense", one)], found
    expected = {name for name in families if families is OF_GATEWAYS} or {
        family.name for table in TABLES.values() for family in table
    }
    assert seen.keys() == expected
