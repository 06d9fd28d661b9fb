"""Which fields of events hold one of a few words."""

from schemas.words import word_fields

METERING = "chargewire.v16.meter_values_request"


def test_enumerated_fields_are_found_at_every_depth() -> None:
    """Wherever the OCPP schema names the values that a text may have, and nowhere else."""
    found = word_fields("metering")
    assert (f"{METERING}.SampledValue", "measurand") in found
    assert (f"{METERING}.SampledValue", "value") not in found


def test_the_envelopes_own_words_are_among_them() -> None:
    """Each event says the name of its gateway, and of its frame; ids are no words."""
    found = word_fields("metering")
    assert ("chargewire.MeteringEvent", "action") in found
    assert ("chargewire.MeteringEvent", "event_id") not in found


def test_only_blocks_have_words() -> None:
    """The small records are rare."""
    assert word_fields("connections") == frozenset()
