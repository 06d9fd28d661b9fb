"""The dashboard of the fleet: are stations connected, answered, and do the tables follow?"""

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

_CALLS = ('direction="from_station"', 'kind="call"')


def _of(name: str, *matchers: str) -> str:
    chosen = ('namespace=~"$namespace"', *matchers)
    return f"chargewire_{name}{{{','.join(chosen)}}}"


def _rate(name: str, *matchers: str) -> str:
    return f"sum(rate({_of(name, *matchers)}[$__rate_interval]))"


def _share(part: str, whole: str) -> str:
    return f"({part} or vector(0)) / {whole}"


_STARTS = 'action=~"StartTransaction|TransactionEvent"'

_NOW = (
    stat("Stations connected", f"sum({_of('connections')})"),
    stat(
        "Gateways ready",
        f"sum({_of('ready')}) / sum({_of('build_info')})",
        "percentunit",
        "Of the processes that run.",
    ),
    stat("Calls of stations", _rate("frames_total", *_CALLS), "reqps"),
    stat("Answer, 99 of 100", quantiles(_of("answer_seconds"))[2].expr, "s", alarm=5),
    stat(
        "Calls that cannot be taken",
        _share(_rate("dead_letters_total"), _rate("frames_total", 'direction="from_station"')),
        "percentunit",
        alarm=0.02,
    ),
    stat("Kafka is away", f"sum({_of('outage')})", doc="Gateways that say so.", alarm=1),
    stat("Tables are behind", f"max({_of('consumer_delay_seconds')})", "s", alarm=60),
    stat(
        "Alerts",
        'count(ALERTS{alertname=~"Chargewire.*",alertstate="firing"}) or vector(0)',
        alarm=1,
    ),
)
_STATIONS = (
    row("Stations"),
    graph(
        "Stations connected",
        Line(f"sum by (version) ({_of('connections')})", "OCPP {{version}}"),
        Line(f"sum({_of('connections')})", "all"),
    ),
    graph(
        "Today and a week ago",
        Line(f"sum({_of('connections')})", "now"),
        Line(f"sum({_of('connections')} offset 1w)", "a week ago"),
        doc="A fleet has habits; what differs from them is worth a look.",
        empty="Prometheus has not been reading for a week.",
    ),
    graph(
        "Coming, going, refused",
        Line(_rate("connects_total"), "connected"),
        Line(_rate("disconnects_total"), "ended"),
        Line(_rate("refusals_total"), "refused"),
        Line(_rate("takeovers_total"), "replaced"),
        unit="cps",
    ),
)
_TRAFFIC = (
    row("What they say"),
    graph(
        "Calls, by action",
        Line(
            f"topk(8, sum by (action) (rate({_of('frames_total', *_CALLS)}[$__rate_interval])))",
            "{{action}}",
        ),
        unit="cps",
        doc="The eight most frequent.",
    ),
    graph(
        "Transactions",
        Line(_rate("frames_total", *_CALLS, _STARTS), "calls that begin or change one"),
        Line(_rate("frames_total", *_CALLS, 'action="StopTransaction"'), "calls that end one"),
        unit="cps",
        doc="2.x has one action for all of it.",
        empty="No station has charged.",
    ),
    graph(
        "Boots",
        Line(_rate("frames_total", *_CALLS, 'action="BootNotification"'), "boots"),
        unit="cps",
        empty="No station has booted.",
    ),
    graph("Time to an answer", *quantiles(_of("answer_seconds")), unit="s"),
    graph(
        "Answered with an error",
        Line(
            _share(
                _rate("frames_total", 'direction="to_station"', 'kind="error"'),
                _rate("frames_total", *_CALLS),
            ),
            "of all calls",
        ),
        unit="percentunit",
    ),
    graph(
        "Dead letters and bent rules",
        Line(_rate("dead_letters_total"), "frames that could not be taken"),
        Line(_rate("deviations_total"), "rules bent"),
        unit="cps",
        empty=NOTHING,
    ),
)
_COMMANDS = (
    row("What they are asked, and who may charge"),
    graph(
        "Commands, by outcome",
        Line(
            f"sum by (outcome) (rate({_of('commands_ended_total')}[$__rate_interval]))",
            "{{outcome}}",
        ),
        unit="cps",
        empty="No command has ended.",
    ),
    graph(
        "Decisions, by status",
        Line(
            f"sum by (status) (rate({_of('authorizations_decisions_total')}[$__rate_interval]))",
            "{{status}}",
        ),
        Line(_rate("fallbacks_total"), "no decision in time"),
        unit="cps",
        empty="No station has asked for a decision.",
    ),
    graph(
        "Local lists",
        Line(f"sum by (state) ({_of('local_lists_stations')})", "{{state}}"),
        empty="No sweep has ended yet.",
    ),
)
_MACHINE = (
    row("What it takes"),
    graph(
        "Delay of the tables",
        Line(f"max by (consumer) ({_of('consumer_delay_seconds')})", "{{consumer}}"),
        unit="s",
    ),
    graph(
        "Stations of each gateway",
        Line(f"sum by (instance) ({_of('connections')})", "{{instance}}"),
    ),
    graph(
        "Kafka's acknowledgement",
        *quantiles(_of("ack_seconds")),
        unit="s",
    ),
    table(
        "Alerts that fire",
        'sum by (alertname, severity) (ALERTS{alertname=~"Chargewire.*",alertstate="firing"})',
        "What to do is in the manual, under the name.",
        width=12,
        height=6,
        empty="No alert fires.",
    ),
    table(
        "Versions",
        f"sum by (job, version) ({_of('build_info')})"
        f" or sum by (job, version) ({_of('consumer_build_info')})",
        width=12,
        height=6,
    ),
)

DASHBOARD = Dashboard(
    "chargewire-fleet",
    "chargewire: fleet",
    "Are stations connected and answered, do they charge, and do the tables follow?",
    (Choice("namespace", "Namespace", "chargewire_build_info"),),
    (*_NOW, *_STATIONS, *_TRAFFIC, *_COMMANDS, *_MACHINE),
)
