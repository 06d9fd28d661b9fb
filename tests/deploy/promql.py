"""Which metrics and labels a PromQL text names, and whether programs of ours have them."""

import re
from collections.abc import Iterator

from consumers.families import FAMILIES as OF_CONSUMERS
from gateway.metrics import FAMILIES as OF_GATEWAYS
from programs.families import Family

TARGET = frozenset({"namespace", "job", "instance", "pod"})
"""Labels that Prometheus itself puts to what it reads, or Kubernetes' operator."""

_RECORDED = re.compile(r"[a-z]+:(chargewire_[a-z0-9_]+):[a-z0-9_]+")
_SERIES = re.compile(r"(?<![:\w])(chargewire_[a-z0-9_]+|process_[a-z_]+)(?:\{([^}]*)\})?")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_LEGEND = re.compile(r"\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}")

FAMILY_OF = {
    series: family
    for family in (*OF_GATEWAYS.values(), *OF_CONSUMERS.values())
    for series in family.series
}


def labels(family: Family) -> frozenset[str]:
    """What its series can be told apart by."""
    return TARGET | {*family.labels} | ({"le"} if family.kind == "histogram" else set())


def strangers(expression: str, *legends: str) -> Iterator[str]:
    """What in it, or in a legend of its result, no program of ours has."""
    known = set(TARGET)
    for series, matchers in _SERIES.findall(expression):
        if series.startswith("process_"):
            continue
        family = FAMILY_OF.get(series)
        if family is None:
            yield series
            continue
        known |= labels(family)
        yield from (
            f"{label} of {series}"
            for label in _MATCHER.findall(matchers)
            if label not in labels(family)
        )
    for recorded in _RECORDED.findall(expression):
        if not any(recorded in (name, FAMILY_OF[name].exposed) for name in FAMILY_OF):
            yield recorded
    grouped = [name.strip() for found in _GROUPING.findall(expression) for name in found.split(",")]
    shown = [name for legend in legends for name in _LEGEND.findall(legend)]
    yield from (f"label {name}" for name in (*grouped, *shown) if name and name not in known)
