"""`chargewire config show`."""

import json

from click.testing import CliRunner

from chargewire.config_command import config, plain


def show(*options: str, **environ: str):
    return CliRunner().invoke(config, ["show", *options], env=environ)


def test_every_setting_is_shown_and_where_it_came_from():
    """Only what was set carries an origin."""
    result = show(CHARGEWIRE_WORKERS="2")
    lines = {line.split()[0]: line for line in result.output.splitlines() if line}
    assert result.exit_code == 0
    assert lines["CHARGEWIRE_WORKERS"].endswith("2 processes   (environment)")
    assert lines["CHARGEWIRE_LISTEN"].endswith("0.0.0.0:9000")


def test_all_tells_what_each_is_for():
    """With its default."""
    assert "frames read beyond that" in show("--all").output
    assert "(default 262144)" in show("--all").output


def test_json_is_for_programs_and_secrets_are_masked_there_too():
    """One object, by setting."""
    secret = {
        "CHARGEWIRE_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "CHARGEWIRE_KAFKA_SASL_USERNAME": "me",
        "CHARGEWIRE_KAFKA_SASL_PASSWORD": "hunter2",
    }
    result = show("--json", **secret)
    assert json.loads(result.output)["sasl.password"]["source"] == "environment"
    assert "hunter2" not in result.output + show(**secret).output


def test_consumers_are_shown_after_the_gateway():
    """Only what the gateway does not have; the two parts are told apart."""
    gateway, _, consumers = show().output.partition("consumers have beside:")
    assert "CHARGEWIRE_LISTEN" in gateway
    assert "CHARGEWIRE_STORE" not in gateway
    assert "CHARGEWIRE_STORE" in consumers
    assert "CHARGEWIRE_KAFKA " not in consumers
    assert {"listen", "store", "batch_records"} <= json.loads(show("--json").output).keys()


def test_the_console_is_shown_last_and_alone():
    """Its token never is."""
    token = {"CHARGEWIRE_CONSOLE_TOKEN": "0123456789abcdef-hunter2"}
    for output in (show(**token).output, show("console", "--json", **token).output):
        assert "hunter2" not in output
    _, _, beside = show().output.partition("the console has beside:")
    assert "CHARGEWIRE_CONSOLE_LISTEN" in beside
    assert "CHARGEWIRE_KAFKA " not in beside
    assert "CHARGEWIRE_LISTEN" not in show("console").output


def test_one_program_alone():
    """Of a consumer with what follows from its name; of its store not the password."""
    assert "CHARGEWIRE_STORE" not in show("gateway").output
    shown = show("transactions").output
    assert "CHARGEWIRE_LISTEN" not in shown
    lines = {line.split()[0]: line for line in shown.splitlines()}
    assert lines["CHARGEWIRE_ADMIN"].endswith("0.0.0.0:9101")
    assert lines["CHARGEWIRE_STORE"].endswith("sqlite:///data/transactions.db")
    secret = {"CHARGEWIRE_STORE": "postgresql://me:hunter2@host/database"}
    for output in (show(**secret).output, show("transactions", "--json", **secret).output):
        assert "postgresql://me:***@host/database" in output
        assert "hunter2" not in output
    assert show("transaction").exit_code == 2


def test_a_wrong_configuration_is_shown_whole_and_ends_with_2():
    """One line for each problem, and where to look further."""
    result = show(CHARGEWIRE_WORKERS="x", CHARGEWIRE_LISTN="y")
    assert result.exit_code == 2
    assert "CHARGEWIRE_WORKERS = 'x'" in result.output
    assert "did you mean CHARGEWIRE_LISTEN?" in result.output
    assert "Traceback" not in result.output


def test_values_are_written_as_one_would_set_them():
    """So that a line can be copied."""
    assert [plain(value) for value in (True, (), ("a", "b"), 5.0, 0.5, "", "x")] == [
        "true",
        "-",
        "a,b",
        "5",
        "0.5",
        "-",
        "x",
    ]
