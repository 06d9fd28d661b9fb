"""Settings: precedence, every problem in one list, nothing secret shown."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from programs.settings import MASK, KafkaSettings, SettingsError, describe, read, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample(KafkaSettings):
    """Borrows names that real programs have, since unknown ones are refused."""

    workers: int = setting(1, "processes", unit="processes", low=1, high=8)
    drain_time_s: float = setting(30, "wait", unit="seconds", low=1)
    ack_time_s: float = setting(10, "wait", unit="seconds", low=1)
    decided: tuple[str, ...] = setting((), "actions")
    allow_single_replica: bool = setting(False, "risk")

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        yield from KafkaSettings.problems(self)
        if self.ack_time_s > self.drain_time_s:
            yield ("ack_time_s", "drain_time_s"), "the first must not be longer"


def sample(flags=None, environ=None, file=None) -> Sample:
    return read(Sample, flags=flags or {}, environ=environ or {}, file=file or {})


def problems(**given) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        sample(**given)
    return caught.value.problems


def test_flags_win_over_environment_over_file_over_default():
    """Each layer hides the ones below it, setting by setting, and the source is known."""
    file = {"workers": 2, "drain_time_s": 40, "ack_time_s": 11}
    environ = {"CHARGEWIRE_WORKERS": "3", "CHARGEWIRE_DRAIN_TIME_S": "50"}
    made = sample({"workers": 4, "drain_time_s": None}, environ, file)
    assert (made.workers, made.drain_time_s, made.ack_time_s) == (4, 50.0, 11.0)
    assert made.sources == {"workers": "flag", "drain_time_s": "environment", "ack_time_s": "file"}
    assert made.kafka == "localhost:9092"


def test_every_type_is_read_from_text_and_from_toml():
    """Environment variables are texts; TOML has types of its own."""
    texts = {
        "CHARGEWIRE_DECIDED": "Authorize, DataTransfer:a b ,",
        "CHARGEWIRE_ALLOW_SINGLE_REPLICA": "Yes",
    }
    made = sample(environ=texts)
    assert made.decided == ("Authorize", "DataTransfer:a b")
    assert made.allow_single_replica is True
    made = sample(file={"decided": ["Authorize"], "allow_single_replica": True, "workers": 3})
    assert (made.decided, made.allow_single_replica, made.workers) == (("Authorize",), True, 3)


def test_all_problems_come_in_one_list():
    """A person mends everything at once: variable, bad value and what is allowed, each a line."""
    found = problems(
        flags={"workers": 9},
        environ={"CHARGEWIRE_DRAIN_TIME_S": "soon", "CHARGEWIRE_KAFKA": "nowhere"},
        file={"allow_single_replica": "perhaps", "decided": [1]},
    )
    assert len(found) == 5
    together = "\n".join(found)
    assert (
        "--workers (CHARGEWIRE_WORKERS) = 9: must be a whole number of processes, at least 1,"
        " at most 8" in found
    )
    assert "CHARGEWIRE_DRAIN_TIME_S = 'soon': must be a number of seconds, at least 1" in found
    assert "CHARGEWIRE_KAFKA = 'nowhere': must be host:port, several separated by commas" in found
    assert "(CHARGEWIRE_ALLOW_SINGLE_REPLICA) = 'perhaps': must be true or false" in together
    assert "decided in the configuration file (CHARGEWIRE_DECIDED) = [1]" in together


def test_a_misspelt_variable_is_a_problem_with_a_suggestion():
    """A limit that silently keeps its default because of a typing error would be found too late."""
    (found,) = problems(environ={"CHARGEWIRE_WORKER": "2", "PATH": "/bin"})
    assert (
        found == "CHARGEWIRE_WORKER: no program knows this variable; did you mean"
        " CHARGEWIRE_WORKERS?"
    )
    (found,) = problems(file={"wrokers": 2})
    assert found == "wrokers in the configuration file: no such setting; did you mean workers?"


def test_variables_of_other_programs_are_no_problem():
    """One environment serves all programs."""
    assert sample(environ={"CHARGEWIRE_LISTEN": "whatever"}).workers == 1


def test_values_that_do_not_go_together_name_both_variables():
    """What `problems` yields becomes a line with the variables and their values."""
    (found,) = problems(environ={"CHARGEWIRE_ACK_TIME_S": "31"})
    variables, _, reason = found.partition(": ")
    assert variables == "CHARGEWIRE_ACK_TIME_S=31.0 with CHARGEWIRE_DRAIN_TIME_S=30"
    assert reason == "the first must not be longer"


def test_a_wrong_value_is_not_reported_twice():
    """A relation is not judged while one of its values is wrong."""
    assert (
        len(problems(environ={"CHARGEWIRE_ACK_TIME_S": "31", "CHARGEWIRE_DRAIN_TIME_S": "x"})) == 1
    )


def test_kafka_options_come_from_the_environment_and_the_table_kafka():
    """`[kafka]` holds Kafka's own names; its bootstrap.servers is the setting `kafka`."""
    made = sample(
        environ={"CHARGEWIRE_KAFKA_CLIENT_ID": "here"},
        file={"kafka": {"bootstrap.servers": "a:1,b:2", "client": {"id": "there"}}},
    )
    assert made.kafka == "a:1,b:2"
    assert made.client_options() == {"bootstrap_servers": ["a:1", "b:2"], "client_id": "here"}


def test_a_kafka_option_that_would_be_ignored_is_refused():
    """Also in the environment, where it is told from a misspelt setting by nothing."""
    assert (
        "did you mean security.protocol?"
        in problems(file={"kafka": {"security.protocoll": "SSL"}})[0]
    )
    assert (
        "did you mean CHARGEWIRE_KAFKA_SASL_USERNAME?"
        in problems(environ={"CHARGEWIRE_KAFKA_SASL_USERNAM": "me"})[0]
    )


def test_secrets_are_masked_in_descriptions_representations_and_problems():
    """A password is in no output that a person pastes into a ticket."""
    environ = {
        "CHARGEWIRE_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "CHARGEWIRE_KAFKA_SASL_USERNAME": "me",
        "CHARGEWIRE_KAFKA_SASL_PASSWORD": "hunter2",
    }
    made = sample(environ=environ)
    rows = {row.name: row for row in describe(made)}
    assert rows["sasl.password"].value == MASK
    assert rows["sasl.username"].value == "me"
    assert rows["sasl.password"].source == "environment"
    assert "hunter2" not in repr(made) + repr(describe(made))
    assert "hunter2" not in "".join(problems(file={"kafka": {"sasl.passwort": "hunter2"}}))


def test_descriptions_tell_variable_unit_default_and_source():
    """`config show` needs nothing else."""
    rows = {row.name: row for row in describe(sample(environ={"CHARGEWIRE_WORKERS": "2"}))}
    assert rows["workers"] == (
        "workers",
        "CHARGEWIRE_WORKERS",
        2,
        1,
        "processes",
        "processes",
        "environment",
    )
    assert rows["drain_time_s"].source == "default"
