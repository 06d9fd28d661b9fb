"""What the objects of the chart promise each other, and the programs in them."""

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from chargewire.cli import chargewire
from chargewire.console.config import Config as Console
from chargewire.console.guard import hosts, is_called
from consumers.config import Config as Consumer
from consumers.services import SERVICES
from deploy.helm.chart import access
from deploy.prometheus import rules
from gateway.config import Config as Gateway
from programs.kafka import options as kafka_options
from programs.operators_port import application
from programs.settings import ENV, KafkaSettings, read
from programs.variables import VARIABLES
from schemas.records import TABLES
from schemas.topics import layouts
from tests.deploy.chart.helm import NAMESPACE, VALUES, RefusedError, notes, objects, of, text

PROGRAMS = {"gateway": Gateway, "consume": Consumer, "console": Console}
ROOT = Path(__file__).parent.parent.parent.parent
every_set = pytest.mark.parametrize("values", VALUES)
pytestmark = pytest.mark.slow


def pods(values: str) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """(name of what makes it, labels, spec) of every pod."""
    for made in objects(values):
        match made["kind"]:
            case "Deployment" | "Job":
                template = made["spec"]["template"]
                yield made["metadata"]["name"], template["metadata"]["labels"], template["spec"]
            case "Pod":
                yield made["metadata"]["name"], made["metadata"]["labels"], made["spec"]


