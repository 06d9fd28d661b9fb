"""What to be called for about gateways and the stations that want to reach them."""

from deploy.prometheus.alert import Alert, share_over
from deploy.prometheus.recordings import ANSWERS_P99, CONNECTIONS

STATIONS = (
    Alert(
        "ChargewireGatewayAbsent",
        "critical",
        "5m",
        "absent(chargewire_build_info)",
        "No gateway tells Prometheus anything",
        "Either no gateway runs, and no station has anywhere to go; or Prometheus does not reach "
        "their admin ports.",
        (
            "Are there gateways? Look at the Deployment, or at the supervisor.",
            "If they run: does `/metrics` on the admin port answer, and is it in Prometheus' list "
            "of targets?",
            "If they end again and again: the last lines of their log name what is wrong, a "
            "setting or a topic, by name.",
        ),
    ),
    Alert(
        "ChargewireGatewayNotReady",
        "critical",
        "5m",
        "sum without (version) (chargewire_build_info) > chargewire_ready",
        "{{ $labels.instance }} runs, and takes no stations",
        "The gateway is alive and refuses every handshake: it waits for Kafka, does not read the "
        "log, or has been stopping for too long.",
        (
            "Ask `/readyz` on its admin port: it says why.",
            "`outage` or `waiting for Kafka`: go on with ChargewireOutage. `inbound`: its log "
            "lines name the error of Kafka's client.",
            "If others are ready, stations are served: restart this one.",
        ),
    ),
    Alert(
        "ChargewireGatewayRestarts",
        "warning",
        "0m",
        "changes(chargewire_start_time_seconds[30m]) > 2",
        "{{ $labels.instance }} was started {{ $value }} times in half an hour",
        "The process, or one of its workers, ends by itself; every time its stations connect anew.",
        (
            "Look at how it ended: the exit code, `OOMKilled`, the last lines of its log.",
            "Compare `chargewire_memory_bytes` before the end with its limit.",
            "If it began with a new version or setting, go back to the one before.",
        ),
    ),
    Alert(
        "ChargewireConnectionsDropped",
        "critical",
        "2m",
        f"{CONNECTIONS} < 0.7 * max_over_time({CONNECTIONS}[15m])"
        f" and max_over_time({CONNECTIONS}[15m]) > 20",
        "A third of the stations has gone within a quarter of an hour",
        "So many stations do not leave by chance: a gateway, a load balancer, a network or a "
        "mobile operator is away. Stations keep what they have to say for some time.",
        (
            "On the fleet's dashboard: of one gateway, or of all? With which close codes "
            "(`chargewire_disconnects_total`)?",
            "1013: Kafka, see ChargewireOutage. 1006 of many at once: the network, the load "
            "balancer, its certificate or its idle limit.",
            "Look at `chargewire_refusals_total`: do they try to come back, and why do they not "
            "get in?",
        ),
    ),
    Alert(
        "ChargewireConnectionsNearLimit",
        "warning",
        "10m",
        "sum without (version) (chargewire_connections) / chargewire_connections_max > 0.85",
        "{{ $labels.instance }} holds {{ $value | humanizePercentage }} of what it may",
        "Soon it refuses stations (503, `connections_max`).",
        (
            "Are they spread evenly? After a rolling restart some gateways hold more: stations "
            "that reconnect even that out.",
            "Start more gateways, or more workers.",
            "Where memory and processor allow it, raise `CHARGEWIRE_CONNECTIONS_MAX`.",
        ),
    ),
    Alert(
        "ChargewireRefusalsSurge",
        "warning",
        "10m",
        "sum by (namespace, job, reason)"
        ' (rate(chargewire_refusals_total{reason!~"outage|stopping"}[5m])) > 1',
        "More than one handshake a second is refused: {{ $labels.reason }}",
        "Stations want to come in, and do not get in. Refusals in an outage are told by "
        "ChargewireOutage.",
        (
            "`chargewire tail refusals --from 15m` shows who and from where; what a reason means "
            "is [here](reference.md#what-a-station-sees).",
            "`connections_max`, `handshakes_max`: too few gateways. `takeovers`: see "
            "ChargewireStationTwice.",
            "All other reasons: one vendor, or one address? Then something there was changed; "
            "else the path or the proxy before the gateways.",
        ),
    ),
    Alert(
        "ChargewireStationTwice",
        "warning",
        "0m",
        "sum by (namespace, job)"
        ' (increase(chargewire_refusals_total{reason="takeovers"}[15m])) > 10',
        "Connections of one station replace each other all the time",
        "Most likely two boxes have one id. Neither works, and what they say is mixed under one "
        "name.",
        (
            "`chargewire tail refusals --from 15m`: the id, and the addresses that it comes from.",
            "`chargewire tail STATION --from 1h`: do serial numbers and vendors alternate?",
            "Give one of them an id of its own; until then keep one of the addresses out.",
        ),
    ),
    Alert(
        "ChargewireTakeoversSurge",
        "warning",
        "5m",
        "sum by (namespace, job) (increase(chargewire_takeovers_total[15m]))"
        f" > 20 + 0.5 * {CONNECTIONS}",
        "Half of the stations have connected anew while their old connection was still open",
        "Their connections break without the gateway's noticing: something in between forgets "
        "them.",
        (
            "Compare the times with changes of the load balancer, firewall or mobile network.",
            "Its idle limit has to be longer than `CHARGEWIRE_PING_INTERVAL_S`.",
            "Are the addresses of one operator or one region alone? `chargewire tail connections "
            "--from 15m`.",
        ),
    ),
    Alert(
        "ChargewirePingsUnanswered",
        "warning",
        "5m",
        'sum by (namespace, job) (increase(chargewire_disconnects_total{code="1011"}[15m]))'
        f" > 10 + 0.1 * {CONNECTIONS}",
        "One station in ten was closed since it answered no ping",
        "Either the way to them is broken, or these stations never answer pings, and are closed "
        "for nothing.",
        (
            "`chargewire tail connections --from 15m`: which stations, of which vendor?",
            "One vendor that was always like that: `ping_interval_s` 0 in `ocpp.stations`.",
            "All kinds: the network between; compare with ChargewireConnectionsDropped.",
        ),
    ),
    Alert(
        "ChargewireDeadLettersSurge",
        "warning",
        "15m",
        share_over(
            0.02,
            0.05,
            "sum by (namespace, job) (rate(chargewire_dead_letters_total[10m]))",
            "sum by (namespace, job)"
            ' (rate(chargewire_frames_total{direction="from_station"}[10m]))',
        ),
        "More than two of a hundred frames cannot be taken",
        "Stations hear errors where they expect answers, and what they said is in `ocpp.rejected` "
        "alone: no table has it.",
        (
            "`chargewire tail rejected --from 15m`: rule, path and station.",
            "One rule of one vendor: if it is a habit that can be lived with, bend the rule "
            "(`quirks` in `ocpp.stations`).",
            "Many at once after an upgrade of ours: go back, and keep an example.",
        ),
    ),
    Alert(
        "ChargewireAnswersSlow",
        "warning",
        "10m",
        f"{ANSWERS_P99} > 5",
        "One of a hundred calls waits {{ $value | humanizeDuration }} for its answer",
        "Stations give a call up after about 30 s, count it as failed, and say it again: more "
        "load, in the worst moment.",
        (
            "On the gateways' dashboard: which actions? Only decided ones: the deciding service, "
            "see ChargewireFallbacks.",
            "All: is `chargewire_ack_seconds` slow (Kafka), or `chargewire_loop_lag_seconds` "
            "(too much for this core)?",
            "Kafka: see ChargewireAcksSlow. The core: more gateways or workers.",
        ),
    ),
)

