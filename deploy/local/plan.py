"""What `chargewire up` is to run, and what on this machine stands in its way."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deploy.local import ports
from gateway.config import Config
from schemas.settings import setting, variable


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Config):
    """The gateway's settings, and beside them what else is started."""

    stations: int = setting(
        4, "simulated stations; 0 for none", unit="stations", low=0, high=10_000
    )
    data: str = setting("data", "folder of the broker's data and of all logs")
    config: str | None = None  # the file that the gateway is to read as well

    @property
    def folder(self) -> Path:
        return Path(self.data)

    @property
    def kafka_port(self) -> int:
        return _port(self.kafka)

    @property
    def stations_url(self) -> str:
        """Where stations of this machine connect, without their id."""
        return f"ws://{_reachable(self.listen)}{self.path}"

    @property
    def admin_url(self) -> str:
        return f"http://{_reachable(self.admin)}"

    def obstacles(self) -> Iterator[str]:
        """Whatever would fail later for a known reason, each a line for a person.

        Makes the folder of the data.
        """
        if "," in self.kafka or _host(self.kafka) not in {"localhost", ports.HOST}:
            yield (
                f"CHARGEWIRE_KAFKA={self.kafka}: here Kafka runs on this machine, so it must be "
                "localhost:PORT. For another Kafka, run `chargewire gateway`."
            )
        for name in ("kafka", "listen", "admin"):
            port = _port(getattr(self, name))
            if not ports.is_free(port):
                yield (
                    f"Port {port} is in use by another program (another `make run`?). Stop it, or "
                    f"choose another port with {variable(name)}=localhost:PORT."
                )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            yield f"The folder {self.data} cannot be made: {error.strerror}. Choose another: --data"


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])


def _host(address: str) -> str:
    return address.rpartition(":")[0]


def _reachable(address: str) -> str:
    """The address by which a program on this machine reaches one who listens there."""
    host = _host(address)
    return f"localhost:{_port(address)}" if host in {"", "0.0.0.0", "[::]"} else address  # noqa: S104
