"""What a simulated station knows of itself."""

from deploy.local.days import SAMPLE_INTERVAL_S
from deploy.local.line import ATTEMPTS, RETRY_S
from deploy.local.memory import DEFAULTS_2, DEFAULTS_16


def test_settings_tell_what_the_stations_really_do() -> None:
    """Who asks for attempts and intervals hears the true ones."""
    assert DEFAULTS_16["MeterValueSampleInterval"] == str(SAMPLE_INTERVAL_S)
    assert DEFAULTS_2["SampledDataCtrlr.TxUpdatedInterval"] == str(SAMPLE_INTERVAL_S)
    assert DEFAULTS_16["TransactionMessageAttempts"] == str(ATTEMPTS)
    assert DEFAULTS_2["OCPPCommCtrlr.MessageAttempts"] == str(ATTEMPTS)
    assert DEFAULTS_16["TransactionMessageRetryInterval"] == str(round(RETRY_S))
