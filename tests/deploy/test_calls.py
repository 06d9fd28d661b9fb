"""What a simulated station may have to say."""

from datetime import UTC, datetime, timedelta, timezone

from deploy.local.calls import Moment


def test_a_moment_is_written_in_utc_with_milliseconds_and_z() -> None:
    """Never an offset, never more or fewer digits."""
    assert str(Moment(datetime(2026, 7, 1, 12, 0, tzinfo=UTC))) == "2026-07-01T12:00:00.000Z"
    zone = timezone(timedelta(hours=2))
    local = datetime(2026, 7, 1, 1, 2, 3, 999_999, zone)
    assert str(Moment(local)) == "2026-06-30T23:02:03.999Z"
