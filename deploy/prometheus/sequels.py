"""What to be called for about what consumers do beside their tables: decide, ask, publish."""

from deploy.prometheus.alert import Alert, share_over

SEQUELS = (
    Alert(
        "ChargewireSequelsFail",
        "warning",
        "0m",
        "increase(chargewire_consumer_sequel_failures_total[15m]) > 5",
        "What {{ $labels.consumer }} does beside its tables failed {{ $value | humanize }} times",
        "Its tables are right; decisions, results, local lists or rows on topics may be late.",
        (
            "Its log names the sequel and the error.",
            "Is Kafka slow, or does a topic lack? `chargewire topics apply --dry-run`.",
            "Is the store slow? See ChargewireConsumerCommitsSlow.",
        ),
    ),
    Alert(
        "ChargewireConsumerWritesFail",
        "warning",
        "0m",
        "increase(chargewire_consumer_produce_failures_total[15m]) > 0",
        "{{ $value | humanize }} records of {{ $labels.consumer }} were not written",
        "Most likely decisions: the gateways told their fallback instead.",
        (
            "Its log names topic and error.",
            "May its user write to that topic?",
            "Are the brokers well? See ChargewireAcksSlow.",
        ),
    ),
    Alert(
        "ChargewireOutboxGrows",
        "warning",
        "15m",
        "sum by (namespace, consumer) (chargewire_consumer_outbox_rows) > 10000 and"
        " sum by (namespace, consumer) (deriv(chargewire_consumer_outbox_rows[15m])) > 0",
        "{{ $value }} changed rows of {{ $labels.consumer }} are not on their topics",
        "Who reads `ocpp.tables.*` sees what was. After a rebuild this is usual, for a while.",
        (
            "Does `chargewire_consumer_published_total` rise? Then it works through them.",
            "Does `chargewire_consumer_sequel_failures_total` rise? Its log says why.",
            "Are the topics there? `chargewire topics apply --dry-run`.",
        ),
    ),
    Alert(
        "ChargewireDecisionsLate",
        "warning",
        "10m",
        share_over(
            0.05,
            0.01,
            "sum by (namespace) (rate(chargewire_authorizations_late_total[5m]))",
            "sum by (namespace) (rate(chargewire_authorizations_decisions_total[5m]))",
        ),
        "Calls reach the consumer authorizations too late to decide about them",
        "The gateways told their fallback: drivers are refused, or charge unasked.",
        (
            "How far behind is it? See ChargewireDecidersDelayed.",
            "Do clocks agree? Deadlines are those of the gateways.",
            "With PostgreSQL, start more instances.",
        ),
    ),
    Alert(
        "ChargewireDecisionsSlow",
        "warning",
        "10m",
        "histogram_quantile(0.99, sum by (namespace, le)"
        " (rate(chargewire_authorizations_decision_seconds_bucket[5m]))) > 2",
        "One of a hundred decisions takes {{ $value | humanizeDuration }}",
        "Drivers wait at the station; at `CHARGEWIRE_DECISION_TIME_S` (5 s) the fallback is told.",
        (
            "Is Kafka slow (`chargewire_ack_seconds`)? A decision is two ways through it.",
            "Is the store slow (`chargewire_consumer_commit_seconds`)?",
            "Is `CHARGEWIRE_GATHER_MS` of the gateways too large?",
        ),
    ),
    Alert(
        "ChargewireTokensUnknown",
        "warning",
        "30m",
        "sum by (namespace) (rate(chargewire_authorizations_unknown_tokens_total[30m]))"
        " > 0.005 + 0.5 * sum by (namespace)"
        " (rate(chargewire_authorizations_decisions_total[30m]))",
        "Nobody knows half of the tokens that stations ask about",
        "Most likely tokens are missing in `ocpp.id-tokens`: drivers are refused.",
        (
            "`chargewire tokens list --unknown`: which, and where?",
            "Does the platform still write tokens? `chargewire tail id-tokens --from 1h`.",
            "Were topics made anew? The platform has to write all tokens again.",
        ),
    ),
    Alert(
        "ChargewireGatewayLost",
        "warning",
        "0m",
        "sum by (namespace) (increase(chargewire_commands_gateways_lost_total[15m])) > 0",
        "A gateway has gone without a word",
        "It was killed, or cut off from Kafka; its connections were closed in the log for it. "
        "Its stations have connected elsewhere, or will.",
        (
            "The log of the consumer `commands` names it.",
            "Look at how it ended: `OOMKilled`, a node that is away, a grace period shorter than "
            "`CHARGEWIRE_DRAIN_TIME_S`.",
            "If it still runs, it has no way to Kafka: see ChargewireOutage.",
        ),
    ),
    Alert(
        "ChargewireCommandsPile",
        "warning",
        "15m",
        'max by (namespace, state) (chargewire_commands_open{state!="waiting"}) > 1000',
        "{{ $value }} commands are {{ $labels.state }}, and have no result",
        "More are asked than stations answer, or results are not written.",
        (
            "Does `chargewire_commands_results_total` rise? If not, the consumer's log says why.",
            "`chargewire tail commands --from 15m`: who asks so much?",
            "Do stations answer? See ChargewireCommandsUnanswered.",
        ),
    ),
    Alert(
        "ChargewireLocalListsBehind",
        "warning",
        "2h",
        "sum by (namespace)"
        ' (chargewire_local_lists_stations{state="behind"}) > 5 + 0.2 *'
        " sum by (namespace) (chargewire_local_lists_stations)",
        "{{ $value }} connected stations have another local list than they should",
        "While they are offline they accept and refuse the wrong tokens.",
        (
            "`chargewire tokens lists` shows how far each is, and its last answer.",
            "Does `chargewire_local_lists_commands_total` rise? If not, the log of the consumer "
            "authorizations says why.",
            "One vendor: does it take lists at all? Put its stations' lists off.",
        ),
    ),
    Alert(
        "ChargewireLocalListsStuck",
        "warning",
        "0m",
        "sum by (namespace) (increase(chargewire_local_lists_stuck_total[1h])) > 3",
        "Stations take their local list, and do not have it afterwards",
        "They are asked again once an hour only.",
        (
            "The log of the consumer authorizations names the stations.",
            "`chargewire tail STATION --from 1h`: what do they answer?",
            "Most likely their firmware: try one with an empty list, then report it.",
        ),
    ),
    Alert(
        "ChargewireLocalListsCut",
        "warning",
        "1h",
        "sum by (namespace) (chargewire_local_lists_cut) > 0",
        "The local lists of {{ $value }} stations cannot hold all their tokens",
        "The rest is refused while they are offline.",
        (
            "`chargewire tokens lists` shows which.",
            "Which tokens belong there? Name groups of stations in the tokens' `lists`.",
            "A larger list may be a setting of the station (`LocalAuthListMaxLength`).",
        ),
    ),
)
