"""The table of consumers fits what they say of themselves."""

from consumers.services import SERVICES
from schemas.topics import TOPICS


def test_consumers_are_called_what_they_are() -> None:
    """The name of the command is that of the projection, and its topics exist."""
    for name, service in SERVICES.items():
        assert service.projection.name == name
        assert {*service.projection.topics} <= TOPICS.keys()


def test_tables_are_of_one_consumer() -> None:
    """So that all consumers can share a database."""
    tables = [table.name for one in SERVICES.values() for table in one.projection.tables]
    assert len(tables) == len({*tables})
