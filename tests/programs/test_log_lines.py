"""Log lines: form, level, and what is never in them."""

import io
import json
import logging

import pytest
import structlog

from programs.log_lines import Repeats, set_up


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _restored():
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_lines_are_json_where_no_terminal_is():
    """One object a line, with the fields as given."""
    out = io.StringIO()
    set_up("info", "auto", out)
    structlog.get_logger("x").info("connected", station="ABC", action="Heartbeat", message_id="1")
    (line,) = lines(out)
    assert line.pop("at").endswith("Z")
    assert line == {
        "event": "connected",
        "level": "info",
        "station": "ABC",
        "action": "Heartbeat",
        "message_id": "1",
    }


def test_a_terminal_gets_columns_in_colour(monkeypatch):
    """And `json` is obeyed there as well."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    out = Terminal()
    set_up("info", "auto", out)
    structlog.get_logger().warning("closed", station="ABC")
    assert "\x1b[" in out.getvalue()
    out = Terminal()
    set_up("info", "json", out)
    structlog.get_logger().warning("closed", station="ABC")
    assert lines(out)[0]["event"] == "closed"


def test_who_wants_no_colour_has_none(monkeypatch):
    """By NO_COLOR, as other programs have it; the columns stay."""
    monkeypatch.setenv("NO_COLOR", "1")
    out = Terminal()
    set_up("info", "auto", out)
    structlog.get_logger().warning("closed", station="ABC")
    assert "station=ABC" in out.getvalue()
    assert "\x1b" not in out.getvalue()


def test_a_console_that_is_no_terminal_has_no_colours():
    """As when the output goes to a file."""
    out = io.StringIO()
    set_up("info", "console", out)
    structlog.get_logger().info("closed", station="ABC")
    assert "station=ABC" in out.getvalue()
    assert "\x1b" not in out.getvalue()


def test_what_is_below_the_level_is_not_written():
    """For our own lines and for libraries."""
    out = io.StringIO()
    set_up("warning", "json", out)
    structlog.get_logger().info("nothing")
    logging.getLogger("some.library").info("nothing")
    assert out.getvalue() == ""


def test_libraries_come_out_in_the_same_form():
    """aiokafka and uvicorn use the standard library; those that chatter do it from warnings on."""
    out = io.StringIO()
    set_up("info", "json", out)
    logging.getLogger("aiokafka.producer").info("chatter")
    logging.getLogger("aiokafka.producer").warning("broker %s gone", 1)
    (line,) = lines(out)
    assert (line["event"], line["level"], line["logger"]) == (
        "broker 1 gone",
        "warning",
        "aiokafka.producer",
    )


def test_attempts_that_are_made_again_are_no_warnings():
    """New topics have no leader for seconds: dozens of lines about nothing."""
    out = io.StringIO()
    set_up("info", "json", out)
    sender = logging.getLogger("aiokafka.producer.sender")
    sender.warning("Got error produce response, retrying")
    sender.error("fenced")
    assert [line["event"] for line in lines(out)] == ["fenced"]


def test_at_debug_libraries_say_all():
    """When someone looks for a fault in them."""
    out = io.StringIO()
    set_up("debug", "json", out)
    for _ in range(2):
        logging.getLogger("aiokafka.producer").debug("detail")
    assert [line["event"] for line in lines(out)] == ["detail"] * 2


REFUSED = 'Unable connect to "kafka:9092": refused'
SETTLING = "Group Coordinator Request failed: [Error 15] GroupCoordinatorNotAvailableError"


@pytest.mark.parametrize(
    ("logger", "line", "expected_s"),
    [
        ("aiokafka", REFUSED, [0, 60]),
        ("aiokafka.consumer.group_coordinator", SETTLING, [10, 70]),
        ("websockets.server", "again", [0, 1, 10, 59, 60, 70]),
    ],
)
def test_kafka_s_client_says_the_same_once_a_minute(logger, line, expected_s):
    """While a broker is away; what settles by itself on a new one, only if it does not."""
    repeats, shown = Repeats(), []
    for at_s in (0, 1, 10, 59, 60, 70):
        record = logging.LogRecord(logger, logging.ERROR, "", 0, "%s", (line,), None)
        record.created = 1_000.0 + at_s
        if repeats.filter(record):
            shown.append(at_s)
    assert shown == expected_s


def test_another_reason_is_news():
    """Refused, then a certificate: whoever mends one sees the next."""
    out = io.StringIO()
    set_up("info", "json", out)
    log = logging.getLogger("aiokafka")
    for reason in ("refused", "refused", "certificate has expired", "refused"):
        log.error('Unable connect to "%s:%s": %s', "kafka", 9092, reason)
    assert [line["event"].rpartition(": ")[2] for line in lines(out)] == [
        "refused",
        "certificate has expired",
    ]


def test_an_error_has_its_traceback_in_the_same_line():
    """So that one line stays one line."""
    out = io.StringIO()
    set_up("info", "json", out)
    try:
        raise KeyError("gone")
    except KeyError:
        structlog.get_logger().exception("failed")
        logging.getLogger("library").exception("failed there")
    for line in lines(out):
        assert "KeyError" in line["exception"]


def test_payloads_are_never_written():
    """Whatever a module hands in by mistake."""
    out = io.StringIO()
    set_up("info", "json", out)
    structlog.get_logger().info("odd", station="ABC", payload={"idTag": "secret"}, text="secret")
    assert "secret" not in out.getvalue()
