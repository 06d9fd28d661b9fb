"""What the chart makes of each set of values, line by line, and that a cluster takes it."""

import difflib
import os
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from deploy.helm.chart import CHART
from tests.deploy.chart import schemas
from tests.deploy.chart.helm import VALUES, lint, objects, text

GOLDEN = Path(__file__).parent / "golden"
pytestmark = pytest.mark.slow


def shortened(rendered: str) -> str:
    """Each thing once: of objects that differ by their program's name alone, the first.

    Without what is generated and held elsewhere: dashboards, alerts, all topics but two.
    """
    kept: dict[str, str] = {}
    topics = 0
    for document in rendered.split("\n---\n"):
        kind = _found(r"^kind: (\w+)$", document)
        program = _found(r"^    app.kubernetes.io/component: (\S+)$", document)
        topics += kind == "KafkaTopic"
        if kind == "KafkaTopic" and topics > 2:
            continue
        shown = document.rstrip("\n")
        if kind in ("ConfigMap", "PrometheusRule"):
            shown = re.sub(r"^(data|spec):\n(?s:.)*", r"\1: …", shown, flags=re.MULTILINE)
        kept.setdefault(shown.replace(program, "…") if program else shown, shown)
    return "\n---\n".join(kept.values()) + "\n"


def _found(pattern: str, document: str) -> str:
    found = re.search(pattern, document, re.MULTILINE)
    return found[1] if found else ""


@pytest.mark.parametrize("values", VALUES)
def test_the_chart_becomes_what_it_became(values: str) -> None:
    """A change of the chart shows its consequences in the same commit; `make chart` writes them."""
    path = GOLDEN / f"{values}.yaml"
    found = shortened(text(values))
    if os.environ.get("REWRITE"):
        path.write_text(found, encoding="utf-8")
    changes = difflib.unified_diff(
        path.read_text(encoding="utf-8").splitlines(),
        found.splitlines(),
        f"golden/{path.name}",
        "the chart now",
        lineterm="",
    )
    if difference := "\n".join(changes):
        pytest.fail(f"{difference}\n\nIf that is meant: make chart", pytrace=False)


@pytest.mark.parametrize("values", VALUES)
def test_helm_4_makes_the_same_of_it(values: str) -> None:
    """Object by object; it only parts them otherwise."""
    found = [one for one in yaml.safe_load_all(text(values, major=4)) if one]
    assert found == list(objects(values))


@pytest.mark.parametrize("values", VALUES)
def test_lint_has_nothing_to_say(values: str) -> None:
    """Warnings included."""
    assert "0 chart(s) failed" in lint(values)


@pytest.mark.parametrize("values", VALUES)
def test_a_cluster_takes_every_object(values: str) -> None:
    """The oldest that the chart allows and the newest, and the operators with their own kinds."""
    found = objects(values)
    for made in found:
        try:
            schemas.check(made)
        except jsonschema.ValidationError as error:
            name = f"{made['kind']} {made['metadata']['name']}"
            pytest.fail(f"{name}: {error.json_path}: {error.message}", pytrace=False)


def test_the_values_make_every_kind_that_the_chart_has() -> None:
    """Or some template would never have been rendered."""
    templates = "\n".join(path.read_text() for path in _templates())
    kinds = set(re.findall(r"^kind: (\w+)$", templates, re.MULTILINE))
    assert len(kinds) > 15
    assert kinds <= {made["kind"] for values in VALUES for made in objects(values)}


def test_a_misspelt_field_is_seen() -> None:
    """In Kubernetes' own kinds and in an operator's, or the checks above would see nothing."""
    for kind, field in (("Deployment", "replica"), ("HTTPRoute", "hostname")):
        made = next(one for one in objects("production") if one["kind"] == kind)
        spec = made["spec"] | {field: ["x"]}
        with pytest.raises(jsonschema.ValidationError, match=field):
            schemas.check(made | {"spec": spec})


def _templates() -> list[Path]:
    return [*CHART.rglob("templates/**/*.yaml"), *CHART.rglob("templates/*.tpl")]
