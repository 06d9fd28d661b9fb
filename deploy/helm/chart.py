"""Writes what the Helm chart takes from the code; `make chart` runs it.

That is the table of topics with who reads and writes which, and the names of settings and of
Kafka's client options, which values.schema.json allows.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from consumers.log.groups import group
from consumers.services import SERVICES
from consumers.tables.schemas import topic
from gateway.dispatch import TAILED
from programs.kafka import options as kafka_options
from programs.variables import VARIABLES
from schemas import topics
from schemas.records import TABLES

CHART = Path(__file__).parent / "chargewire"
TOPICS = CHART / "files" / "topics.json"
VALUES_SCHEMA = CHART / "values.schema.json"

RESERVED = {
    *("admin", "config", "data", "drain_time_s", "instance", "kafka", "listen", "partitions"),
    *("prefix", "secrets", "stations", "store"),
    *("console_hosts", "console_listen", "console_token", "console_token_file"),
    *("tls_certificate", "tls_client_authorities", "tls_key"),
}
"""Settings that the chart gives values of its own, and others that no program in a pod has."""

_RESERVED_OPTIONS = {
    *("sasl.username", "sasl.password", "sasl.jaas.config", "ssl.key.password"),
    *("ssl.ca.location", "ssl.certificate.location", "ssl.key.location"),
    *("ssl.truststore.location", "ssl.keystore.location"),
}
_VARYING = ("max.message.bytes", "min.insync.replicas")  # with values of the chart

# What the sequels of a consumer write, beside the topics of its own tables.
_WRITES: Mapping[str, tuple[str, ...]] = {
    "authorizations.decider": ("decisions",),
    "authorizations.local_lists.keeper": ("commands",),
    "commands.arbiter": ("command-results", "commands", "connections"),
    "commands.lost_gateways": ("connections",),
    "commands.misplaced": ("command-results",),
}
# What they read beside the topics of its projections.
_READS: Mapping[str, tuple[str, ...]] = {"commands.lost_gateways": ("gateways",)}


def access() -> dict[str, dict[str, Any]]:
    """Program -> what it does on Kafka, all names without prefix: `read` and `write` are topics.

    `group` is what the names of its consumer groups begin with, one for each store; `inspects` is
    set of who describes every topic of the prefix and its configuration, `everything` of who reads
    them all.
    """
    found: dict[str, dict[str, Any]] = {
        "gateway": {
            "read": sorted(TAILED),
            "write": sorted(
                row.name for row in topics.TOPICS.values() if "gateway" in row.writer.split(", ")
            ),
            "inspects": True,
        },
        "console": {"read": [], "write": ["commands"], "everything": True},
    }
    for name, service in SERVICES.items():
        consumer = service.consumer
        own = [topic(table.name) for table in consumer.tables if table.name in consumer.published]
        found[name] = {
            "read": sorted({*consumer.topics, *_of(_READS, service.sequels)}),
            "write": sorted({*own, *_of(_WRITES, service.sequels)}),
            "group": group("", name),
        }
    return found


def _of(table: Mapping[str, tuple[str, ...]], sequels: Iterable[str]) -> Iterable[str]:
    return (name for sequel in sequels for name in table.get(sequel, ()))


def topic_file() -> str:
    """The topics with what of their configuration no value of the chart changes, and access().

    The rest: `record_per_frame` times the frame limit, and at most `min_insync` replicas in sync.
    """
    rows = {
        name: {k: v for k, v in layout.config.items() if k not in _VARYING}
        for name, layout in topics.layouts("", tables=TABLES).items()
    }
    found = {
        "topics": rows,
        "record_per_frame": topics.RECORD_PER_FRAME,
        "frame_limit_bytes": topics.FRAME_LIMIT_BYTES,
        "min_insync": topics.MIN_INSYNC,
        "programs": access(),
    }
    return json.dumps(found, indent=2) + "\n"


def values_schema(text: str) -> str:
    """The schema of the chart's values with the names that programs know now."""
    schema = json.loads(text)
    names = schema["$defs"]
    names["setting"]["enum"] = sorted(VARIABLES - RESERVED)
    names["kafkaOption"]["enum"] = sorted(kafka_options.OPTIONS.keys() - _RESERVED_OPTIONS)
    schema["properties"]["consumers"]["properties"] = {
        name: {"$ref": "#/$defs/consumer", "description": service.doc}
        for name, service in SERVICES.items()
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def files() -> dict[Path, str]:
    """What every file is to hold."""
    return {TOPICS: topic_file(), VALUES_SCHEMA: values_schema(VALUES_SCHEMA.read_text("utf-8"))}


def main() -> None:
    """Write all of them."""
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
