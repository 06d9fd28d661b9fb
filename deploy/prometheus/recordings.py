"""The series that Prometheus keeps, since alerts look back on them."""

from deploy.prometheus.alert import Recording

CONNECTIONS = "job:chargewire_connections:sum"
ANSWERS_P99 = "job:chargewire_answer_seconds:p99_5m"
ACKS_P99 = "instance:chargewire_ack_seconds:p99_5m"

RECORDINGS = (
    Recording(CONNECTIONS, "sum by (namespace, job) (chargewire_connections)"),
    Recording(
        ANSWERS_P99,
        "histogram_quantile(0.99, sum by (namespace, job, le)"
        " (rate(chargewire_answer_seconds_bucket[5m])))",
    ),
    Recording(
        ACKS_P99,
        "histogram_quantile(0.99, sum by (namespace, job, instance, le)"
        " (rate(chargewire_ack_seconds_bucket[5m])))",
    ),
)
