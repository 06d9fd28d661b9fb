-- The transactions of the consumer in ClickHouse: one row each, whatever the version, whatever went
-- wrong, kept up to date from the topic of its table.
-- Tested: tests/end_to_end/test_clickhouse.py runs this file with the engine of chdb against a real
-- Kafka and a gateway as the schema registry.
--
-- Put in your own: kafka:9092, the prefix ocpp., and http://gateway:9100, which is a schema
-- registry or the admin port of a gateway. A row comes again with every change: of a key the highest
-- (generation, revision) counts, whatever order they arrive in. Records without a value, which a
-- rebuild writes for rows that are gone, are passed over: after a rebuild, empty the table and let
-- the group read from the beginning.

CREATE DATABASE IF NOT EXISTS chargewire;

CREATE TABLE chargewire.transactions
(
    station LowCardinality(String),
    transaction_id String,
    ordinal Int64,
    version UInt128,
    id String,
    state LowCardinality(String),
    evse Nullable(Int64),
    connector Nullable(Int64),
    token Nullable(String),
    token_group Nullable(String),
    began_at Nullable(DateTime64(3, 'UTC')),
    ended_at Nullable(DateTime64(3, 'UTC')),
    began_observed_at Nullable(DateTime64(3, 'UTC')),
    ended_observed_at Nullable(DateTime64(3, 'UTC')),
    duration_s Nullable(Float64),
    energy_wh Nullable(Decimal(38, 9)),
    meter_begin_wh Nullable(Decimal(38, 9)),
    meter_end_wh Nullable(Decimal(38, 9)),
    reason LowCardinality(Nullable(String)),
    anomalies Array(LowCardinality(String))
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (station, transaction_id, ordinal);

CREATE TABLE chargewire.transactions_topic
(
    station String,
    transaction_id String,
    ordinal Int64,
    generation Int64,
    revision Int64,
    id Nullable(String),
    state Nullable(String),
    evse Nullable(Int64),
    connector Nullable(Int64),
    token Nullable(String),
    token_group Nullable(String),
    begin_ms Nullable(DateTime64(3, 'UTC')),
    end_ms Nullable(DateTime64(3, 'UTC')),
    begin_observed_ms Nullable(DateTime64(3, 'UTC')),
    end_observed_ms Nullable(DateTime64(3, 'UTC')),
    duration_ms Nullable(Int64),
    energy_wh Nullable(String),
    meter_begin_wh Nullable(String),
    meter_end_wh Nullable(String),
    reason Nullable(String),
    anomalies Nullable(String)
)
ENGINE = Kafka
SETTINGS
    kafka_broker_list = 'kafka:9092',
    kafka_topic_list = 'ocpp.tables.transactions',
    kafka_group_name = 'clickhouse-transactions',
    kafka_format = 'AvroConfluent',
    kafka_flush_interval_ms = 2000,
    kafka_handle_error_mode = 'stream',
    format_avro_schema_registry_url = 'http://gateway:9100';

CREATE MATERIALIZED VIEW chargewire.transactions_follow TO chargewire.transactions
AS SELECT
    station, transaction_id, ordinal,
    bitShiftLeft(toUInt128(generation), 64) + toUInt128(revision) AS version,
    ifNull(id, '') AS id,
    ifNull(state, '') AS state,
    evse, connector, token, token_group,
    begin_ms AS began_at,
    end_ms AS ended_at,
    begin_observed_ms AS began_observed_at,
    end_observed_ms AS ended_observed_at,
    duration_ms / 1000 AS duration_s,
    toDecimal128OrNull(energy_wh, 9) AS energy_wh,
    toDecimal128OrNull(meter_begin_wh, 9) AS meter_begin_wh,
    toDecimal128OrNull(meter_end_wh, 9) AS meter_end_wh,
    reason,
    splitByChar(' ', ifNull(anomalies, '')) AS anomalies
FROM chargewire.transactions_topic
WHERE _error = '';

-- What could not be read, and why.

CREATE TABLE chargewire.transactions_unread
(
    partition Int32,
    position Int64,
    key String,
    error String,
    raw String
)
ENGINE = ReplacingMergeTree
ORDER BY (partition, position);

CREATE MATERIALIZED VIEW chargewire.transactions_unread_follow TO chargewire.transactions_unread
AS SELECT _partition AS partition, _offset AS position, _key AS key, _error AS error,
    base64Encode(_raw_message) AS raw
FROM chargewire.transactions_topic
WHERE _error != '';

-- The charging sessions as they are now, for analysts.

CREATE VIEW chargewire.sessions
AS SELECT * EXCEPT (version, energy_wh, meter_begin_wh, meter_end_wh),
    energy_wh / 1000 AS energy_kwh,
    meter_begin_wh / 1000 AS meter_begin_kwh,
    meter_end_wh / 1000 AS meter_end_kwh
FROM chargewire.transactions FINAL;
