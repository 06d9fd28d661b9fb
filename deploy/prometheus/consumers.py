"""What to be called for about consumers: tables that stand still, lag, or lack something."""

from deploy.prometheus.alert import Alert

_LOGS = "Its log lines of that time say what broke."
_BEHIND = "max by (namespace, consumer) (chargewire_consumer_delay_seconds"
_LAG = "sum by (namespace, consumer) (chargewire_consumer_lag_records)"

FOLDING = (
    Alert(
        "ChargewireConsumerAbsent",
        "critical",
        "5m",
        "count by (namespace, consumer) (last_over_time(chargewire_consumer_partitions[1d]))"
        " unless count by (namespace, consumer) (chargewire_consumer_partitions)",
        "The consumer {{ $labels.consumer }} was there within a day, and is no more",
        "Its tables stand still. `authorizations` decides nothing either, and without `commands` "
        "some commands get no result.",
        (
            "Does it run? Look at its Deployment, or at the supervisor.",
            "If it ends again and again: the last lines of its log name the reason.",
            "If it runs: does `/metrics` on its port answer, and is it in Prometheus' list of "
            "targets?",
        ),
    ),
    Alert(
        "ChargewireConsumerNotReady",
        "critical",
        "5m",
        "max by (namespace, consumer) (chargewire_consumer_ready) == 0",
        "No instance of the consumer {{ $labels.consumer }} folds all that it should",
        "Its tables stand still, wholly or in part.",
        (
            "Ask `/readyz` of each instance: it says why.",
            "The database or Kafka is away: mend that; the consumer goes on by itself.",
            "A schema that is not known: upgrade the consumer. Another log: see "
            "[Consumers](operations.md#consumers).",
        ),
    ),
    Alert(
        "ChargewireConsumerPartitionsUnowned",
        "critical",
        "5m",
        "sum by (namespace, consumer) (chargewire_consumer_partitions)"
        " < max by (namespace, consumer) (chargewire_consumer_partitions_all)",
        "Only {{ $value }} partition numbers are folded by {{ $labels.consumer }}",
        "The stations of the others stand still in its tables.",
        (
            "Ask `/readyz` of each instance: one that waits may be holding partitions.",
            "Look at the group `<prefix>consume-<name>-<store>` in Kafka: is there a member of it "
            "that does not run any more, or is not in Prometheus?",
            "Restart the instance that says nothing.",
        ),
    ),
    Alert(
        "ChargewireConsumerDelayed",
        "warning",
        "10m",
        _BEHIND + ") > 60",
        "The tables of {{ $labels.consumer }} are {{ $value | humanizeDuration }} behind",
        "Who reads them sees what was.",
        (
            "Is it a rebuild, or the backlog of an outage? Its log tells how far it is.",
            "Is the store slow? `chargewire_consumer_commit_seconds`, see "
            "ChargewireConsumerCommitsSlow.",
            "With PostgreSQL, start more instances, up to the number of partitions.",
        ),
    ),
    Alert(
        "ChargewireDecidersDelayed",
        "critical",
        "2m",
        _BEHIND + '{consumer=~"authorizations|commands"}) > 5',
        "{{ $labels.consumer }} is {{ $value | humanizeDuration }} behind, which stations notice",
        "Decisions come too late, so that fallbacks are told; commands to stations that are away "
        "end late.",
        (
            "Is the store slow (`chargewire_consumer_commit_seconds`), or the process "
            "(`chargewire_consumer_loop_lag_seconds`)?",
            "With PostgreSQL, start more instances.",
            "Until then, take `Authorize` and the like out of `CHARGEWIRE_DECIDED` of the "
            "gateways, if their fallbacks at once are better than late ones.",
        ),
    ),
    Alert(
        "ChargewireConsumerLagGrows",
        "warning",
        "15m",
        f"{_LAG} > 10000 and sum by (namespace, consumer)"
        " (deriv(chargewire_consumer_lag_records[15m])) > 0",
        "{{ $labels.consumer }} is {{ $value }} records behind, and falls behind further",
        "It folds less than is written; it will not catch up by itself.",
        (
            "Is more written than usual? `rate(chargewire_frames_total[5m])` on the fleet's "
            "dashboard.",
            "Is the store slow? `chargewire_consumer_commit_seconds`.",
            "With PostgreSQL, start more instances; with SQLite, move to PostgreSQL.",
        ),
    ),
    Alert(
        "ChargewireConsumerStuck",
        "critical",
        "2m",
        f"{_LAG} > 0 and time() - max by (namespace, consumer)"
        " (chargewire_consumer_last_commit_timestamp_seconds) > 120",
        "{{ $labels.consumer }} commits nothing, and {{ $value }} records wait",
        "It runs, and its tables stand still.",
        (
            "Ask `/readyz`: it may say what it waits for.",
            "Look for locks in the store: `SELECT * FROM pg_stat_activity WHERE wait_event_type "
            "= 'Lock'`.",
            "Restart it; it goes on where its rows are.",
        ),
    ),
    Alert(
        "ChargewireConsumerPoison",
        "warning",
        "0m",
        "increase(chargewire_consumer_poison_total[15m]) > 0",
        "{{ $labels.consumer }} has set {{ $value | humanize }} records aside",
        "They are in the table `chargewire_poison`, and in no other; everything else goes on.",
        (
            "`SELECT consumer, topic, partition, position, reason FROM chargewire_poison`.",
            "Who wrote them? Only gateways, services of ours and the platform may write there.",
            "When the cause is mended, `--rebuild` folds them with the rest.",
        ),
    ),
    Alert(
        "ChargewireConsumerLost",
        "critical",
        "0m",
        "increase(chargewire_consumer_lost_total[15m]) > 0",
        "Records were gone before {{ $labels.consumer }} had folded them",
        "Its tables lack what was in them.",
        (
            "Look at the retention of the topics: `chargewire topics apply --dry-run`.",
            "Did the consumer stand still for longer than that?",
            "Back up its store: what the log lacks is there alone now, and a `--rebuild` would "
            "lose it. Note which days are incomplete.",
        ),
    ),
    Alert(
        "ChargewireConsumerWaitsForSchema",
        "critical",
        "5m",
        "chargewire_consumer_waiting > 0",
        "{{ $labels.consumer }} stands still at {{ $value }} topic partitions: a schema is not "
        "known",
        "It is older than who writes; nothing is lost, it waits.",
        (
            "Its log names the schema id and the topics.",
            "Upgrade the consumer to the version of the gateways.",
            "Ids below 1 000 000 000 are those of a registry: is `CHARGEWIRE_SCHEMA_REGISTRY` "
            "the same everywhere?",
        ),
    ),
    Alert(
        "ChargewireConsumerFencedOften",
        "warning",
        "0m",
        "increase(chargewire_consumer_fenced_total[30m]) > 5",
        "Instances of {{ $labels.consumer }} take partitions from each other all the time",
        "Nothing is counted twice, but little gets done.",
        (
            "How often does the group `<prefix>consume-<name>-<store>` rebalance? Kafka's log "
            "tells.",
            "Do instances stand still for long (`chargewire_consumer_loop_lag_seconds`), so that "
            "the group drops them?",
            "Is one more started with the same store that should not be?",
        ),
    ),
    Alert(
        "ChargewireConsumerRestarts",
        "warning",
        "0m",
        "increase(chargewire_consumer_restarts_total[30m]) > 5",
        "{{ $labels.consumer }} began anew {{ $value | humanize }} times: {{ $labels.reason }}",
        "Each time it reads again what was not committed.",
        (
            _LOGS,
            "`store`: is the database there, and has it room? `kafka`: are the brokers?",
            "`unexpected` is a mistake in chargewire: keep the traceback, and go back to the "
            "version before.",
        ),
    ),
    Alert(
        "ChargewireConsumerCommitsSlow",
        "warning",
        "15m",
        "histogram_quantile(0.95, sum by (namespace, consumer, le)"
        " (rate(chargewire_consumer_commit_seconds_bucket[10m]))) > 2.5",
        "The store of {{ $labels.consumer }} takes {{ $value | humanizeDuration }} for a commit",
        "Tables come late, and partitions may be taken away from an instance that takes so long.",
        (
            "Look at the database: disk, locks, autovacuum, connections.",
            "Is a rebuild or another large query under way?",
            "A smaller `CHARGEWIRE_BATCH_RECORDS` makes commits shorter, and more of them.",
        ),
    ),
    Alert(
        "ChargewireConsumerLoopLag",
        "warning",
        "10m",
        "histogram_quantile(0.99, sum by (namespace, consumer, instance, le)"
        " (rate(chargewire_consumer_loop_lag_seconds_bucket[5m]))) > 1",
        "{{ $labels.consumer }} on {{ $labels.instance }} has more to do than its core can",
        "All that it does beside its tables is late: decisions, results, rows on topics.",
        (
            "Is it a rebuild or a backlog? Then it ends by itself.",
            "Is its container held down by a limit of processor time?",
            "With PostgreSQL, start more instances.",
        ),
    ),
)