PROCESS = (
    Alert(
        "ChargewireLoopLag",
        "warning",
        "10m",
        "histogram_quantile(0.99, sum by (namespace, job, instance, le)"
        " (rate(chargewire_loop_lag_seconds_bucket[5m]))) > 0.25",
        "{{ $labels.instance }} has more to do than its core can",
        "Everything it does is late by {{ $value | humanizeDuration }}.",
        (
            "Is `rate(chargewire_cpu_seconds_total[5m])` near the number of workers, or is it "
            "held down by a limit of its container?",
            "More gateways, or `CHARGEWIRE_WORKERS`, one for each core.",
            "If the load is an ordinary one: which stations say so much? "
            "`chargewire_frames_total` by action.",
        ),
    ),
    Alert(
        "ChargewireSocketsPaused",
        "warning",
        "10m",
        "chargewire_paused > 5 + 0.05 * sum without (version) (chargewire_connections)",
        "{{ $labels.instance }} does not read {{ $value }} of its sockets",
        "Their stations said more than is answered yet, or too many events are under way.",
        (
            "Is `chargewire_events_in_flight` near its limit? Then see ChargewireAcksSlow.",
            "Are calls waiting for decisions? See ChargewireFallbacks.",
            "Else these stations say far too much at once: `chargewire_pipelined_total`, and "
            "`chargewire tail --from 5m`.",
        ),
    ),
    Alert(
        "ChargewireOpenFilesNearLimit",
        "warning",
        "5m",
        "chargewire_open_files / chargewire_open_files_max > 0.85",
        "{{ $labels.instance }} has {{ $value | humanizePercentage }} of the files open that it "
        "may",
        "At the limit it can take no further station, nor reach Kafka anew.",
        (
            "Compare with `chargewire_connections`: each is one file.",
            "Raise the limit (`ulimit -n`, `LimitNOFILE`, the container runtime) above "
            "`CHARGEWIRE_CONNECTIONS_MAX`.",
            "If there are far more files than connections, something leaks: restart it, and keep "
            "`ls -l /proc/PID/fd`.",
        ),
    ),
)
