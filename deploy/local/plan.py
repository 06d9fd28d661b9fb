"""What `chargewire up` is to run, and what on this machine stands in its way."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chargewire.console.config import Config as ConsoleConfig
from consumers.services import SERVICES
from deploy.local import ports
from gateway.config import Config
from programs.settings import setting, variable

_GATEWAY_PORT = 9100  # of its operators, by default; those of consumers come after it


def _of_console(name: str) -> Any:
    """A setting of the console, as it has it."""
    known = ConsoleConfig.__dataclass_fields__[name]
    return field(default=known.default, metadata=known.metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Config):
    """The gateway's settings, and beside them what else is started."""

    # As the gateway's, but here the service that decides is there, too.
    decided: tuple[str, ...] = field(
        default=("Authorize", "StartTransaction"),
        metadata=Config.__dataclass_fields__["decided"].metadata,
    )

    console_listen: str = _of_console("console_listen")
    console_token: str = _of_console("console_token")
    console_token_file: str = _of_console("console_token_file")

    stations: int = setting(
        4, "simulated stations; 0 for none", unit="stations", low=0, high=10_000
    )
    data: str = setting("data", "folder of all data and all logs")
    config: str | None = None  # the file that the gateway is to read as well

    @property
    def folder(self) -> Path:
        return Path(self.data)

    @property
    def kafka_port(self) -> int:
        return _port(self.kafka)

    @property
    def consumers(self) -> Mapping[str, str]:
        """Name of each consumer -> host:port of its operators, which follow the gateway's."""
        host, port = _host(self.admin), _port(self.admin)
        return {
            name: f"{host}:{port + service.port - _GATEWAY_PORT}"
            for name, service in SERVICES.items()
        }

    @property
    def stations_url(self) -> str:
        """Where stations of this machine connect, without their id."""
        return f"ws://{reachable(self.listen)}{self.path}"

    @property
    def admin_url(self) -> str:
        return f"http://{reachable(self.admin)}"

    @property
    def console_url(self) -> str:
        return f"http://{reachable(self.console_listen).replace(ports.HOST, 'localhost')}"

    def obstacles(self) -> Iterator[str]:
        """Whatever would fail later for a known reason, each a line for a person.

        Makes the folder of the data.
        """
        if "," in self.kafka or _host(self.kafka) not in {"localhost", ports.HOST}:
            yield (
                f"CHARGEWIRE_KAFKA={self.kafka}: here Kafka runs on this machine, so it must be "
                "localhost:PORT. For another Kafka, run `chargewire gateway`."
            )
        for name in ("kafka", "listen", "admin", "console_listen"):
            port = _port(getattr(self, name))
            if not ports.is_free(port):
                yield (
                    f"Port {port} is in use by another program (another `make run`?). Stop it, or "
                    f"choose another port with {variable(name)}=localhost:PORT."
                )
        ours = map(_port, self.consumers.values())
        if taken := ", ".join(str(port) for port in ours if not ports.is_free(port)):
            yield (
                f"What consumers need is in use by another program: port {taken}. Stop it, or "
                f"choose another {variable('admin')}=localhost:PORT: the consumers take the ports "
                "after that one."
            )
        try:
            (self.folder / "kafka").mkdir(parents=True, exist_ok=True)
            (self.folder / "kafka" / "lock").touch()  # it may be there, and somebody else's
        except OSError as error:
            yield (
                f"{error.filename} cannot be made or written: {error.strerror}. Choose another "
                "folder: --data"
            )


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])


def _host(address: str) -> str:
    return address.rpartition(":")[0]


def reachable(address: str) -> str:
    """The address by which a program on this machine reaches one who listens there."""
    host = _host(address)
    return f"localhost:{_port(address)}" if host in {"", "0.0.0.0", "[::]"} else address  # noqa: S104
