"""What to be called for about the log: what gateways write to Kafka, and read from it."""

from deploy.prometheus.alert import Alert
from deploy.prometheus.recordings import ACKS_P99

_KAFKA = (
    "Look at the brokers: are all up, and has every partition its leader and two replicas in sync?"
)
_LOGS = "Read the gateway's log lines of that time; each names its reason."

LOG = (
    Alert(
        "ChargewireOutage",
        "critical",
        "1m",
        "chargewire_outage > 0",
        "Kafka is out of reach for {{ $labels.instance }}",
        "The gateway answers nothing, refuses stations and soon closes their sockets. Stations "
        "keep what they have to say.",
        (
            _KAFKA + " What stations see of it: "
            "[When Kafka is away](operations.md#when-kafka-is-away).",
            "Only some gateways: their way to the brokers (network policy, DNS, certificates); "
            "their log has the client's error.",
            "Do not restart gateways: they try again by themselves, and keep the ends of "
            "connections in memory until they can be written.",
        ),
    ),
    Alert(
        "ChargewireOutagesRepeat",
        "warning",
        "0m",
        "increase(chargewire_outages_total[1h]) > 3",
        "Kafka went out of reach for {{ $labels.instance }} {{ $value | humanize }} times an hour",
        "Each time the stations that wait are closed and say everything again.",
        (
            _KAFKA,
            "Compare the times with elections of leaders, full disks and long pauses of the "
            "brokers.",
            "If one record fails again and again, the gateway's log names its topic and the "
            "client's error.",
        ),
    ),
    Alert(
        "ChargewireAcksSlow",
        "warning",
        "10m",
        f"{ACKS_P99} > 1",
        "Kafka takes {{ $value | humanizeDuration }} to acknowledge {{ $labels.instance }}",
        "Every answer waits for it. From 1.5 s on, commands may end `expired` without having been "
        "asked. At `CHARGEWIRE_ACK_TIME_S` (10 s) it counts as an outage.",
        (
            _KAFKA,
            "Look at the brokers' disks, request queues and replication lag.",
            "One gateway alone: its network, or its core (`chargewire_loop_lag_seconds`).",
        ),
    ),
    Alert(
        "ChargewireEventsInFlightNearLimit",
        "warning",
        "2m",
        "chargewire_events_in_flight / chargewire_events_in_flight_max > 0.8",
        "{{ $labels.instance }} has {{ $value | humanizePercentage }} of the events under way that "
        "it may have",
        "At the limit it stops reading its sockets: stations have to wait.",
        (
            "Is `chargewire_ack_seconds` slow? Then see ChargewireAcksSlow.",
            "Is it the storm after an outage? Then it falls within minutes.",
            "Else there is more to write than Kafka takes: more partitions need a new prefix; "
            "faster disks do not.",
        ),
    ),
    Alert(
        "ChargewireEventsUnknown",
        "warning",
        "0m",
        "increase(chargewire_events_unknown_total[15m]) > 0",
        "What became of {{ $value | humanize }} events of {{ $labels.instance }} is not known",
        "Their stations were closed unanswered and say it again; nothing that was confirmed is "
        "missing. The log may have calls without an answer.",
        (
            "Was there an outage (`chargewire_outages_total`)? Then that is all.",
            "Was the gateway stopped while Kafka was slow? Give it more `CHARGEWIRE_DRAIN_TIME_S`.",
            "Otherwise its log has the error of Kafka's client.",
        ),
    ),
    Alert(
        "ChargewireDisconnectsDropped",
        "warning",
        "0m",
        "increase(chargewire_disconnects_dropped_total[15m]) > 0",
        "The log will not have the end of {{ $value | humanize }} connections",
        "In a long outage more ended than are kept. The stations count as connected until they "
        "come back, or the consumer `commands` closes the connections of a gateway that is gone.",
        (
            "Make Kafka reachable: see ChargewireOutage.",
            "Restart this gateway after the outage: its open ends are then closed for it.",
            "Check that the consumer `commands` runs: it is the one who does that.",
        ),
    ),
    Alert(
        "ChargewireTailLag",
        "critical",
        "2m",
        "chargewire_tail_lag > 1000",
        "{{ $labels.instance }} is {{ $value }} records of the log behind",
        "Commands, decisions and takeovers come late, or too late.",
        (
            "One gateway: its core (`chargewire_loop_lag_seconds`) or its network to the brokers.",
            "All: who writes so many commands or decisions? Look at the topics' rates.",
            "More than some hundred a second: `CHARGEWIRE_GATHER_MS`, see "
            "[Sizing](runbook.md#sizing).",
        ),
    ),
    Alert(
        "ChargewireTailLost",
        "critical",
        "0m",
        "increase(chargewire_tail_lost_total[15m]) > 0",
        "Records were gone before {{ $labels.instance }} had read them",
        "Commands or decisions were missed; the consumer `commands` gives such commands a result.",
        (
            "Look at the retention of `ocpp.commands`, `ocpp.decisions` and `ocpp.connections`: "
            "`chargewire topics apply --dry-run`.",
            "Did somebody delete records, or a topic?",
            "If the gateway stood still for so long: see ChargewireTailLag.",
        ),
    ),
    Alert(
        "ChargewireTailRestarts",
        "warning",
        "0m",
        "increase(chargewire_tail_restarts_total[30m]) > 3",
        "Reading the log broke {{ $value | humanize }} times for {{ $labels.instance }}",
        "Meanwhile no command and no decision reaches its stations.",
        (_KAFKA, _LOGS, "Look at limits of connections and quotas of the brokers."),
    ),
    Alert(
        "ChargewireSpansLost",
        "warning",
        "30m",
        "sum by (namespace, job) (rate(chargewire_spans_total[15m]))"
        " - sum by (namespace, job) (rate(chargewire_spans_sent_total[15m])) > 1",
        "{{ $value | humanize }} spans of traces a second are not taken",
        "Traces lack parts; nothing else suffers.",
        (
            "Is the collector of `CHARGEWIRE_TRACING` there, and does it take as much?",
            "The gateway's log names the error of sending.",
            "If nobody looks at traces, take the setting away.",
        ),
    ),
    Alert(
        "ChargewireMisrouted",
        "warning",
        "0m",
        "increase(chargewire_misrouted_total[15m]) > 0",
        "Someone writes records into a wrong partition, or with a wrong key",
        "They do not reach their station: commands end `invalid`, decisions count for nothing.",
        (
            "The gateway's log names the topic and the key.",
            "Find who writes it; with librdkafka its partitioner has to be `murmur2_random`.",
            "Does its prefix have the same number of partitions? `chargewire topics apply "
            "--dry-run`.",
        ),
    ),
    Alert(
        "ChargewireUnreadable",
        "warning",
        "0m",
        "increase(chargewire_unreadable_total[15m]) > 0",
        "Someone writes records that say nothing to {{ $labels.instance }}",
        "A decision, command or station record that no gateway can read has no effect.",
        (
            "`chargewire tail decisions --from 15m`, and the same with `commands` and `stations`, "
            "shows which.",
            "Is the writer newer than this gateway? Upgrade the gateway.",
            "Else its serializer: the schema id has to stand before the Avro body.",
        ),
    ),
)
