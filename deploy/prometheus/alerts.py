"""Every alert there is, by group."""

from collections.abc import Mapping
from types import MappingProxyType

from deploy.prometheus import certificates, commands, consumers, gateways, log, sequels
from deploy.prometheus.alert import Alert

GROUPS: Mapping[str, tuple[Alert, ...]] = MappingProxyType(
    {
        "Stations and gateways": gateways.STATIONS + gateways.PROCESS,
        "Certificates": certificates.CERTIFICATES,
        "Gateways and Kafka": log.LOG,
        "Commands and decisions": commands.COMMANDS,
        "Consumers": consumers.FOLDING,
        "Beside the tables": sequels.SEQUELS,
    }
)
"""Heading of the manual -> its alerts; the group of Prometheus' rules has its words in small."""

ALERTS: Mapping[str, Alert] = MappingProxyType(
    {alert.name: alert for group in GROUPS.values() for alert in group}
)
