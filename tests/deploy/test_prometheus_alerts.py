"""Every alert fires when it should, and not a minute before, by Prometheus' own word (promtool)."""

import json
import re
import subprocess
from dataclasses import dataclass

import pytest
import yaml

from deploy.prometheus.alerts import ALERTS
from deploy.prometheus.rules import FILE

GATEWAY = 'namespace="n",job="gateway",instance="gw-1"'
CONSUMER = 'namespace="n",job="consumer",instance="c-1",consumer="stations"'
COMMANDS = CONSUMER.replace("stations", "commands")
DECIDER = CONSUMER.replace("stations", "authorizations")
LASTS = 200  # minutes


def gateway(name, *labels):
    return f"chargewire_{name}{{{','.join([GATEWAY, *labels])}}}"


def consumer(name, *labels, of=CONSUMER):
    return f"chargewire_{name}{{{','.join([of, *labels])}}}"


def steady(value):
    return f"{value}x{LASTS}"


def rising(by, since=0):
    """A counter that stands still until a minute, and then rises by so much each minute."""
    return f"{f'0x{since - 1} ' if since else ''}0+{by}x{LASTS}"


def stepping(before, after, at):
    """One value until a minute, another from then on."""
    return f"{before}x{at - 1} {after}x{LASTS}"


