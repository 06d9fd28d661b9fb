"""Sorts what a poll has found by partition number, and into what is committed together."""

from collections.abc import Mapping, Sequence
from typing import Any

# A commit of so many is worth its while; fewer share one with those of other numbers.
COMMIT_RECORDS = 500

Batch = Mapping[str, Sequence[Any]]
"""Records of one partition number, by topic (without prefix)."""


def batches(found: Mapping[Any, Sequence[Any]], prefix: str) -> list[dict[int, Batch]]:
    """Records by their aiokafka.TopicPartition, as batches by number: each dict for one commit."""
    numbers: dict[int, dict[str, Sequence[Any]]] = {}
    for at, records in found.items():
        numbers.setdefault(at.partition, {})[at.topic.removeprefix(prefix)] = records
    commits: list[dict[int, Batch]] = []
    records_in = COMMIT_RECORDS
    for number, batch in numbers.items():
        if records_in >= COMMIT_RECORDS:
            commits.append({})
            records_in = 0
        commits[-1][number] = batch
        records_in += sum(map(len, batch.values()))
    return commits
