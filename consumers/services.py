"""Which consumers there are, by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

from consumers.tables.projections import Consumer


@dataclass(frozen=True, slots=True)
class Service:
    """A consumer: its folder, the port of its operators by default, and what it is for.

    `sequels` are modules of what it does beside its tables, each with a function `sequel` that
    makes a consumers.sequels.running.Sequel of consumers.sequels.running.Parts.
    """

    folder: str
    port: int
    doc: str
    sequels: tuple[str, ...] = ()

    @property
    def consumer(self) -> Consumer:
        found: Consumer = import_module(f"consumers.{self.folder}.projection").CONSUMER
        return found


SERVICES: Mapping[str, Service] = {
    "transactions": Service("transactions", 9101, "One row for each transaction."),
    "meter-readings": Service("meter_readings", 9102, "One row for each sampled value."),
    "reservations": Service("reservations", 9103, "One row for each reservation."),
    "authorizations": Service(
        "authorizations",
        9104,
        "Tokens, local lists, and the answers to stations that ask.",
        sequels=("authorizations.decider", "authorizations.local_lists.keeper"),
    ),
    "stations": Service("stations", 9105, "Stations and connectors, and how they are."),
    "commands": Service(
        "commands",
        9106,
        "One row for each command, and its one result whatever becomes of gateways.",
        sequels=("commands.arbiter", "commands.misplaced", "commands.lost_gateways"),
    ),
}
