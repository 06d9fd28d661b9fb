"""The dashboard of consumers: how far behind their tables are, and what they do beside them."""

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

_PLACE = ('namespace=~"$namespace"', 'job=~"$job"', 'instance=~"$instance"')


def _of(name: str, *matchers: str) -> str:
    chosen = (*_PLACE, 'consumer=~"$consumer"')
    return f"chargewire_consumer_{name}{{{','.join([*chosen, *matchers])}}}"


def _rate(name: str) -> str:
    return f"rate({_of(name)}[$__rate_interval])"


def _sequel(name: str, *matchers: str) -> str:
    """What one consumer has: it has no label `consumer`."""
    return f"chargewire_{name}{{{','.join([*_PLACE, *matchers])}}}"


def _sequels(name: str, legend: str) -> Line:
    by = legend.replace("{", "").replace("}", "").replace(" ", ", ")
    return Line(f"sum by ({by}) (rate({_sequel(name)}[$__rate_interval]))", legend)


def _each(expr: str, aggregate: str = "sum") -> Line:
    return Line(f"{aggregate} by (consumer) ({expr})", "{{consumer}}")


def _process(expr: str) -> Line:
    """Of Prometheus' own metrics, which do not know whose they are."""
    whose = f"on (namespace, job, instance) group_left (consumer) {_of('build_info')}"
    return Line(f"{expr} * {whose}", "{{consumer}} {{instance}}")


