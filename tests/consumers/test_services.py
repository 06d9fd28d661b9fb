"""The table of consumers fits what they say of themselves."""

from consumers.services import SERVICES
from schemas.topics import TOPICS


def test_consumers_are_called_what_they_are() -> None:
    """The name of the command is that of the consumer, and its topics exist."""
    for name, service in SERVICES.items():
        assert service.consumer.name == name
        assert {*service.consumer.topics} <= TOPICS.keys()


def test_tables_are_of_one_consumer() -> None:
    """So that all consumers can share a database."""
    tables = [table.name for one in SERVICES.values() for table in one.consumer.tables]
    assert len(tables) == len({*tables})
