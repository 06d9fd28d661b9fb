"""Times as every station reads them."""

from schemas.times import timestamp


def test_times_are_utc_with_z_and_three_digits():
    """One form for replies and headers, for any millisecond."""
    assert timestamp(0) == "1970-01-01T00:00:00.000Z"
    assert timestamp(1_795_262_400_007) == "2026-11-21T12:00:00.007Z"
