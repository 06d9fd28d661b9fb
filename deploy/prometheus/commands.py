"""What to be called for about commands and decisions, as gateways see them."""

from deploy.prometheus.alert import Alert, share_over

COMMANDS = (
    Alert(
        "ChargewireFallbacks",
        "warning",
        "10m",
        share_over(
            0.05,
            0.01,
            "sum by (namespace, job) (rate(chargewire_fallbacks_total[5m]))",
            'sum by (namespace, job) (rate(chargewire_decisions_total{outcome="taken"}[5m]))',
        ),
        "Calls are answered without the decision that was wanted",
        "The deciding service is away, or slower than `CHARGEWIRE_DECISION_TIME_S`: drivers are "
        "refused, or charge unasked, by what is configured.",
        (
            "Is the deciding service there, and how far behind is it? "
            "`chargewire_consumer_delay_seconds`.",
            "`chargewire_decisions_total`: `late` means slow, `invalid` means wrong (see "
            "ChargewireDecisionsInvalid), nothing at all means away.",
            "If it cannot be mended soon: take its actions out of `CHARGEWIRE_DECIDED`.",
        ),
    ),
    Alert(
        "ChargewireDecisionsInvalid",
        "warning",
        "0m",
        'sum by (namespace, job) (increase(chargewire_decisions_total{outcome="invalid"}[15m]))'
        " > 0",
        "A deciding service says what cannot be said to a station",
        "Its decision does not fit the schema of the station's version; the fallback was told.",
        (
            "`chargewire tail decisions --from 15m`: who decided, and what.",
            "Compare with the schema of the answer in the station's version.",
            "Go back to the version of the deciding service before.",
        ),
    ),
    Alert(
        "ChargewireCommandsUnanswered",
        "warning",
        "15m",
        "sum by (namespace, job) (rate(chargewire_command_results_total"
        '{outcome=~"timeout|connection_lost|bad_answer"}[15m])) > 0.005 + 0.2 *'
        " sum by (namespace, job) (rate(chargewire_command_results_total[15m]))",
        "One of five commands gets no answer that can be used",
        "Stations are connected and do not answer, or leave, or answer nonsense.",
        (
            "`chargewire tail command-results --from 15m`: which actions, which stations?",
            "One vendor or firmware: it does not know the action; ask it less, or otherwise.",
            "All kinds: is the way to them broken? See ChargewirePingsUnanswered.",
        ),
    ),
    Alert(
        "ChargewireCommandsExpire",
        "warning",
        "15m",
        'sum by (namespace, job) (rate(chargewire_command_results_total{outcome="expired"}[15m]))'
        " > 0.005 + 0.1 * sum by (namespace, job)"
        " (rate(chargewire_command_results_total[15m]))",
        "One of ten commands expires before its station could be asked",
        "A station is asked one thing at a time: too many wait, or their time is too short. Or "
        "Kafka takes so long that no claim is fresh.",
        (
            "`chargewire tail command-results --from 15m`: the description begins with `queued`, "
            "`queue_full`, `held` or `log_slow`; the runbook has what each of them means.",
            "`log_slow`: see ChargewireAcksSlow. Else look at `chargewire_commands` by state: many "
            "`held` wait for a first call, many `queued` for slow stations.",
            "Whoever writes them gives them more time (`expires_at`), or asks less.",
        ),
    ),
    Alert(
        "ChargewireSecretsMissing",
        "warning",
        "0m",
        "increase(chargewire_secrets_missing_total[15m]) > 0",
        "A command names a secret that {{ $labels.instance }} does not have",
        "Such commands end `invalid`; nothing went to the station.",
        (
            "`chargewire tail command-results --from 15m` names the secret.",
            "Is it in the folder of `CHARGEWIRE_SECRETS`, on every gateway, and readable?",
            "Then write the command again.",
        ),
    ),
    Alert(
        "ChargewireCopiesFail",
        "warning",
        "0m",
        "sum by (namespace, job, outcome)"
        ' (increase(chargewire_copies_total{outcome!="sent"}[15m])) > 5',
        "Results do not reach the reply topics that were asked for: {{ $labels.outcome }}",
        "The results are in `ocpp.command-results`; who waits on a topic of its own hears nothing.",
        (
            "The gateway's log names the topic.",
            "`no_topic`: it does not exist. `forbidden`: it is one of the contract's. `failed`: "
            "may the gateway's user write to it?",
            "`dropped`: more results than that topic takes; see ChargewireAcksSlow.",
        ),
    ),
)
