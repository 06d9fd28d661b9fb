"""A real Prometheus (Debian's package) on this machine, which reads programs of a test."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.ports import HOST, free_port
from deploy.local.process import Process
from tests.end_to_end.gateways import until

SCRAPE_S = 2  # a program that takes longer to answer is down, as Prometheus sees it


def program(name: str) -> str:
    """The path of one of Prometheus' programs; the test fails where it is missing."""
    found = shutil.which(name)
    if found is None:
        pytest.fail(
            f"{name} is MISSING on this machine, and needed by the tests. "
            "On Debian and Ubuntu: sudo apt-get install prometheus",
            pytrace=False,
        )
    return found


class Prometheus:
    """A server with a folder of its own; it ends with the test that started it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"http://{HOST}:{free_port()}"
        self._process: Process | None = None

    async def start(self, targets: Mapping[str, Sequence[str]], *rules: Path) -> None:
        """Read `targets` (job -> addresses) every SCRAPE_S; returns when each was read.

        Raises TimeoutError, AssertionError with what it says.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "prometheus.yaml"
        config.write_text(json.dumps(_config(targets, rules)))  # JSON is YAML
        self._process = Process(
            [
                program("prometheus"),
                f"--config.file={config}",
                f"--storage.tsdb.path={self.folder / 'data'}",
                f"--web.listen-address={self.url.removeprefix('http://')}",
            ],
            log=self.folder / "prometheus.log",
        )
        wanted = {address for addresses in targets.values() for address in addresses}

        async def reads_all() -> bool:
            assert self._process is not None
            assert self._process.exit_code is None, self._process.output()
            try:
                found = await self.query("up == 1")
            except (httpx.HTTPError, ValueError):
                return False
            return {one["metric"]["instance"] for one in found} >= wanted

        await until(reads_all, "Prometheus does not read all", 180)

    async def query(self, expression: str) -> Any:
        """What an expression says now. ValueError: Prometheus does not take it."""
        async with httpx.AsyncClient(trust_env=False, base_url=self.url, timeout=60) as client:
            told = (await client.get("/api/v1/query", params={"query": expression})).json()
        if told["status"] != "success":
            raise ValueError(told["error"])
        return told["data"]["result"]

    def kill(self) -> None:
        """End it, and take its data away."""
        if self._process is not None:
            self._process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def _config(targets: Mapping[str, Sequence[str]], rules: Sequence[Path]) -> dict[str, Any]:
    every = f"{SCRAPE_S}s"
    return {
        "global": {"scrape_interval": every, "evaluation_interval": every},
        "rule_files": [str(path) for path in rules],
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": [*addresses]}]}
            for job, addresses in targets.items()
        ],
    }
