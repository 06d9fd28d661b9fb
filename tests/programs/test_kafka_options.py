"""Kafka's client options: names, translation, contradictions."""

import pytest

from programs.kafka import options as kafka_options

SASL = {"security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512"}


def test_options_become_arguments_of_the_client():
    """Kafka's names go in, aiokafka's come out, numbers typed; TLS files are left to the rim."""
    options = {
        **SASL,
        "sasl.username": "me",
        "sasl.password": "pass",
        "request.timeout.ms": "5000",
        "ssl.ca.location": "ca.pem",
    }
    assert kafka_options.client_arguments(options) == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "me",
        "sasl_plain_password": "pass",
        "request_timeout_ms": 5000,
    }


@pytest.mark.parametrize("quote", ['"', "'"])
def test_a_java_login_line_is_understood(quote):
    """People bring the file that works for their Java programs."""
    line = (
        "org.apache.kafka.common.security.plain.PlainLoginModule required\n"
        f"  username={quote}me{quote} password={quote}a=b c;{quote};"
    )
    assert kafka_options.login({"sasl.jaas.config": line}) == ("me", "a=b c;")
    assert kafka_options.login({"sasl.jaas.config": 'username="a\\"b" password="c"'}) == (
        'a"b',
        "c",
    )


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"security.protocol": "SASL_SSL"}, "needs sasl.username and sasl.password"),
        ({"sasl.username": "me", "sasl.password": "x"}, "security.protocol=PLAINTEXT"),
        ({"ssl.ca.location": "x"}, "security.protocol=PLAINTEXT"),
        ({**SASL, "sasl.jaas.config": "nothing of use"}, "sasl.jaas.config must hold"),
    ],
)
def test_options_that_would_have_no_effect_are_named(options, named):
    """Someone who sets a password believes to be using it."""
    assert named in "\n".join(kafka_options.contradictions(options))


def test_complete_options_contradict_nothing():
    """The usual production setting passes."""
    options = {**SASL, "sasl.username": "me", "sasl.password": "x", "ssl.ca.location": "ca.pem"}
    assert list(kafka_options.contradictions(options)) == []


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("security.protocol", "TLS", "SASL_SSL"),
        ("request.timeout.ms", "5s", "whole number of milliseconds"),
        ("acks", "1", "not known here"),
        ("sasl.mechanisms", "PLAIN", "did you mean sasl.mechanism?"),
    ],
)
def test_a_wrong_option_names_what_is_allowed(name, value, named):
    """The variable's, the option's and the allowed names are all in the line."""
    assert named in (kafka_options.problem(name, value) or "")


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("localhost:9092", True),
        ("a:1,b:2", True),
        ("[::1]:9092", True),
        ("a", False),
        ("a:1,", False),
        ("kafka://a:1", False),
    ],
)
def test_server_lists_need_a_port_each(text, right):
    """A missing port would show much later, as a broker that cannot be reached."""
    assert kafka_options.is_server_list(text) is right


def test_topic_prefixes_have_only_what_kafka_takes():
    """Anything else would fail on the first topic."""
    assert kafka_options.is_topic_prefix("fleet-1.")
    assert kafka_options.is_topic_prefix("")
    assert not kafka_options.is_topic_prefix("fleet/1")
