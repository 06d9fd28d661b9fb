"""`chargewire tail`: where to begin, what to read, when to stop."""

import pytest
from click.testing import CliRunner

from chargewire.log.summary import Entry
from chargewire.log.tail import EVENTS, Printer, chosen, since_ms, tail, tell_guess, tell_nothing
from schemas.topics import TOPICS

KNOWN = set(TOPICS)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("beginning", 0),
        ("end", None),
        ("90s", 9_910_000),
        ("1.5m", 9_910_000),
        ("500ms", 9_999_500),
        ("2h", 2_800_000),
    ],
)
def test_begin_is_an_end_of_the_log_or_a_span_ago(text, wanted):
    """In units that people say."""
    assert since_ms(text, 10_000_000) == wanted


@pytest.mark.parametrize("text", ["", "yesterday", "10", "m", "-1h"])
def test_anything_else_is_an_error_of_usage_that_shows_examples(text):
    """Found before Kafka is asked."""
    with pytest.raises(ValueError, match="90s, 15m, 2h, 7d"):
        since_ms(text, 0)
    result = CliRunner().invoke(tail, [f"--from={text}"])
    assert result.exit_code == 2
    assert "90s, 15m, 2h" in result.output


@pytest.mark.parametrize("what", ["transactions", "ocpp.transactions"])
def test_a_topic_is_named_with_or_without_prefix(what):
    """A block is the topic of its name."""
    assert chosen(what, "ocpp.", KNOWN) == (["transactions"], None)


def test_any_other_name_is_a_station():
    """It is looked for in all topics that have events of stations."""
    assert chosen("CS-0001", "ocpp.", KNOWN) == (list(EVENTS), "CS-0001")
    assert chosen(None, "ocpp.", KNOWN) == (list(EVENTS), None)


def test_a_name_with_the_prefix_is_always_a_topic():
    """So that a misspelt topic is an error, not a station nobody has heard of."""
    assert chosen("ocpp.transaction", "ocpp.", KNOWN) == (["ocpp.transaction"[5:]], None)
    assert chosen("ocpp.tables.x", "ocpp.", KNOWN | {"tables.x"}) == (["tables.x"], None)


def test_topics_that_do_not_exist_yet_are_left_out():
    """As with an older fleet."""
    assert chosen(None, "", {"connections", "id-tokens"}) == (["connections"], None)


def test_events_of_stations_are_in_topics_of_the_table():
    """No name is invented here."""
    assert set(EVENTS) <= KNOWN


def test_printing_stops_after_the_number_wanted(capsys):
    """Within a batch as well."""
    entries = [Entry("t", 0, number, 0, b"k", None, f"nr {number}") for number in range(3)]
    printer = Printer(as_objects=False, count=4)
    assert printer.show(entries)
    assert not printer.show(entries)
    assert len(capsys.readouterr().out.splitlines()) == 4


def test_lines_that_go_elsewhere_have_no_colours(capsys):
    """Only a terminal gets them."""
    Printer(as_objects=False, count=None).show([Entry("t", 0, 0, 0, b"k", None, "odd")])
    assert "\x1b" not in capsys.readouterr().out


def test_silence_is_explained(capsys, monkeypatch):
    """At the end of the log always; while waiting only to a person."""
    tell_nothing("CW-0009", follow=False, everything=True)
    assert capsys.readouterr().err == "No event of CW-0009 there.\n"
    tell_nothing(None, follow=False, everything=False)
    assert "--from beginning" in capsys.readouterr().err
    tell_nothing(None, follow=True, everything=False)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    tell_nothing(None, follow=True, everything=False)
    assert "Ctrl-C ends it" in capsys.readouterr().err


def test_a_misspelt_topic_is_told(capsys):
    """It would wait for a station of that name for ever."""
    tell_guess("transaction")
    assert "Did you mean transactions?" in capsys.readouterr().err
    tell_guess("CS-0001")
    assert capsys.readouterr().err == ""