def slow(series, above):
    """A histogram of which all is between `above` and the next bound; nothing before minute 1."""
    bounds = ("0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "10.0")
    found = {
        series(f'le="{bound}"'): rising(60) if float(bound) > above else steady(0)
        for bound in bounds
    }
    return found | {series('le="+Inf"'): rising(60)}


@dataclass(frozen=True)
class Case:
    """Series, and the minute at which the condition begins to hold; `also` fire with it."""

    name: str
    series: dict[str, str]
    holds_at: int
    also: tuple[str, ...] = ()


WELL = {
    gateway("build_info", 'version="1"'): steady(1),
    gateway("ready"): steady(1),
}
CASES = (
    Case("GatewayAbsent", {gateway("build_info", 'version="1"'): f"1x9 _x{LASTS}"}, 15),
    Case("GatewayNotReady", {gateway("ready"): stepping(1, 0, 10)}, 10),
    Case("GatewayRestarts", {gateway("start_time_seconds"): "1x9 2 3x4 4x90"}, 16),
    Case(
        "ConnectionsDropped", {gateway("connections", 'version="2.1"'): stepping(100, 69, 20)}, 20
    ),
    Case(
        "ConnectionsNearLimit",
        {
            gateway("connections", 'version="2.1"'): stepping(40, 50, 10),
            gateway("connections", 'version="1.6"'): steady(40),
            gateway("connections_max"): steady(100),
        },
        10,
    ),
    Case("RefusalsSurge", {gateway("refusals_total", 'reason="subprotocol"'): rising(61)}, 5),
    Case("StationTwice", {gateway("refusals_total", 'reason="takeovers"'): rising(2)}, 6),
    Case(
        "TakeoversSurge",
        {
            gateway("takeovers_total"): stepping(0, 100, 20),
            gateway("connections", 'version="1.6"'): steady(100),
        },
        20,
    ),
    Case(
        "PingsUnanswered",
        {
            gateway("disconnects_total", 'version="1.6"', 'code="1011"'): stepping(0, 30, 20),
            gateway("connections", 'version="1.6"'): steady(100),
        },
        20,
    ),
    Case(
        "DeadLettersSurge",
        {
            gateway("dead_letters_total", 'rule="json"'): rising(12),
            gateway("frames_total", 'direction="from_station"', 'kind="call"'): rising(120),
        },
        4,
    ),
    Case(
        "AnswersSlow",
        slow(lambda le: gateway("answer_seconds_bucket", 'action="Heartbeat"', le), 5.0),
        1,
    ),
    Case("Outage", {gateway("outage"): stepping(0, 1, 10)}, 10),
    Case("OutagesRepeat", {gateway("outages_total"): rising(1)}, 4),
    Case("AcksSlow", slow(lambda le: gateway("ack_seconds_bucket", le), 1.0), 1),
    Case(
        "EventsInFlightNearLimit",
        {
            gateway("events_in_flight"): stepping(10, 17_000, 10),
            gateway("events_in_flight_max"): steady(20_000),
        },
        10,
    ),
    Case("EventsUnknown", {gateway("events_unknown_total"): stepping(0, 1, 10)}, 10),
    Case("DisconnectsDropped", {gateway("disconnects_dropped_total"): stepping(0, 1, 10)}, 10),
    Case("TailLag", {gateway("tail_lag"): stepping(999, 1001, 10)}, 10),
    Case("TailLost", {gateway("tail_lost_total"): stepping(0, 1, 10)}, 10),
    Case("TailRestarts", {gateway("tail_restarts_total"): rising(1)}, 4),
    Case(
        "SpansLost",
        {gateway("spans_total"): rising(600), gateway("spans_sent_total"): rising(500)},
        10,
    ),
    Case("Misrouted", {gateway("misrouted_total"): stepping(0, 1, 10)}, 10),
    Case("Unreadable", {gateway("unreadable_total"): stepping(0, 1, 10)}, 10),
    Case("LoopLag", slow(lambda le: gateway("loop_lag_seconds_bucket", le), 0.25), 1),
    Case(
        "SocketsPaused",
        {
            gateway("paused"): stepping(9, 11, 10),
            gateway("connections", 'version="1.6"'): steady(100),
        },
        10,
    ),
    Case("CertificateFilesBroken", {gateway("certificates_broken"): stepping(0, 1, 10)}, 10),
    Case("CertificateExpiring", {gateway("certificates_expiring"): stepping(0, 1, 10)}, 10),
    Case(
        "OpenFilesNearLimit",
        {gateway("open_files"): stepping(80, 86, 10), gateway("open_files_max"): steady(100)},
        10,
    ),
    Case(
        "Fallbacks",
        {
            gateway("fallbacks_total", 'action="Authorize"'): rising(6),
            gateway("decisions_total", 'outcome="taken"'): rising(60),
        },
        2,
    ),
    Case(
        "DecisionsInvalid", {gateway("decisions_total", 'outcome="invalid"'): stepping(0, 1, 9)}, 9
    ),
    Case(
        "CommandsUnanswered",
        {
            gateway("command_results_total", 'outcome="timeout"'): rising(20),
            gateway("command_results_total", 'outcome="answered"'): rising(60),
        },
        2,
    ),
    Case(
        "CommandsExpire",
        {
            gateway("command_results_total", 'outcome="expired"'): rising(10),
            gateway("command_results_total", 'outcome="answered"'): rising(60),
        },
        2,
    ),
    Case("SecretsMissing", {gateway("secrets_missing_total"): stepping(0, 1, 10)}, 10),
    Case("CopiesFail", {gateway("copies_total", 'outcome="no_topic"'): rising(2)}, 3),
    Case("ConsumerAbsent", {consumer("consumer_partitions"): f"12x9 _x{LASTS}"}, 15),
    Case("ConsumerNotReady", {consumer("consumer_ready"): stepping(1, 0, 10)}, 10),
    Case(
        "ConsumerPartitionsUnowned",
        {
            consumer("consumer_partitions"): stepping(12, 11, 10),
            consumer("consumer_partitions_all"): steady(12),
        },
        10,
    ),
    Case(
        "ConsumerDelayed",
        {consumer("consumer_delay_seconds", 'partition="1"'): stepping(50, 61, 10)},
        10,
    ),
    Case(
        "DecidersDelayed",
        {consumer("consumer_delay_seconds", 'partition="1"', of=DECIDER): stepping(5, 6, 10)},
        10,
    ),
    Case("ConsumerLagGrows", {consumer("consumer_lag_records", 'partition="1"'): rising(5000)}, 3),
    Case(
        "ConsumerStuck",
        {
            consumer("consumer_lag_records", 'partition="1"'): steady(5),
            consumer("consumer_last_commit_timestamp_seconds"): f"0+60x10 600x{LASTS}",
        },
        13,
    ),
    Case("ConsumerPoison", {consumer("consumer_poison_total"): stepping(0, 1, 10)}, 10),
    Case("ConsumerLost", {consumer("consumer_lost_total"): stepping(0, 1, 10)}, 10),
    Case("ConsumerWaitsForSchema", {consumer("consumer_waiting"): stepping(0, 1, 10)}, 10),
    Case("ConsumerFencedOften", {consumer("consumer_fenced_total"): rising(2)}, 3),
    Case("ConsumerRestarts", {consumer("consumer_restarts_total", 'reason="store"'): rising(2)}, 3),
    Case(
        "ConsumerCommitsSlow",
        slow(lambda le: consumer("consumer_commit_seconds_bucket", le), 2.5),
        1,
    ),
    Case(
        "ConsumerLoopLag",
        slow(lambda le: consumer("consumer_loop_lag_seconds_bucket", le), 1.0),
        1,
    ),
    Case("SequelsFail", {consumer("consumer_sequel_failures_total"): rising(2)}, 3),
    Case("ConsumerWritesFail", {consumer("consumer_produce_failures_total"): stepping(0, 1, 9)}, 9),
    Case("OutboxGrows", {consumer("consumer_outbox_rows"): rising(5000)}, 3),
    Case(
        "DecisionsLate",
        {
            consumer("authorizations_late_total", of=DECIDER): rising(6),
            consumer("authorizations_decisions_total", 'action="Authorize"', of=DECIDER): rising(
                60
            ),
        },
        2,
    ),
    Case(
        "DecisionsSlow",
        slow(lambda le: consumer("authorizations_decision_seconds_bucket", le, of=DECIDER), 2.5),
        1,
    ),
    Case(
        "TokensUnknown",
        {
            consumer("authorizations_unknown_tokens_total", of=DECIDER): rising(40),
            consumer("authorizations_decisions_total", 'action="Authorize"', of=DECIDER): rising(
                60
            ),
        },
        1,
    ),
    Case("GatewayLost", {consumer("commands_gateways_lost_total", of=COMMANDS): rising(1, 9)}, 10),
    Case(
        "CommandsPile",
        {consumer("commands_open", 'state="taken"', of=COMMANDS): stepping(999, 1001, 10)},
        10,
    ),
    Case(
        "LocalListsBehind",
        {
            consumer("local_lists_stations", 'state="behind"', of=DECIDER): stepping(10, 40, 10),
            consumer("local_lists_stations", 'state="in sync"', of=DECIDER): steady(100),
        },
        10,
    ),
    Case("LocalListsStuck", {consumer("local_lists_stuck_total", of=DECIDER): rising(1)}, 4),
    Case("LocalListsCut", {consumer("local_lists_cut", of=DECIDER): stepping(0, 1, 10)}, 10),
    # What is compared with has no series, since nothing of it has ever happened.
    Case("Fallbacks", {gateway("fallbacks_total", 'action="Authorize"'): rising(6)}, 1),
    Case("DeadLettersSurge", {gateway("dead_letters_total", 'rule="json"'): rising(12)}, 3),
    Case("DecisionsLate", {consumer("authorizations_late_total", of=DECIDER): rising(6)}, 1),
)


def minutes(duration):
    number, unit = re.fullmatch(r"(\d+)([mh])", duration).groups()
    return int(number) * (60 if unit == "h" else 1)


def firing(at, *names):
    """What promtool is to find at a minute: which alerts fire, and no others."""
    fire = 'count by (alertname) (ALERTS{alertstate="firing"})'
    samples = [{"labels": f'{{alertname="Chargewire{name}"}}', "value": 1} for name in names]
    return {"expr": fire, "eval_time": f"{at}m", "exp_samples": samples}


def story(case):
    fires_at = case.holds_at + minutes(ALERTS[f"Chargewire{case.name}"].lasts)
    series = WELL | case.series
    return {
        "name": case.name,
        "interval": "1m",
        "input_series": [{"series": name, "values": told} for name, told in series.items()],
        "promql_expr_test": [firing(fires_at - 1), firing(fires_at, case.name, *case.also)],
    }


def test_every_alert_has_its_case():
    """A new one comes with the story of when it fires."""
    assert {f"Chargewire{case.name}" for case in CASES} == {*ALERTS}


@pytest.mark.slow
def test_every_alert_fires_when_it_should_and_not_a_minute_before(tmp_path):
    """And nothing else fires with it, but what follows from the same."""
    tests = tmp_path / "alerts.test.yaml"
    stories = [story(case) for case in CASES]
    quiet = {"interval": "1m", "input_series": stories[-1]["input_series"][:2]}
    stories.append(quiet | {"promql_expr_test": [firing(at) for at in (1, 60, LASTS - 1)]})
    content = {
        "rule_files": [str(FILE)],
        "evaluation_interval": "1m",
        "group_eval_order": [group["name"] for group in yaml.safe_load(FILE.read_text())["groups"]],
        "tests": stories,
    }
    tests.write_text(json.dumps(content))  # JSON is YAML
    done = subprocess.run(
        ["promtool", "test", "rules", str(tests)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_says_what_to_do():
    """Three steps, no two alike; words that say something, and end like sentences."""
    for alert in ALERTS.values():
        assert re.fullmatch(r"Chargewire[A-Z]\w+", alert.name)
        assert len({*alert.steps}) == 3
        assert len(alert.summary) <= 110, alert.name
        for words in (alert.meaning, *alert.steps):
            assert words[-1] in ".?", (alert.name, words)
