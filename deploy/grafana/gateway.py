"""The dashboard of gateways: what they do, how fast, and how near their limits they are."""

from deploy.grafana.panels import (
    NOTHING,
    Choice,
    Dashboard,
    Line,
    graph,
    quantiles,
    row,
    stat,
    table,
)

_CALLS = ('direction="from_station"', 'kind=~"call|send"')


def _of(name: str, *matchers: str) -> str:
    chosen = ('namespace=~"$namespace"', 'job=~"$job"', 'instance=~"$instance"')
    return f"chargewire_{name}{{{','.join([*chosen, *matchers])}}}"


def _each(name: str) -> str:
    return f"sum by (namespace, job, instance) ({_of(name)})"


def _rate(name: str, *matchers: str) -> str:
    return f"rate({_of(name, *matchers)}[$__rate_interval])"


def _sum(name: str, words: str) -> Line:
    return Line(f"sum({_rate(name)})", words)


def _instances(expr: str) -> Line:
    return Line(f"sum by (instance) ({expr})", "{{instance}}")


def _rates(name: str, by: str, *matchers: str) -> Line:
    return Line(f"sum by ({by}) ({_rate(name, *matchers)})", f"{{{{{by}}}}}")


_NOW = (
    stat(
        "Gateways ready",
        f"sum({_of('ready')}) / sum({_of('build_info')})",
        "percentunit",
        "Of the processes that run.",
    ),
    stat("Stations connected", f"sum({_of('connections')})"),
    stat(
        "Of what they may hold",
        f"sum({_of('connections')}) / sum({_of('connections_max')})",
        "percentunit",
        alarm=0.85,
    ),
    stat(
        "Calls of stations",
        f"sum({_rate('frames_total', *_CALLS)})",
        "reqps",
    ),
    stat(
        "Answer, 99 of 100",
        quantiles(_of("answer_seconds"))[2].expr,
        "s",
        "Stations wait about 30 s.",
        alarm=5,
    ),
    stat(
        "Kafka's ack, 99 of 100",
        quantiles(_of("ack_seconds"))[2].expr,
        "s",
        "Every answer waits for it.",
        alarm=1,
    ),
    stat("Kafka is away", f"sum({_of('outage')})", doc="Processes that say so.", alarm=1),
    stat("Behind the log", f"max({_of('tail_lag')})", doc="Records not read yet.", alarm=1000),
)
_STATIONS = (
    row("Stations"),
    graph("Connections", _instances(_of("connections"))),
    graph(
        "Coming and going",
        _sum("connects_total", "connected"),
        Line(f"sum by (code) ({_rate('disconnects_total')})", "ended with {{code}}"),
        unit="cps",
        doc="By the websocket's close code: 1006 is a broken connection, 1008 a takeover, 1011 no "
        "answer to a ping, 1012 our restart, 1013 an outage of Kafka.",
    ),
    graph("Refused", _rates("refusals_total", "reason"), unit="cps", empty=NOTHING),
    graph("Handshakes under way", _instances(_of("handshakes"))),
    graph("Takeovers", _sum("takeovers_total", "replaced by a newer connection"), unit="cps"),
    graph(
        "Sockets that are not read",
        _instances(_of("paused")),
        doc="Too many calls of one station at once, or too many events under way.",
    ),
)
_FRAMES = (
    row("Frames"),
    graph(
        "Frames in the log",
        Line(f"sum by (direction, kind) ({_rate('frames_total')})", "{{direction}} {{kind}}"),
        unit="cps",
    ),
    graph(
        "Calls of stations, by action",
        Line(
            f"topk(10, sum by (action) ({_rate('frames_total', *_CALLS)}))",
            "{{action}}",
        ),
        unit="cps",
        doc="The ten most frequent.",
    ),
    graph(
        "Calls answered with an error, by action",
        _rates("frames_total", "action", 'direction="to_station"', 'kind="error"'),
        unit="cps",
        empty=NOTHING,
    ),
    graph("Time to an answer", *quantiles(_of("answer_seconds")), unit="s"),
    graph(
        "The slowest answers, by action",
        Line(
            "topk(5, histogram_quantile(0.99, sum by (le, action) "
            f"({_rate('answer_seconds_bucket')})))",
            "{{action}}",
        ),
        unit="s",
        doc="99 of 100 calls of such an action are answered within this time.",
    ),
    graph("Calls before an answer", _sum("pipelined_total", "taken meanwhile"), unit="cps"),
    graph("Dead letters, by rule", _rates("dead_letters_total", "rule"), unit="cps", empty=NOTHING),
    graph("Rules bent, by rule", _rates("deviations_total", "rule"), unit="cps", empty=NOTHING),
    graph(
        "What others get wrong",
        _sum("misrouted_total", "records in a wrong partition"),
        _sum("unreadable_total", "records that say nothing"),
        _sum("secrets_missing_total", "secrets that nobody holds"),
        unit="cps",
    ),
)
_LOG = (
    row("Kafka"),
    graph("Time to an acknowledgement", *quantiles(_of("ack_seconds")), unit="s"),
    graph("Events acknowledged", _instances(_rate("events_acknowledged_total")), unit="cps"),
    graph(
        "Events of a batch",
        Line(
            f"sum({_rate('events_acknowledged_total')}) / sum({_rate('batches_total')})",
            "on average",
        ),
    ),
    graph("Events under way", _instances(_of("events_in_flight"))),
    graph(
        "Outages",
        Line(f"sum({_of('outage')})", "processes without Kafka"),
        Line(f"sum(increase({_of('outages_total')}[$__rate_interval]))", "outages begun"),
        Line(f"sum(increase({_of('events_unknown_total')}[$__rate_interval]))", "events unknown"),
        Line(f"sum({_of('disconnects_kept')})", "ends kept for later"),
        Line(f"sum(increase({_of('disconnects_dropped_total')}[$__rate_interval]))", "ends lost"),
    ),
    graph(
        "Reading the log",
        Line(f"max by (instance) ({_of('tail_lag')})", "{{instance}} is behind"),
        Line(f"sum(increase({_of('tail_restarts_total')}[$__rate_interval]))", "begun again"),
        Line(f"sum(increase({_of('tail_lost_total')}[$__rate_interval]))", "records missed"),
    ),
)
_COMMANDS = (
    row("Commands and decisions"),
    graph(
        "Commands here",
        Line(f"sum by (state) ({_of('commands')})", "{{state}}"),
        doc="`outstanding`: the station has been asked. `held`: its first call has not come yet.",
        empty="No command has come.",
    ),
    graph("Results", _rates("command_results_total", "outcome"), unit="cps", empty=NOTHING),
    graph("Left to others", _rates("commands_left_total", "reason"), unit="cps", empty=NOTHING),
    graph("Decisions", _rates("decisions_total", "outcome"), unit="cps", empty=NOTHING),
    graph(
        "Answered without the decision wanted, by action",
        _rates("fallbacks_total", "action"),
        unit="cps",
        empty=NOTHING,
    ),
    graph("Copies of results", _rates("copies_total", "outcome"), unit="cps", empty=NOTHING),
    row("Traces and certificates"),
    graph(
        "Spans of traces",
        _sum("spans_total", "ended"),
        _sum("spans_sent_total", "taken by the collector"),
        unit="cps",
        width=12,
    ),
    graph(
        "Certificates of the stations' port",
        Line(f"sum({_of('certificates_expiring')})", "end within two weeks"),
        Line(f"sum({_of('certificates_broken')})", "new files that cannot be used"),
        doc="Processes.",
        width=12,
    ),
)
_PROCESS = (
    row("Processes"),
    graph(
        "Processor",
        _instances(_rate("cpu_seconds_total")),
        doc="Cores; each worker can use one.",
    ),
    graph("Memory", _instances(_of("memory_bytes")), unit="bytes"),
    graph(
        "How late the event loop is",
        *quantiles(_of("loop_lag_seconds")),
        unit="s",
        doc="More than a quarter of a second: too much for its core.",
    ),
    graph(
        "Use of limits",
        *(
            Line(f"max({_each(used)} / {_each(limit)})", words)
            for used, limit, words in (
                ("connections", "connections_max", "connections"),
                ("handshakes", "handshakes_max", "handshakes"),
                ("events_in_flight", "events_in_flight_max", "events under way"),
                ("open_files", "open_files_max", "open files and sockets"),
            )
        ),
        unit="percentunit",
        doc="Of the gateway that is nearest to it.",
    ),
    graph(
        "Age",
        Line(f"time() - max by (instance) ({_of('start_time_seconds')})", "{{instance}}"),
        unit="s",
        doc="Of the youngest process.",
    ),
    table("Versions", f"sum by (instance, version) ({_of('build_info')})"),
)
DASHBOARD = Dashboard(
    "chargewire-gateway",
    "chargewire: gateways",
    "What gateways do, how fast, and how near their limits they are.",
    (
        Choice("namespace", "Namespace", "chargewire_build_info"),
        Choice("job", "Job", "chargewire_build_info"),
        Choice("instance", "Instance", "chargewire_build_info"),
    ),
    (*_NOW, *_STATIONS, *_FRAMES, *_LOG, *_COMMANDS, *_PROCESS),
)
