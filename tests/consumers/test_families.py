"""All that consumers count."""

from consumers.families import FAMILIES, TABLES
from consumers.metrics import Metrics


def test_each_name_stands_once():
    """In one of the tables."""
    assert len(FAMILIES) == sum(map(len, TABLES.values()))


def test_what_all_consumers_count_is_there_from_the_start():
    """An alert on a series that does not exist never fires; partitions come with their owner."""
    metrics = Metrics("stations")
    metrics.watch_ready(lambda: True)
    text = metrics.text().decode()
    for family in TABLES[""]:
        assert family.labels[0] == "consumer"
        assert f"# HELP {family.exposed}" in text
        shown = f"{family.exposed}_count" if family.bounds else family.exposed
        assert (f'{shown}{{consumer="stations"' in text) == ("partition" not in family.labels)


def test_what_is_asked_for_twice_goes_on():
    """What counts is made anew after a failure, and its numbers must not fall."""
    metrics = Metrics("commands")
    metrics.counter("commands_asked_again").inc()
    metrics.counter("commands_asked_again").inc()
    assert metrics.registry.get_sample_value("chargewire_commands_asked_again_total") == 2
