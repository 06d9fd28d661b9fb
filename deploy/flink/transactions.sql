-- Transactions in Flink SQL, from the topic of the consumer's table and from the events.
-- NOT TESTED here: no Flink was at hand. It is written for Flink 1.20 and 2.x with
-- flink-sql-connector-kafka and flink-sql-avro-confluent-registry in lib/.
--
-- Put in your own: kafka:9092, the prefix ocpp., and http://gateway:9100, which is a schema registry
-- or the admin port of a gateway. Flink's reader takes any choice of a record's fields, by name.

-- The rows as they change. A row comes again with every change: of a key the highest (generation,
-- revision) counts, which the view `sessions` keeps. Records without a value, which a rebuild writes
-- for rows that are gone, are passed over: after a rebuild, start the job anew.

CREATE TABLE transaction_rows (
    station STRING NOT NULL,
    transaction_id STRING NOT NULL,
    ordinal BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    id STRING,
    state STRING,
    evse BIGINT,
    connector BIGINT,
    token STRING,
    begin_ms TIMESTAMP(3),
    end_ms TIMESTAMP(3),
    duration_ms BIGINT,
    energy_wh STRING, -- exact; CAST(energy_wh AS DECIMAL(38, 9)) to reckon with it
    reason STRING,
    anomalies STRING
) WITH (
    'connector' = 'kafka',
    'topic' = 'ocpp.tables.transactions',
    'properties.bootstrap.servers' = 'kafka:9092',
    'properties.group.id' = 'flink-transactions',
    'scan.startup.mode' = 'earliest-offset',
    'format' = 'avro-confluent',
    'avro-confluent.url' = 'http://gateway:9100'
);

CREATE VIEW sessions AS
SELECT station, transaction_id, ordinal, id, state, token, begin_ms, end_ms,
    CAST(energy_wh AS DECIMAL(38, 9)) / 1000 AS energy_kwh, reason, anomalies
FROM (
    SELECT *, ROW_NUMBER() OVER (
        PARTITION BY station, transaction_id, ordinal ORDER BY generation DESC, revision DESC
    ) AS newest
    FROM transaction_rows
)
WHERE newest = 1;

-- Energy that each station has delivered, by day.

SELECT station, CAST(end_ms AS DATE) AS `day`, COUNT(*) AS sessions, SUM(energy_kwh) AS energy_kwh
FROM sessions
WHERE state = 'ended'
GROUP BY station, CAST(end_ms AS DATE);

-- Events as they come: alarms on stops that stations made for a reason of their own.

CREATE TABLE transaction_events (
    station STRING NOT NULL,
    epoch BIGINT NOT NULL,
    `sequence` BIGINT NOT NULL,
    kind STRING NOT NULL,
    action STRING NOT NULL,
    observed_at TIMESTAMP(3) NOT NULL,
    v16_stop_transaction_request ROW<transactionId BIGINT, meterStop BIGINT, reason STRING>,
    v2_transaction_event_request ROW<eventType STRING, seqNo BIGINT,
        transactionInfo ROW<transactionId STRING, stoppedReason STRING>>,
    WATERMARK FOR observed_at AS observed_at - INTERVAL '30' SECOND
) WITH (
    'connector' = 'kafka',
    'topic' = 'ocpp.transactions',
    'properties.bootstrap.servers' = 'kafka:9092',
    'properties.group.id' = 'flink-events',
    'scan.startup.mode' = 'earliest-offset',
    'format' = 'avro-confluent',
    'avro-confluent.url' = 'http://gateway:9100'
);

SELECT station, TUMBLE_START(observed_at, INTERVAL '10' MINUTE) AS since, COUNT(*) AS stops
FROM transaction_events
WHERE v16_stop_transaction_request.reason IN ('EmergencyStop', 'PowerLoss', 'Reboot')
    OR v2_transaction_event_request.transactionInfo.stoppedReason
        IN ('EmergencyStop', 'PowerLoss', 'GroundFault', 'OvercurrentFault')
GROUP BY station, TUMBLE(observed_at, INTERVAL '10' MINUTE);
