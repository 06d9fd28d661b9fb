"""Draws a dashboard without Grafana: its file, its queries, a real Prometheus, a page."""

import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg
import click
import httpx

from deploy.grafana import drawing
from deploy.grafana.answers import Answer, Sources, Span, answers
from deploy.grafana.charging import MEASURANDS, STATION_QUERY
from deploy.grafana.dashboards import FILES, FOLDER


async def drawn(
    dashboard: dict[str, Any], span: Span, *, prometheus: str = "", postgres: str = ""
) -> tuple[str, list[Answer]]:
    """The page, and what is on it. Raises what a connection to PostgreSQL raises."""
    async with AsyncExitStack() as ending:
        metrics = stores = None
        chosen: dict[str, list[str]] = {}
        if prometheus:
            client = httpx.AsyncClient(base_url=prometheus, trust_env=False)
            metrics = await ending.enter_async_context(client)
        if postgres:
            stores = await asyncpg.connect(postgres)
            ending.push_async_callback(stores.close)
            if dashboard["uid"] == "chargewire-charging":
                names = [one["station"] for one in await stores.fetch(STATION_QUERY)]
                chosen = {"station": names, "one": names[:1], "measurand": [MEASURANDS[0]]}
        found = await answers(dashboard, Sources(metrics, stores, chosen), span)
    return drawing.page(dashboard, found, span), found


def shown(
    dashboard: Mapping[str, Any], now_s: float, scrape_s: float, minutes: float | None = None
) -> Span:
    """What is shown until now: what the dashboard says, such as now-3h, or so many minutes."""
    *digits, unit = dashboard["time"]["from"].removeprefix("now-")
    own_s = int("".join(digits)) * {"m": 60, "h": 3600, "d": 86_400}[unit]
    return Span(now_s - (own_s if minutes is None else 60 * minutes), now_s, scrape_s)


@click.command()
@click.option("--prometheus", default="", help="Address of a Prometheus.")
@click.option("--postgres", default="", help="URL of a database with the consumers' tables.")
@click.option("--minutes", type=float, help="How much is shown, until now; else as in Grafana.")
@click.option("--scrape", default=15.0, show_default=True, help="Seconds between two readings.")
@click.argument("name", type=click.Choice([one.removesuffix(".json") for one in FILES]))
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
def main(  # noqa: PLR0913 - one for each option
    prometheus: str, postgres: str, minutes: float | None, scrape: float, name: str, out: Path
) -> None:
    """Draw the dashboard NAME into the file OUT."""
    dashboard = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    span = shown(dashboard, time.time(), scrape, minutes)
    page, _ = asyncio.run(drawn(dashboard, span, prometheus=prometheus, postgres=postgres))
    out.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
