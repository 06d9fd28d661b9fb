"""What is counted of local lists."""

from weakref import WeakKeyDictionary

from prometheus_client import CollectorRegistry, Counter, Gauge


class Counts:
    """What is counted of local lists."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.commands = Counter(
            "chargewire_local_lists_commands",
            "Commands to stations about their local lists",
            ("action",),
            registry=registry,
        )
        self.stuck = Counter(
            "chargewire_local_lists_stuck",
            "Times that a list was taken, and was no nearer to what is wanted",
            registry=registry,
        )
        self.stations = Gauge(
            "chargewire_local_lists_stations",
            "Connected stations of this process at the last sweep, by what their local list needs",
            ("state",),
            registry=registry,
        )
        self.cut = Gauge(
            "chargewire_local_lists_cut",
            "Connected stations whose local list cannot hold all that is wanted",
            registry=registry,
        )


_COUNTS: WeakKeyDictionary[CollectorRegistry, Counts] = WeakKeyDictionary()


def counts(registry: CollectorRegistry) -> Counts:
    """Those of a registry, which takes each but once."""
    if registry not in _COUNTS:
        _COUNTS[registry] = Counts(registry)
    return _COUNTS[registry]
