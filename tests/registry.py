"""A real schema registry (Apicurio Registry) on this machine, its schemas in memory."""

import tarfile
import tempfile
import time
from pathlib import Path

import httpx

from deploy.local import artifacts, java
from deploy.local.ports import free_port
from deploy.local.process import POLL_S, Process

_JAVA_MINIMUM = 21
_START_TIME_S = 240


class Registry:
    """One registry which holds everything to FULL_TRANSITIVE; its log is below `data`."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._port = free_port()
        self._process: Process | None = None

    @property
    def url(self) -> str:
        """The Confluent API's base: `{url}/subjects` and so on."""
        return f"http://127.0.0.1:{self._port}/apis/ccompat/v7"

    def start(self) -> None:
        """Return when it answers. Raises java.JavaError, artifacts.FetchError, RuntimeError."""
        settings = {
            "quarkus.http.host": "127.0.0.1",
            "quarkus.http.port": str(self._port),
            "quarkus.management.host": "127.0.0.1",
            "quarkus.management.port": str(free_port()),
        }
        self._process = Process(
            [
                java.find(_JAVA_MINIMUM),
                *("-Xmx384m", "-XX:+UseSerialGC"),
                *(f"-D{name}={value}" for name, value in settings.items()),
                *("-jar", _unpacked() / "quarkus-run.jar"),
            ],
            log=self._data / "registry.log",
        )
        try:
            self._wait(self._process)
            level = {"compatibility": "FULL_TRANSITIVE"}  # its default is NONE
            httpx.put(f"{self.url}/config", json=level, timeout=_START_TIME_S).raise_for_status()
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    def _wait(self, process: Process) -> None:
        end = time.monotonic() + _START_TIME_S
        while process.exit_code is None and time.monotonic() < end:
            try:
                if httpx.get(f"{self.url}/subjects").is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(POLL_S)  # another process: there is no event to await
        raise RuntimeError(f"The schema registry did not start:\n{process.output()[-3000:]}")


def _unpacked() -> Path:
    """The folder of the unpacked archive; it is there only when it is whole."""
    cache = artifacts.default_cache()
    locked = artifacts.read_lock(Path(__file__).with_name("registry.lock").read_text())
    home = cache / f"{locked[0].name}-{locked[0].version}"
    if not home.exists():
        (archive,) = artifacts.fetch("Apicurio Registry", locked, cache)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            part = Path(folder, "part")
            with tarfile.open(archive) as tar:
                tar.extractall(part, filter="data")
            part.replace(home)
    return home
