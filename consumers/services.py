"""Which consumers there are, by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

from consumers.projection import Projection


@dataclass(frozen=True, slots=True)
class Service:
    """A consumer: its module, the port of its operators by default, and what it is for."""

    module: str
    port: int
    doc: str

    @property
    def projection(self) -> Projection:
        found: Projection = import_module(f"consumers.{self.module}").PROJECTION
        return found


SERVICES: Mapping[str, Service] = {
    "transactions": Service("transactions", 9101, "One row for each transaction."),
    "meter-readings": Service("meter_readings", 9102, "One row for each sampled value."),
    "stations": Service("stations", 9105, "Stations and connectors, and how they are."),
}
