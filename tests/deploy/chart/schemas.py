"""What a Kubernetes cluster would say of an object: by its own schemas, and those of operators."""

import functools
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import yaml

from deploy.local import artifacts, java
from tests.deploy.chart.helm import module

OLDEST = "1.30"  # kubeVersion of the chart
_LOCK = Path(__file__).parent / "strimzi.lock"
_JAVA_MINIMUM = 21
_GATEWAYS = ("sigs.k8s.io/gateway-api", "v1.6.0", "config/crd/standard/gateway.networking.k8s.io_")
_PROMETHEUS = (
    "github.com/prometheus-operator/prometheus-operator",
    "v0.85.0",
    "example/prometheus-operator-crd/monitoring.coreos.com_",
)
_KEDA = ("github.com/kedacore/keda/v2", "v2.21.0", "config/crd/bases/keda.sh_")
_MODULES = {
    "HTTPRoute": (*_GATEWAYS, "httproutes"),
    "TLSRoute": (*_GATEWAYS, "tlsroutes"),
    "PodMonitor": (*_PROMETHEUS, "podmonitors"),
    "PrometheusRule": (*_PROMETHEUS, "prometheusrules"),
    "ScaledObject": (*_KEDA, "scaledobjects"),
}
_STRIMZI = {
    "KafkaTopic": "io.strimzi.api.kafka.model.topic.KafkaTopic",
    "KafkaUser": "io.strimzi.api.kafka.model.user.KafkaUser",
}


def check(made: dict[str, Any]) -> None:
    """Raises jsonschema.ValidationError for what a cluster would refuse, or leave away unseen."""
    if made["kind"] in {*_MODULES, *_STRIMZI}:
        version = made["apiVersion"].rpartition("/")[2]
        jsonschema.Draft202012Validator(schemas(made["kind"])[version]).validate(made)
        return
    for version in (OLDEST, kubernetes_validate.latest_version()):
        kubernetes_validate.validate(made, version, strict=True)


@functools.cache
def schemas(kind: str) -> dict[str, dict[str, Any]]:
    """Version -> schema of a kind that is not Kubernetes' own; versions that are served."""
    definition = yaml.safe_load(_definition(kind))
    assert definition["spec"]["names"]["kind"] == kind
    return {
        version["name"]: _closed(version["schema"]["openAPIV3Schema"])
        for version in definition["spec"]["versions"]
        if version["served"]
    }


def _definition(kind: str) -> str:
    """The definition of a kind as its operator's project publishes it."""
    if kind in _MODULES:
        path, version, folder, plural = _MODULES[kind]
        return (module(path, version) / f"{folder}{plural}.yaml").read_text()
    jars = artifacts.fetch(
        "Strimzi's definitions",
        artifacts.read_lock(_LOCK.read_text()),
        artifacts.default_cache(),
    )
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "definition.yaml"
        subprocess.run(
            [
                *(java.find(_JAVA_MINIMUM), "-cp", ":".join(map(str, jars))),
                *("io.strimzi.crdgenerator.CrdGenerator", "--yaml", f"{_STRIMZI[kind]}={made}"),
            ],
            check=True,
            capture_output=True,
            timeout=300,
        )
        return made.read_text()


def _closed(schema: Any) -> Any:
    """The schema with unknown fields refused: a cluster drops them in silence."""
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: _closed(inner) for name, inner in schema.items()}
    if isinstance(pattern := schema.get("pattern"), str):
        made["pattern"] = pattern.replace("^(?i)", "(?i)^")  # Go takes flags wherever they are
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        open_ended = schema.get("x-kubernetes-preserve-unknown-fields")
        made.setdefault("additionalProperties", bool(open_ended))
    return made
