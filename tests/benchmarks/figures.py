"""Figures as people read them: tables for a terminal and for the documentation."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.consuming import METERED, STORES
from tests.benchmarks.measures import median
from tests.benchmarks.stage import SERVERS
from tests.benchmarks.workloads import SESSION

BEGIN = "<!-- figures: written by `make bench`, do not edit -->"
END = "<!-- end of figures -->"

# The most that the gateway may cost beside `bare`, and the least that `plain` costs beside it.
MOST_OF_BARE = 3.0
LEAST_OF_PLAIN = 8.0
MOST_OF_BARE_MEMORY = 1.5
LEAST_SAMPLES = 20_000
MOST_OF_FOREIGN_US = 3.0
FOREIGN_SHARE = 0.05  # of a core
LEAST_ROWS = 400  # fewer do not fill the pages that they are in
_STORES = ("SQLite", "PostgreSQL")


def report(found: Mapping[str, Any]) -> str:
    """All that was measured, as Markdown; a terminal shows it well enough."""
    parts = []
    if "machine" in found:
        parts.append(_machine(found["machine"]))
    for name, write in (
        ("calls", _calls),
        ("memory", _memory),
        ("latency", _latency),
        ("session", _core),
        ("folding", _folding),
        ("rebuild", _rebuild),
        ("authorize", _authorize),
        ("commands", _commands),
        ("disk", _disk),
    ):
        if name in found:
            parts += ["\n".join(write(found[name]))]
    return "\n\n".join(parts)


def write(path: Path, found: Mapping[str, Any]) -> None:
    """Put the report between its markers in a file. Raises ValueError when they are not there."""
    put(path, BEGIN, report(found), END)


def put(path: Path, begin: str, text: str, end: str) -> None:
    """Put a text between two markers of a file. Raises ValueError when they are not there."""
    before, begun, rest = path.read_text().partition(begin)
    _, ended, after = rest.partition(end)
    if not begun or not ended:
        raise ValueError(f"{path} has no place for figures: {begin} … {end}")
    path.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}")


def _machine(machine: Mapping[str, Any]) -> str:
    packages = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
    return (
        f"Measured on {machine['day']}: {machine['cores']} cores of {machine['processor']}, "
        f"Python {machine['python']}, {packages}."
    )


def _calls(found: Mapping[str, Any]) -> Iterator[str]:
    rows = []
    for workload, by_server in found.items():
        cost = {kind: median(by_server[kind]["us_per_call"]) for kind in SERVERS}
        bare, plain, gateway = (cost[kind] for kind in SERVERS)
        rows.append(
            [
                workload if workload != "session" else f"session of {len(SESSION)} CALLs",
                *(_spread(by_server[kind]["us_per_call"]) for kind in SERVERS),
                _ratio(gateway / bare, at_most=MOST_OF_BARE),
                _ratio(plain / gateway, at_least=LEAST_OF_PLAIN),
            ]
        )
    heads = ("CPU time per CALL, µs", "a: bare", "b: plain", "c: gateway", "c / a", "b / c")
    yield from table(heads, rows)
    yield ""
    speeds = [
        [
            workload,
            *(f"{median(by_server[kind]['answers_per_s']):,.0f}" for kind in SERVERS),
        ]
        for workload, by_server in found.items()
    ]
    yield from table(("Answers per second", "a: bare", "b: plain", "c: gateway"), speeds)


def _memory(found: Mapping[str, Any]) -> Iterator[str]:
    each = found["bytes_per_connection"]
    rows = [
        [
            f"{found['connections']:,} idle connections",
            *(f"{each[kind] / 1024:.1f}" for kind in ("bare", "gateway")),
            _ratio(each["gateway"] / each["bare"], at_most=MOST_OF_BARE_MEMORY),
        ]
    ]
    yield from table(("Memory per connection, KiB", "a: bare", "c: gateway", "c / a"), rows)


def _latency(found: Mapping[str, Any]) -> Iterator[str]:
    rows = [
        [
            f"{found['calls_per_s']:,.0f} of {found['most_calls_per_s']:,.0f} CALLs/s",
            *(f"{found[name]:.1f}" for name in ("p50_ms", "p99_ms", "max_ms", "us_per_call")),
        ]
    ]
    heads = ("Gateway at half load", "p50, ms", "p99, ms", "longest, ms", "CPU per CALL, µs")
    yield from table(heads, rows)


def _core(found: Mapping[str, Any]) -> Iterator[str]:
    steps = ("received", "decode", "take", "answer")
    rows = [
        [workload, *(f"{costs[step]:.1f}" if step in costs else "" for step in steps)]
        for workload, costs in found.items()
    ]
    yield from table(("Pure core, µs per CALL", *steps), rows)


def _folding(found: Mapping[str, Any]) -> Iterator[str]:
    rows = [
        [
            name,
            *(f"{by_store[store]['events_per_s']:,.0f}" for store in STORES),
            *(f"{by_store[store]['us_per_event']:.0f}" for store in STORES),
        ]
        for name, by_store in found.items()
    ]
    heads = ("Events folded per second", *_STORES, *(f"{name}, CPU in µs" for name in _STORES))
    yield from table(heads, rows)
    yield ""
    samples = [found[METERED][store]["samples_per_s"] for store in STORES]
    row = ["meter-readings", f"{samples[0]:,.0f}", _aim(samples[1], LEAST_SAMPLES)]
    yield from table(("Samples per second", *_STORES), [row])


def _rebuild(found: Mapping[str, Any]) -> Iterator[str]:
    heads = ("Rebuild into PostgreSQL", "events", "seconds", "events/s", "CPU per event, µs")
    cost = 1e6 * found["cpu_s"] / found["events"]
    figures = (f"{found['events']:,}", f"{found['seconds']:.0f}", f"{found['events_per_s']:,.0f}")
    yield from table(heads, [[found["consumer"], *figures, f"{cost:.0f}"]])


def _authorize(found: Mapping[str, Any]) -> Iterator[str]:
    rows = [
        [
            f"{store}, {one['asks_per_s']:.0f}/s",
            *(f"{one[name]:.1f}" for name in ("p50_ms", "p99_ms", "max_ms", "cpu_ms")),
            f"{one['most_per_s']:,.0f}",
        ]
        for store, one in found.items()
    ]
    heads = ("Decided Authorize", "p50, ms", "p99, ms", "longest, ms", "CPU each, ms", "most per s")
    yield from table(heads, rows)


def _commands(found: Mapping[str, Any]) -> Iterator[str]:
    rows = [
        [
            name,
            *(f"{one[figure]:.1f}" for figure in ("p50_ms", "p99_ms", "max_ms")),
            f"{one['results_per_s']:,.0f}",
            f"{one['answered']:,} of {one['commands']:,}",
        ]
        for name, one in found["results"].items()
    ]
    heads = ("From command to result", "p50, ms", "p99, ms", "longest, ms", "results/s", "answered")
    yield from table(heads, rows)
    yield ""
    rows = []
    for name, one in found["foreign"].items():
        rows.append([name, f"{one['records']:,}", f"{100 * one['share']:.1f} %", "", ""])
        if one["records"]:
            cost_us = one["us_per_record"]
            rows[-1][3:] = [
                _ratio(cost_us, at_most=MOST_OF_FOREIGN_US),
                f"{1e6 * FOREIGN_SHARE / cost_us:,.0f}",
            ]
    share = f"{100 * FOREIGN_SHARE:g} % of a core: records/s"
    yield from table(("Foreign commands", "records", "of a core", "CPU each, µs", share), rows)


def _disk(found: Mapping[str, Any]) -> Iterator[str]:
    rows = [
        [name, f"{one['events']:,}", f"{one['bytes']:.0f}", f"{one['raw_bytes']:.0f}"]
        for name, one in found["actions"].items()
    ]
    events, days = found["events"], found["days"]
    kept = found["bytes"]
    yield f"{days:g} days of stations: {events / days:,.0f} events and {kept / days / 1000:,.0f} kB"
    yield f"on each replica for a station and day, {kept / events:.0f} bytes an event."
    yield ""
    heads = ("Bytes of an event", "events", "on disk (zstd)", "as written")
    yield from table(heads, rows)
    yield ""
    rows = [
        [name, f"{one['rows']:,}", f"{one['bytes']:,.0f}", f"{one['topic_bytes']:,.0f}"]
        for name, one in found["rows"].items()
        if one["rows"] >= LEAST_ROWS
    ]
    heads = ("Bytes of a row", "rows", "PostgreSQL, with indexes", "its topic, not compacted yet")
    yield from table(heads, rows)
    yield ""
    rows = [[name, f"{used / 2**20:.0f}"] for name, used in found["memory"].items()]
    yield from table(("Memory of a process, 20 stations", "MiB"), rows)


def _aim(value: float, least: float) -> str:
    return f"{value:,.0f} (at least {least:,.0f}: {'met' if value >= least else 'missed'})"


def _spread(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    return f"{median(values):.1f} ({low:.1f}-{high:.1f})"


def _ratio(value: float, *, at_most: float | None = None, at_least: float | None = None) -> str:
    met = (at_most is None or value <= at_most) and (at_least is None or value >= at_least)
    aim = f"at most {at_most:g}" if at_most is not None else f"at least {at_least:g}"
    return f"{value:.2f} ({aim}: {'met' if met else 'missed'})"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a Markdown table, the cells of each column of one width."""
    lines = [list(heads), *map(list, rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(heads))]
    yield _row(lines[0], widths)
    yield (
        "|"
        + "|".join(
            "-" * (width + 2) if at == 0 else "-" * (width + 1) + ":"
            for at, width in enumerate(widths)
        )
        + "|"
    )
    for line in lines[1:]:
        yield _row(line, widths)


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = cells
    aligned = [
        first.ljust(widths[0]),
        *(cell.rjust(w) for cell, w in zip(others, widths[1:], strict=True)),
    ]
    return f"| {' | '.join(aligned)} |"