_NOW = (
    stat(
        "Consumers ready",
        f"sum(max by (consumer) ({_of('ready')})) / count(max by (consumer) ({_of('ready')}))",
        "percentunit",
    ),
    stat(
        "Partition numbers folded",
        f"sum({_of('partitions')}) / sum(max by (consumer) ({_of('partitions_all')}))",
        "percentunit",
        "Of all that each consumer should.",
    ),
    stat("Records behind", f"sum({_of('lag_records')})", alarm=10_000),
    stat("Longest delay", f"max({_of('delay_seconds')})", "s", alarm=60),
    stat("Records folded", f"sum({_rate('records_total')})", "cps"),
    stat("Rows not on topics", f"sum({_of('outbox_rows')})", alarm=10_000),
    stat("Set aside in a day", f"sum(increase({_of('poison_total')}[1d]))", alarm=1),
    stat("Waiting for a schema", f"sum({_of('waiting')})", doc="Topic partitions.", alarm=1),
)
_FOLDING = (
    row("Tables"),
    graph("Records behind", _each(_of("lag_records")), doc="In the log, and not in the tables."),
    graph("Delay", _each(_of("delay_seconds"), "max"), unit="s", doc="Of the worst partition."),
    graph(
        "The partitions that are most behind",
        Line(
            f"topk(10, sum by (consumer, partition) ({_of('lag_records')}))",
            "{{consumer}} {{partition}}",
        ),
    ),
    graph("Records folded", _each(_rate("records_total")), unit="cps"),
    graph("Rows written", _each(_rate("rows_total")), unit="cps"),
    graph("Commits", _each(_rate("commits_total")), unit="cps"),
    graph("Old rows removed", _each(_rate("removed_total")), unit="cps"),
    graph(
        "Removal behind",
        _each(_of("overdue_seconds"), "max"),
        unit="s",
        doc="How much too old the oldest rows are.",
    ),
    graph(
        "Time of a commit",
        *quantiles(_of("commit_seconds"), "consumer")[1:],
        unit="s",
        doc="From a batch read to its commit: reading rows, folding, writing them.",
    ),
    graph(
        "Since the last commit",
        Line(
            f"time() - max by (consumer) ({_of('last_commit_timestamp_seconds')})", "{{consumer}}"
        ),
        unit="s",
        doc="Where nothing comes, nothing is committed.",
    ),
    graph("Partition numbers folded", _each(_of("partitions"))),
    graph(
        "Begun anew",
        Line(
            f"sum by (consumer, reason) (increase({_of('restarts_total')}[$__rate_interval])) > 0",
            "{{consumer}}: {{reason}}",
        ),
        empty=NOTHING,
    ),
    graph(
        "What should not be",
        *(
            Line(f"sum(increase({_of(name)}[$__rate_interval]))", words)
            for name, words in (
                ("poison_total", "records set aside"),
                ("lost_total", "records gone"),
                ("fenced_total", "fenced"),
                ("sequel_failures_total", "failures beside the tables"),
                ("produce_failures_total", "records not written"),
            )
        ),
    ),
    table("Ready", f"min by (consumer, instance) ({_of('ready')})", "1: all is folded."),
)
_TOPICS = (
    row("Tables as topics"),
    graph("Rows published", _each(_rate("published_total")), unit="cps", width=12),
    graph("Rows that wait", _each(_of("outbox_rows")), width=12),
)
_DECISIONS = (
    row("Tokens and local lists"),
    graph(
        "Decisions",
        _sequels("authorizations_decisions_total", "{{action}} {{status}}"),
        unit="cps",
        empty="No station has asked for a decision.",
    ),
    graph(
        "Time to a decision",
        *quantiles(_sequel("authorizations_decision_seconds")),
        unit="s",
        empty="No station has asked for a decision.",
    ),
    graph(
        "Late, and unknown",
        *(
            Line(f"sum(rate({_sequel(name)}[$__rate_interval]))", words)
            for name, words in (
                ("authorizations_late_total", "read too late to decide"),
                ("authorizations_unknown_tokens_total", "tokens that nobody has issued"),
            )
        ),
        unit="cps",
        empty="No station has asked for a decision.",
    ),
    graph(
        "Local lists",
        Line(f"sum by (state) ({_sequel('local_lists_stations')})", "{{state}}"),
        doc="Connected stations at the last sweep, by what their list needs.",
        empty="No sweep has ended yet.",
    ),
    graph(
        "Asked about local lists",
        _sequels("local_lists_commands_total", "{{action}}"),
        unit="cps",
        empty="No station needed to be asked.",
    ),
    graph(
        "Local lists that are not what they should be",
        Line(f"sum({_sequel('local_lists_cut')})", "too short for all tokens"),
        Line(f"sum(increase({_sequel('local_lists_stuck_total')}[$__rate_interval]))", "stuck"),
        empty="No consumer authorizations is chosen.",
    ),
)
_COMMANDS = (
    row("Commands"),
    graph(
        "Without a result",
        Line(f"max by (state) ({_sequel('commands_open')})", "{{state}}"),
        empty="No consumer commands is chosen.",
    ),
    graph(
        "Results",
        _sequels("commands_ended_total", "{{outcome}}"),
        unit="cps",
        doc="Read from the log, whoever wrote them; void ones count, too.",
        empty=NOTHING,
    ),
    graph(
        "Settled here",
        Line(
            f"sum by (outcome) (rate({_sequel('commands_settled_total')}[$__rate_interval]))",
            "settled {{outcome}}",
        ),
        Line(
            f"sum by (outcome) (rate({_sequel('commands_results_total')}[$__rate_interval]))",
            "result {{outcome}}",
        ),
        Line(
            f"sum(rate({_sequel('commands_asked_again_total')}[$__rate_interval]))", "asked again"
        ),
        unit="cps",
        doc="For stations that were not there, or gateways that died.",
        empty=NOTHING,
    ),
    graph(
        "Gateways that died",
        *(
            Line(f"sum(increase({_sequel(name)}[$__rate_interval]))", words)
            for name, words in (
                ("commands_gateways_lost_total", "gateways"),
                ("commands_connections_lost_total", "connections closed for them"),
            )
        ),
        width=12,
        empty=NOTHING,
    ),
    graph(
        "Copies of results",
        _sequels("commands_copies_total", "{{outcome}}"),
        unit="cps",
        width=12,
        empty=NOTHING,
    ),
)
_PROCESS = (
    row("Processes"),
    graph(
        "Processor",
        _process(f"rate(process_cpu_seconds_total{{{','.join(_PLACE)}}}[$__rate_interval])"),
        doc="Cores.",
    ),
    graph("Memory", _process(f"process_resident_memory_bytes{{{','.join(_PLACE)}}}"), unit="bytes"),
    graph(
        "How late the event loop is", *quantiles(_of("loop_lag_seconds"), "consumer")[2:], unit="s"
    ),
    graph(
        "Open files and sockets",
        _process(f"process_open_fds{{{','.join(_PLACE)}}}"),
        width=12,
    ),
    table("Versions", f"sum by (consumer, instance, version) ({_of('build_info')})", width=12),
)

DASHBOARD = Dashboard(
    "chargewire-consumers",
    "chargewire: consumers",
    "How far behind the tables are, how fast the store is, and what else consumers do.",
    (
        Choice("namespace", "Namespace", "chargewire_consumer_build_info"),
        Choice("job", "Job", "chargewire_consumer_build_info"),
        Choice("consumer", "Consumer", "chargewire_consumer_build_info"),
        Choice("instance", "Instance", "chargewire_consumer_build_info"),
    ),
    (*_NOW, *_FOLDING, *_TOPICS, *_DECISIONS, *_COMMANDS, *_PROCESS),
)
