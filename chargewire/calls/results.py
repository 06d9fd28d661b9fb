"""Results of commands, as a person or a program wants to read them."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Result = Mapping[str, Any]
NAMED = 20  # stations that a line names


def names(stations: Sequence[str]) -> str:
    more = len(stations) - NAMED
    return ", ".join(stations[:NAMED]) + (f" and {more} more" if more > 0 else "")


def readable(result: Result) -> dict[str, Any]:
    """A result as JSON, with the response as an object."""
    response = result["response"]
    return {**result, "response": None if response is None else json.loads(response)}


def _status(result: Result) -> str:
    """The station's own word, where its answer has one."""
    response = readable(result)["response"]
    status = response.get("status") if isinstance(response, dict) else None
    return status if isinstance(status, str) else ""


def told(result: Result, took_s: float) -> Iterator[str]:
    said = [result["error_code"] or _status(result), result["error_description"]]
    words = ", ".join(str(word) for word in (result["outcome"], *said) if word)
    yield f"{result['station']} {result['action']}: {words} ({took_s:.1f} s)"
    response = readable(result)["response"]
    if response:
        yield json.dumps(response, ensure_ascii=False, indent=2)


def summary(results: Sequence[Result]) -> list[list[str]]:
    """How many stations ended how, and which where they did not answer; a heading first."""
    counts: Counter[tuple[str, str]] = Counter()
    stations: dict[tuple[str, str], list[str]] = {}
    for result in results:
        kind = result["outcome"], result["error_code"] or _status(result)
        counts[kind] += 1
        stations.setdefault(kind, []).append(result["station"])
    rows = [["OUTCOME", "STATUS", "STATIONS", "WHICH"]]
    for kind, count in counts.most_common():
        which = "" if kind[0] == "answered" and len(counts) == 1 else names(sorted(stations[kind]))
        rows.append([*kind, str(count), which])
    return rows