def containers(values: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, _, spec in pods(values):
        yield from ((f"{name}/{one['name']}", one) for one in spec["containers"])


def environment(container: dict[str, Any]) -> dict[str, str]:
    """What the program sees; what Secrets hold is made up."""
    made_up = {
        "CHARGEWIRE_STORE": "postgresql://me@db/chargewire",
        "CHARGEWIRE_KAFKA_SASL_JAAS_CONFIG": 'x required username="u" password="p";',
    }
    found = {
        one["name"]: one["value"] if "value" in one else made_up.get(one["name"], "from-elsewhere")
        for one in container.get("env", [])
    }
    if container.get("envFrom"):
        found |= {"CHARGEWIRE_KAFKA_SASL_USERNAME": "u", "CHARGEWIRE_KAFKA_SASL_PASSWORD": "p"}
    return found


@every_set
def test_every_variable_is_a_setting_and_given_once(values: str) -> None:
    """Of the programs, or one of Kafka's client options; of twice the same, the last would win."""
    known = {ENV + name.upper() for name in VARIABLES}
    known |= {kafka_options.variable(name) for name in kafka_options.OPTIONS}
    for name, container in containers(values):
        names = [one["name"] for one in container.get("env", [])]
        assert {*names} <= known, name
        assert len(names) == len({*names}), name


@every_set
def test_every_program_takes_its_settings(values: str) -> None:
    """As it reads them at its start: no value is wrong, and all of them go together."""
    for name, container in containers(values):
        environ = environment(container)
        cls = PROGRAMS.get(container["args"][0], KafkaSettings)
        made = read(cls, flags={}, environ=environ, file={})
        if isinstance(made, Gateway):
            ports = {port["name"]: port["containerPort"] for port in container["ports"]}
            assert made.listen.rpartition(":")[2] == str(ports["stations"])
        if isinstance(made, Consumer):
            assert made.store.startswith("postgresql:"), name
        assert made.options.keys() == {
            option for option in kafka_options.OPTIONS if kafka_options.variable(option) in environ
        }


@every_set
def test_every_command_exists(values: str) -> None:
    """With these arguments: click would take them."""
    for _, container in containers(values):
        command, words = chargewire, list(container["args"])
        context = click.Context(chargewire)
        while isinstance(command, click.Group):
            inner = command.get_command(context, words.pop(0))
            assert inner is not None, container["args"]
            command = inner
        command.make_context("x", words, parent=context)


@every_set
def test_nothing_runs_as_root_or_may_write(values: str) -> None:
    """No privilege, no capability, no way to more, no token of the Kubernetes API."""
    for name, _, spec in pods(values):
        assert spec["automountServiceAccountToken"] is False, name
        security = spec["securityContext"]
        assert (security["runAsNonRoot"], security["runAsUser"]) == (True, 10001)
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    for name, container in containers(values):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert "cpu" not in container["resources"]["limits"]
        assert {"cpu", "memory"} <= {*container["resources"]["requests"]}


@every_set
def test_probes_ask_what_the_programs_serve(values: str) -> None:
    """On a port of the container; who only waits for Kafka is not killed for it."""
    app = application(metrics=bytes, unready=list, unwell=list, schemas=None)
    served = {route.path for route in app.routes}
    for made in of("Deployment", values).values():
        (container,) = made["spec"]["template"]["spec"]["containers"]
        ports = {port["name"] for port in container["ports"]}
        for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
            asked = container[kind]["httpGet"]
            assert asked["port"] in ports
            assert asked["path"] in served
            assert (asked["path"] == "/readyz") == (kind == "readinessProbe")


@every_set
def test_nobody_is_killed_while_draining(values: str) -> None:
    """The grace is longer than all that a gateway may take, and it is replaced one by one."""
    for name, made in of("Deployment", values).items():
        if not name.endswith("-gateway"):
            continue
        spec = made["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        sleeps = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {"seconds": 0})
        drains = math.ceil(float(environment(container)["CHARGEWIRE_DRAIN_TIME_S"]))
        assert spec["terminationGracePeriodSeconds"] >= sleeps["seconds"] + drains + 5
        assert made["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
        names = {one["name"]: one.get("valueFrom") for one in container["env"]}
        assert names["CHARGEWIRE_INSTANCE"] == {"fieldRef": {"fieldPath": "metadata.name"}}


@every_set
def test_selectors_find_the_pods_that_are_meant(values: str) -> None:
    """Of one program each; a Service and a probe of NetworkPolicy name ports that these have."""
    found = list(pods(values))

    def chosen(selector: dict[str, str]) -> list[tuple[str, dict[str, Any]]]:
        return [(name, spec) for name, labels, spec in found if selector.items() <= labels.items()]

    def ports(spec: dict[str, Any]) -> set[str]:
        return {port["name"] for one in spec["containers"] for port in one.get("ports", [])}

    for made in objects(values):
        spec, name = made.get("spec", {}), made["metadata"]["name"]
        match made["kind"]:
            case "Service":
                ((_, pod),) = chosen(spec["selector"])
                assert {port["targetPort"] for port in spec["ports"]} <= ports(pod)
            case "Deployment":
                assert spec["selector"]["matchLabels"].items() <= (
                    spec["template"]["metadata"]["labels"].items()
                )
                assert [one for one, _ in chosen(spec["selector"]["matchLabels"])] == [name]
            case "PodDisruptionBudget":
                assert [one for one, _ in chosen(spec["selector"]["matchLabels"])] == [name]
            case "NetworkPolicy":
                ((one, pod),) = chosen(spec["podSelector"]["matchLabels"])
                assert one == name
                entered = {
                    port["port"] for rule in spec.get("ingress", []) for port in rule["ports"]
                }
                assert entered == ports(pod)
            case "PodMonitor":
                asked = {one["port"] for one in spec["podMetricsEndpoints"]}
                serving = [
                    n for n, pod in chosen(spec["selector"]["matchLabels"]) if asked & ports(pod)
                ]
                assert len(serving) == 1 + len(SERVICES)


@every_set
def test_routes_lead_to_services(values: str) -> None:
    """By their names and ports; scalers to Deployments."""
    services = {
        (name, port["port"])
        for name, one in of("Service", values).items()
        for port in one["spec"]["ports"]
    }
    for made in objects(values):
        if made["kind"] in ("HTTPRoute", "TLSRoute"):
            for rule in made["spec"]["rules"]:
                assert {(one["name"], one["port"]) for one in rule["backendRefs"]} <= services
        if made["kind"] == "Ingress":
            for rule in made["spec"]["rules"]:
                for path in rule["http"]["paths"]:
                    to = path["backend"]["service"]
                    assert (to["name"], to["port"]["number"]) in services
        if made["kind"] in ("HorizontalPodAutoscaler", "ScaledObject"):
            scaled = of("Deployment", values)[made["spec"]["scaleTargetRef"]["name"]]
            assert "replicas" not in scaled["spec"]


def _secrets(spec: dict[str, Any]) -> Iterator[str]:
    for container in spec["containers"]:
        yield from (one["secretRef"]["name"] for one in container.get("envFrom", []))
        for one in container.get("env", []):
            if "secretKeyRef" in one.get("valueFrom", {}):
                yield one["valueFrom"]["secretKeyRef"]["name"]
    yield from (one["secret"]["secretName"] for one in spec["volumes"] if "secret" in one)


@every_set
def test_what_pods_refer_to_is_there_or_was_given(values: str) -> None:
    """Secrets of the values, or Strimzi's; the chart makes none. Jobs need nothing of a release."""
    given = yaml.safe_load(VALUES[values].read_text())
    named = set(re.findall(r"[\w.-]+", str(given)))
    users = set(of("KafkaUser", values))
    cluster = f"{given.get('strimzi', {}).get('cluster')}-cluster-ca-cert"
    accounts = {*of("ServiceAccount", values), "default"}
    assert not of("Secret", values)
    for name, _, spec in pods(values):
        secrets = {*_secrets(spec)} if "volumes" in spec else set()
        hooked = not spec.get("serviceAccountName")
        assert secrets <= (named if hooked else named | users | {cluster}), name
        assert spec.get("serviceAccountName", "default") in accounts
        volumes = {one["name"] for one in spec.get("volumes", [])}
        mounted = {m["name"] for one in spec["containers"] for m in one.get("volumeMounts", [])}
        assert mounted == volumes


@every_set
def test_names_are_short_enough_and_there_once(values: str) -> None:
    """63 characters, as labels and hosts have them, and everything in the release's namespace."""
    seen = set()
    for made in objects(values):
        metadata = made["metadata"]
        assert metadata["namespace"] == NAMESPACE
        if made["kind"] != "KafkaTopic":
            assert len(metadata["name"]) <= 63
        assert (made["kind"], metadata["name"]) not in seen
        seen.add((made["kind"], metadata["name"]))


def test_a_cluster_that_chooses_users_itself() -> None:
    """No pod asks for a number then, and none may be root all the same."""
    for made in objects("minimal", "--set", "user=null"):
        if made["kind"] == "Deployment":
            security = made["spec"]["template"]["spec"]["securityContext"]
            assert security == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def test_a_cluster_that_has_ipv6_alone() -> None:
    """Everything listens there where one value says so; nothing is left on IPv4."""
    for values in ("production", "tls-passthrough"):
        found = text(values, "--set", "listenAddress=[::]")
        assert '"0.0.0.0:' not in found
        assert "[::]:9100" in found


def test_more_files_are_in_every_pod_that_may_need_them() -> None:
    """An authority for PostgreSQL is where URLs name it, in consumers and before upgrades."""
    for name, container in containers("production"):
        if not name.endswith("-test/test"):
            mounts = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
            assert mounts["postgres"] == "/etc/chargewire/postgres", name


def test_the_console_answers_to_whom_it_is_shown_to() -> None:
    """To probes and forwarded ports under the name that they call it by, and to its own names."""
    for values in ("production", "strimzi"):
        for made in of("Deployment", values).values():
            (container,) = made["spec"]["template"]["spec"]["containers"]
            if container["name"] != "console":
                continue
            config = read(Console, flags={}, environ=environment(container), file={})
            allowed = hosts(config.console_listen, config.console_hosts)
            assert is_called("localhost:9200", allowed)
            for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
                headers = container[kind]["httpGet"].get("httpHeaders", [])
                called = {one["name"]: one["value"] for one in headers}.get("Host", "10.0.0.1:9200")
                assert is_called(called, allowed)
            route = of("HTTPRoute", values).get(made["metadata"]["name"])
            for name in route["spec"]["hostnames"] if route else ():
                assert is_called(name, allowed)


def test_a_console_for_nobody() -> None:
    """An empty list of peers lets nobody in: Kubernetes would take it for everyone."""
    made = of("NetworkPolicy", "production", "--set", "networkPolicy.console=null")
    assert "ingress" not in made["cw-chargewire-console"]["spec"]


def test_why_a_gateway_is_not_ready_can_be_asked() -> None:
    """Its operators' port is reached by name then, too; stations are only sent to who is ready."""
    for name, made in of("Service", "minimal").items():
        told = made["spec"].get("publishNotReadyAddresses", False)
        assert told == name.endswith("-gateway-admin"), name


def test_a_long_name_of_a_release() -> None:
    """Is cut, so that what is put after it still fits."""
    found = objects("production", "--set", f"fullnameOverride={'x' * 40}")
    assert max(len(one["metadata"]["name"]) for one in found) <= 63


@pytest.mark.parametrize("values", ["strimzi", "tls-passthrough"])
def test_topics_of_strimzi_are_those_of_topics_apply(values: str) -> None:
    """All that `chargewire topics apply` would make, in every option; they outlive the release."""
    given = yaml.safe_load(VALUES[values].read_text()).get("topics", {})
    prefix = given.get("prefix", "ocpp.")
    wanted = layouts(prefix, replication=given.get("replication", 3), tables=TABLES)
    made = {one["spec"]["topicName"]: one for one in of("KafkaTopic", values).values()}
    assert {
        name: (one["spec"]["partitions"], one["spec"]["replicas"], one["spec"]["config"])
        for name, one in made.items()
    } == {name: (one.partitions, one.replication, dict(one.config)) for name, one in wanted.items()}
    for one in made.values():
        assert one["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_a_larger_frame_makes_room_on_topics() -> None:
    """As topics apply does with the same setting."""
    found = of("KafkaTopic", "strimzi", "--set", "config.frame_limit_bytes=524288")
    wanted = layouts("ocpp.", frame_limit_bytes=524_288)["ocpp.metering"].config
    assert found["ocpp.metering"]["spec"]["config"] == wanted


def test_users_may_what_their_programs_do_and_no_more() -> None:
    """Nobody writes to decisions but who decides; groups are called as consumers join them."""
    users = {}
    for name, made in of("KafkaUser", "strimzi").items():
        users[name.removeprefix("cw-chargewire-")] = {
            (rule["resource"]["type"], rule["resource"]["name"], operation)
            for rule in made["spec"]["authorization"]["acls"]
            for operation in rule["operations"]
        }
    assert users.keys() == access().keys()
    writers = {name for name, may in users.items() if ("topic", "ocpp.decisions", "Write") in may}
    assert writers == {"authorizations"}
    for name, service in SERVICES.items():
        assert {("topic", f"ocpp.{topic}", "Read") for topic in service.consumer.topics} <= (
            users[name]
        )
        assert ("group", f"ocpp.consume-{name}-", "Read") in users[name]
    assert ("topic", "ocpp.", "DescribeConfigs") in users["gateway"]


def test_the_alerts_are_those_that_are_generated() -> None:
    """Word for word: templates of Prometheus in them are not taken for Helm's."""
    (made,) = of("PrometheusRule", "minimal", "--set", "monitoring.rules.enabled=true").values()
    assert made["spec"] == yaml.safe_load(rules.text())
    assert "{{" in str(made["spec"])


def test_every_alert_leads_to_where_the_operator_has_the_page() -> None:
    """And is otherwise as generated."""
    (made,) = of("PrometheusRule", "production").values()
    page = "https://docs.example.com/chargewire/alerts.html"
    assert made["spec"] == yaml.safe_load(rules.text(page))


def test_the_dashboards_are_those_that_are_generated() -> None:
    """A ConfigMap for each file that Grafana reads."""
    maps = of("ConfigMap", "production").values()
    found = {name: data for one in maps for name, data in one["data"].items()}
    files = {path.name: path.read_text() for path in (ROOT / "deploy" / "grafana").glob("*.json")}
    assert found.keys() == files.keys()
    assert all(json.loads(found[name]) == json.loads(files[name]) for name in files)


@pytest.mark.parametrize(
    ("values", "arguments", "said"),
    [
        ("ingress", ("consumers.stations.enabled=true",), "consumer stations has no store"),
        ("minimal", ("kafka.bootstrap=",), "kafka.bootstrap is missing"),
        ("minimal", ("kafka.bootstrap=kafka",), "does not match pattern"),
        ("minimal", ("gateway.replica=3",), "replica' not allowed"),
        ("minimal", ("monitoring.rules.runbook=docs/a.md",), "does not match pattern"),
        ("minimal", ("config.ping_intervall_s=3",), "ping_intervall_s"),
        ("minimal", ("config.store=x",), "store"),
        ("minimal", ("consumers.invoices.enabled=true",), "invoices"),
        ("minimal", ("consumers.stations.replicas=13",), "share 12 partitions"),
        ("minimal", ("strimzi.enabled=true",), "strimzi.cluster is missing"),
        ("minimal", ("gateway.tlsRoute.enabled=true",), "minItems"),
        ("minimal", ("gateway.config.frame_limit_bytes=524288",), "frame_limit_bytes of gateway"),
        ("minimal", ("gateway.files.tls=x",), "invalid propertyName 'tls'"),
        (
            "minimal",
            ("consumers.stations.files.ca=x", "consumers.commands.files.ca=y"),
            "files.ca of consumers are different Secrets",
        ),
        (
            "tls-passthrough",
            ("gateway.tls.secret=",),
            "gateway.tls.clientAuthorities needs gateway.tls.secret",
        ),
        (
            "tls-passthrough",
            ("gateway.tls.secret=", "gateway.tls.clientAuthorities.secret="),
            "gateway.tlsRoute passes TLS through",
        ),
        (
            "production",
            ("gateway.tls.secret=x",),
            "gateway.httpRoute has TLS end at the Gateway",
        ),
        (
            "minimal",
            ("consumers.stations.autoscaling.enabled=true",),
            "consumers.stations.autoscaling.prometheus is missing",
        ),
    ],
)
def test_values_that_cannot_be_meant(values: str, arguments: tuple[str, ...], said: str) -> None:
    """Are refused by name, before anything is changed."""
    words = [word for argument in arguments for word in ("--set", argument)]
    with pytest.raises(RefusedError, match=re.escape(said)):
        text(values, *words)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("minimal", "  ws://cw-chargewire-gateway.ocpp:9000/ocpp/<station id>   (ClusterIP)\n"),
        ("minimal", "Every token is accepted, since gateways ask nobody."),
        ("production", "  wss://ocpp.example.com/ocpp/<station id>\n"),
        ("production", "The console:\n"),
        ("ingress", "  wss://ocpp.example.com/stations/<station id>\n"),
        ("ingress", "does not survive the loss of a broker"),
        ("tls-passthrough", "get kafkatopics -l app.kubernetes.io/instance=cw\n"),
    ],
)
def test_what_is_said_after_an_install(values: str, said: str, tmp_path: Path) -> None:
    """Where stations connect, what is to be done next, and what is odd about the values."""
    assert said in notes(values, tmp_path)


def test_a_release_that_changes_nothing_of_pods_restarts_none() -> None:
    """Another version of the chart is no reason to send all stations away."""
    for _, labels, _ in pods("production"):
        if labels.get("app.kubernetes.io/component") != "test":
            assert not {"helm.sh/chart", "app.kubernetes.io/version"} & labels.keys()


def test_an_instance_more_than_partitions_is_never_waited_for() -> None:
    """It would have none and not be ready; so the old one goes first where there is no room."""
    for replicas, wanted in ((11, (0, 1)), (12, (1, 0))):
        found = of("Deployment", "minimal", "--set", f"consumers.stations.replicas={replicas}")
        update = found["cw-chargewire-stations"]["spec"]["strategy"]["rollingUpdate"]
        assert (update["maxUnavailable"], update["maxSurge"]) == wanted
