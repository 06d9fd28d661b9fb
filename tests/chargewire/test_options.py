"""Options that commands share."""

import click
import pytest

from chargewire.options import WrongSettings, settings
from programs.settings import KafkaSettings


def test_kafka_options_of_the_command_line_win(monkeypatch):
    """Under Kafka's own names, over environment and file."""
    monkeypatch.setenv("CHARGEWIRE_KAFKA_CLIENT_ID", "environment")
    made = settings(KafkaSettings, {"kafka": "a:1", "options": ("client.id=flag",)})
    assert made.client_options() == {"bootstrap_servers": ["a:1"], "client_id": "flag"}


def test_all_problems_are_shown_together(monkeypatch):
    """Those of options and those of variables."""
    monkeypatch.setenv("CHARGEWIRE_PARTITIONS", "0")
    with pytest.raises(WrongSettings) as caught:
        settings(KafkaSettings, {"options": ("client.id", "acks=1")})
    text = caught.value.format_message()
    assert "--kafka-option client.id: must be NAME=VALUE" in text
    assert "Kafka option acks" in text
    assert "CHARGEWIRE_PARTITIONS = '0'" in text
    assert isinstance(caught.value, click.ClickException)
