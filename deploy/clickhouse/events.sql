-- Charging and metering in ClickHouse, straight from the events on Kafka.
-- Tested: tests/end_to_end/test_clickhouse.py runs this file with the engine of chdb against a real
-- Kafka and a gateway as the schema registry.
--
-- Put in your own: kafka:9092, the prefix ocpp., and http://gateway:9100, which is a schema
-- registry or the admin port of a gateway. The columns of the tables *_topic are written by
-- `make dashboards`: a record within a record has to be declared whole. So where a newer chargewire
-- has more fields (its changelog says so), create these tables anew; they read on where they were.
-- What comes twice is one row once ClickHouse has merged, or with FINAL.

CREATE DATABASE IF NOT EXISTS chargewire;

-- Every frame of the transactions block, both versions in the same columns as far as they say the
-- same. Energy of 2.x is among the meter values; the consumer's table has it sorted out.

CREATE TABLE chargewire.transaction_events
(
    station LowCardinality(String),
    epoch Int64,
    sequence Int64,
    call_sequence Nullable(Int64),
    ocpp_version LowCardinality(String),
    kind LowCardinality(String),
    action LowCardinality(String),
    observed_at DateTime64(3, 'UTC'),
    told_at Nullable(DateTime64(3, 'UTC')),
    event_type LowCardinality(Nullable(String)),
    trigger LowCardinality(Nullable(String)),
    seq_no Nullable(Int64),
    transaction_id Nullable(String),
    evse Nullable(Int64),
    connector Nullable(Int64),
    token Nullable(String),
    status LowCardinality(Nullable(String)),
    meter_wh Nullable(Int64),
    reason LowCardinality(Nullable(String)),
    charging_state LowCardinality(Nullable(String)),
    offline Nullable(Bool),
    deviations Array(LowCardinality(String))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(observed_at)
ORDER BY (station, epoch, sequence);

CREATE TABLE chargewire.transaction_events_topic
(
    -- columns of transactions: station epoch sequence call_sequence ocpp_version kind action observed_at deviations v16_start_transaction_request v16_start_transaction_response v16_stop_transaction_request v2_transaction_event_request v2_transaction_event_response
    station String,
    epoch Int64,
    sequence Int64,
    call_sequence Nullable(Int64),
    ocpp_version String,
    kind String,
    action String,
    observed_at DateTime64(3, 'UTC'),
    deviations Array(String),
    v16_start_transaction_request Tuple(connectorId Nullable(Int64), idTag Nullable(String),
        meterStart Nullable(Int64), reservationId Nullable(Int64), timestamp
        Nullable(DateTime64(3, 'UTC')), extra Nullable(String)),
    v16_start_transaction_response Tuple(idTagInfo Tuple(expiryDate Nullable(DateTime64(3,
        'UTC')), parentIdTag Nullable(String), status Nullable(String), extra Nullable(String)),
        transactionId Nullable(Int64), extra Nullable(String)),
    v16_stop_transaction_request Tuple(idTag Nullable(String), meterStop Nullable(Int64),
        timestamp Nullable(DateTime64(3, 'UTC')), transactionId Nullable(Int64), reason
        Nullable(String), transactionData Array(Tuple(timestamp Nullable(DateTime64(3, 'UTC')),
        sampledValue Array(Tuple(value Nullable(String), context Nullable(String), format
        Nullable(String), measurand Nullable(String), phase Nullable(String), location
        Nullable(String), unit Nullable(String), extra Nullable(String))), extra
        Nullable(String))), extra Nullable(String)),
    v2_transaction_event_request Tuple(customData Nullable(String), eventType Nullable(String),
        meterValue Array(Tuple(customData Nullable(String), sampledValue Array(Tuple(customData
        Nullable(String), value Nullable(Float64), context Nullable(String), measurand
        Nullable(String), phase Nullable(String), location Nullable(String), signedMeterValue
        Tuple(customData Nullable(String), signedMeterData Nullable(String), signingMethod
        Nullable(String), encodingMethod Nullable(String), publicKey Nullable(String), extra
        Nullable(String)), unitOfMeasure Tuple(customData Nullable(String), unit
        Nullable(String), multiplier Nullable(Int64), extra Nullable(String)), extra
        Nullable(String))), timestamp Nullable(DateTime64(3, 'UTC')), extra Nullable(String))),
        timestamp Nullable(DateTime64(3, 'UTC')), triggerReason Nullable(String), seqNo
        Nullable(Int64), offline Nullable(Bool), numberOfPhasesUsed Nullable(Int64),
        cableMaxCurrent Nullable(Int64), reservationId Nullable(Int64), transactionInfo
        Tuple(customData Nullable(String), transactionId Nullable(String), chargingState
        Nullable(String), timeSpentCharging Nullable(Int64), stoppedReason Nullable(String),
        remoteStartId Nullable(Int64), operationMode Nullable(String), tariffId
        Nullable(String), transactionLimit Tuple(maxCost Nullable(Float64), maxEnergy
        Nullable(Float64), maxTime Nullable(Int64), maxSoC Nullable(Int64), customData
        Nullable(String), extra Nullable(String)), extra Nullable(String)), evse
        Tuple(customData Nullable(String), id Nullable(Int64), connectorId Nullable(Int64),
        extra Nullable(String)), idToken Tuple(customData Nullable(String), additionalInfo
        Array(Tuple(customData Nullable(String), additionalIdToken Nullable(String), type
        Nullable(String), extra Nullable(String))), idToken Nullable(String), type
        Nullable(String), extra Nullable(String)), costDetails Tuple(chargingPeriods
        Array(Tuple(dimensions Array(Tuple(type Nullable(String), volume Nullable(Float64),
        customData Nullable(String), extra Nullable(String))), tariffId Nullable(String),
        startPeriod Nullable(DateTime64(3, 'UTC')), customData Nullable(String), extra
        Nullable(String))), totalCost Tuple(currency Nullable(String), typeOfCost
        Nullable(String), fixed Tuple(exclTax Nullable(Float64), inclTax Nullable(Float64),
        taxRates Array(Tuple(type Nullable(String), tax Nullable(Float64), stack
        Nullable(Int64), customData Nullable(String), extra Nullable(String))), customData
        Nullable(String), extra Nullable(String)), energy Tuple(exclTax Nullable(Float64),
        inclTax Nullable(Float64), taxRates Array(Tuple(type Nullable(String), tax
        Nullable(Float64), stack Nullable(Int64), customData Nullable(String), extra
        Nullable(String))), customData Nullable(String), extra Nullable(String)), chargingTime
        Tuple(exclTax Nullable(Float64), inclTax Nullable(Float64), taxRates Array(Tuple(type
        Nullable(String), tax Nullable(Float64), stack Nullable(Int64), customData
        Nullable(String), extra Nullable(String))), customData Nullable(String), extra
        Nullable(String)), idleTime Tuple(exclTax Nullable(Float64), inclTax Nullable(Float64),
        taxRates Array(Tuple(type Nullable(String), tax Nullable(Float64), stack
        Nullable(Int64), customData Nullable(String), extra Nullable(String))), customData
        Nullable(String), extra Nullable(String)), reservationTime Tuple(exclTax
        Nullable(Float64), inclTax Nullable(Float64), taxRates Array(Tuple(type
        Nullable(String), tax Nullable(Float64), stack Nullable(Int64), customData
        Nullable(String), extra Nullable(String))), customData Nullable(String), extra
        Nullable(String)), reservationFixed Tuple(exclTax Nullable(Float64), inclTax
        Nullable(Float64), taxRates Array(Tuple(type Nullable(String), tax Nullable(Float64),
        stack Nullable(Int64), customData Nullable(String), extra Nullable(String))), customData
        Nullable(String), extra Nullable(String)), total Tuple(exclTax Nullable(Float64),
        inclTax Nullable(Float64), customData Nullable(String), extra Nullable(String)),
        customData Nullable(String), extra Nullable(String)), totalUsage Tuple(energy
        Nullable(Float64), chargingTime Nullable(Int64), idleTime Nullable(Int64),
        reservationTime Nullable(Int64), customData Nullable(String), extra Nullable(String)),
        failureToCalculate Nullable(Bool), failureReason Nullable(String), customData
        Nullable(String), extra Nullable(String)), preconditioningStatus Nullable(String),
        evseSleep Nullable(Bool), extra Nullable(String)),
    v2_transaction_event_response Tuple(customData Nullable(String), totalCost
        Nullable(Float64), chargingPriority Nullable(Int64), idTokenInfo Tuple(customData
        Nullable(String), status Nullable(String), cacheExpiryDateTime Nullable(DateTime64(3,
        'UTC')), chargingPriority Nullable(Int64), language1 Nullable(String), evseId
        Array(Int64), groupIdToken Tuple(customData Nullable(String), additionalInfo
        Array(Tuple(customData Nullable(String), additionalIdToken Nullable(String), type
        Nullable(String), extra Nullable(String))), idToken Nullable(String), type
        Nullable(String), extra Nullable(String)), language2 Nullable(String), personalMessage
        Tuple(customData Nullable(String), format Nullable(String), language Nullable(String),
        content Nullable(String), extra Nullable(String)), extra Nullable(String)),
        updatedPersonalMessage Tuple(customData Nullable(String), format Nullable(String),
        language Nullable(String), content Nullable(String), extra Nullable(String)),
        transactionLimit Tuple(maxCost Nullable(Float64), maxEnergy Nullable(Float64), maxTime
        Nullable(Int64), maxSoC Nullable(Int64), customData Nullable(String), extra
        Nullable(String)), updatedPersonalMessageExtra Array(Tuple(customData Nullable(String),
        format Nullable(String), language Nullable(String), content Nullable(String), extra
        Nullable(String))), extra Nullable(String))
    -- end
)
ENGINE = Kafka
SETTINGS
    kafka_broker_list = 'kafka:9092',
    kafka_topic_list = 'ocpp.transactions',
    kafka_group_name = 'clickhouse-transaction-events',
    kafka_format = 'AvroConfluent',
    kafka_flush_interval_ms = 2000,
    format_avro_schema_registry_url = 'http://gateway:9100';

CREATE MATERIALIZED VIEW chargewire.transaction_events_follow TO chargewire.transaction_events
AS SELECT
    station, epoch, sequence, call_sequence, ocpp_version, kind, action, observed_at, deviations,
    coalesce(
        v16_start_transaction_request.timestamp,
        v16_stop_transaction_request.timestamp,
        v2_transaction_event_request.timestamp
    ) AS told_at,
    v2_transaction_event_request.eventType AS event_type,
    v2_transaction_event_request.triggerReason AS trigger,
    v2_transaction_event_request.seqNo AS seq_no,
    coalesce(
        v2_transaction_event_request.transactionInfo.transactionId,
        toString(v16_start_transaction_response.transactionId),
        toString(v16_stop_transaction_request.transactionId)
    ) AS transaction_id,
    v2_transaction_event_request.evse.id AS evse,
    coalesce(
        v16_start_transaction_request.connectorId,
        v2_transaction_event_request.evse.connectorId
    ) AS connector,
    coalesce(
        v16_start_transaction_request.idTag,
        v16_stop_transaction_request.idTag,
        v2_transaction_event_request.idToken.idToken
    ) AS token,
    coalesce(
        v16_start_transaction_response.idTagInfo.status,
        v2_transaction_event_response.idTokenInfo.status
    ) AS status,
    coalesce(
        v16_start_transaction_request.meterStart,
        v16_stop_transaction_request.meterStop
    ) AS meter_wh,
    coalesce(
        v16_stop_transaction_request.reason,
        v2_transaction_event_request.transactionInfo.stoppedReason
    ) AS reason,
    v2_transaction_event_request.transactionInfo.chargingState AS charging_state,
    v2_transaction_event_request.offline AS offline
FROM chargewire.transaction_events_topic;

-- One row for each value of MeterValues, as sent: a value that is no number, or a signed one, is
-- in raw. The consumer meter-readings has units and defaults sorted out; this is what was said.

CREATE TABLE chargewire.meter_values
(
    station LowCardinality(String),
    epoch Int64,
    sequence Int64,
    sample_no UInt32,
    observed_at DateTime64(3, 'UTC'),
    told_at Nullable(DateTime64(3, 'UTC')),
    transaction_id Nullable(Int64),
    evse Nullable(Int64),
    connector Nullable(Int64),
    measurand LowCardinality(String),
    phase LowCardinality(Nullable(String)),
    location LowCardinality(Nullable(String)),
    context LowCardinality(Nullable(String)),
    unit LowCardinality(Nullable(String)),
    raw String,
    value Nullable(Float64)
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(observed_at)
ORDER BY (station, epoch, sequence, sample_no);

CREATE TABLE chargewire.meter_values_topic
(
    -- columns of metering: station epoch sequence observed_at v16_meter_values_request v2_meter_values_request
    station String,
    epoch Int64,
    sequence Int64,
    observed_at DateTime64(3, 'UTC'),
    v16_meter_values_request Tuple(connectorId Nullable(Int64), transactionId Nullable(Int64),
        meterValue Array(Tuple(timestamp Nullable(DateTime64(3, 'UTC')), sampledValue
        Array(Tuple(value Nullable(String), context Nullable(String), format Nullable(String),
        measurand Nullable(String), phase Nullable(String), location Nullable(String), unit
        Nullable(String), extra Nullable(String))), extra Nullable(String))), extra
        Nullable(String)),
    v2_meter_values_request Tuple(customData Nullable(String), evseId Nullable(Int64),
        meterValue Array(Tuple(customData Nullable(String), sampledValue Array(Tuple(customData
        Nullable(String), value Nullable(Float64), context Nullable(String), measurand
        Nullable(String), phase Nullable(String), location Nullable(String), signedMeterValue
        Tuple(customData Nullable(String), signedMeterData Nullable(String), signingMethod
        Nullable(String), encodingMethod Nullable(String), publicKey Nullable(String), extra
        Nullable(String)), unitOfMeasure Tuple(customData Nullable(String), unit
        Nullable(String), multiplier Nullable(Int64), extra Nullable(String)), extra
        Nullable(String))), timestamp Nullable(DateTime64(3, 'UTC')), extra Nullable(String))),
        extra Nullable(String))
    -- end
)
ENGINE = Kafka
SETTINGS
    kafka_broker_list = 'kafka:9092',
    kafka_topic_list = 'ocpp.metering',
    kafka_group_name = 'clickhouse-meter-values',
    kafka_format = 'AvroConfluent',
    kafka_flush_interval_ms = 2000,
    format_avro_schema_registry_url = 'http://gateway:9100';

CREATE MATERIALIZED VIEW chargewire.meter_values_follow TO chargewire.meter_values
AS
WITH arrayConcat(
    arrayFlatten(arrayMap(
        told -> arrayMap(
            one -> (told.timestamp, ifNull(one.value, ''), one.measurand, one.phase, one.location,
                one.context, one.unit, toInt64(0)),
            told.sampledValue),
        v16_meter_values_request.meterValue)),
    arrayFlatten(arrayMap(
        told -> arrayMap(
            one -> (told.timestamp, ifNull(toString(one.value), ''), one.measurand, one.phase,
                one.location, one.context, one.unitOfMeasure.unit,
                ifNull(one.unitOfMeasure.multiplier, toInt64(0))),
            told.sampledValue),
        v2_meter_values_request.meterValue))
) AS samples
SELECT
    station, epoch, sequence,
    toUInt32(number - 1) AS sample_no,
    observed_at,
    sample.1 AS told_at,
    v16_meter_values_request.transactionId AS transaction_id,
    v2_meter_values_request.evseId AS evse,
    v16_meter_values_request.connectorId AS connector,
    ifNull(sample.3, 'Energy.Active.Import.Register') AS measurand,
    sample.4 AS phase,
    sample.5 AS location,
    sample.6 AS context,
    sample.7 AS unit,
    sample.2 AS raw,
    toFloat64OrNull(sample.2) * exp10(sample.8) AS value
FROM chargewire.meter_values_topic
ARRAY JOIN samples AS sample, arrayEnumerate(samples) AS number;
