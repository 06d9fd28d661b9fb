"""What may be asked by the state of a station's registration."""

import pytest

from gateway.registration import asking
from schemas.catalogue import ACTIONS, VERSIONS


@pytest.mark.parametrize(
    ("family", "status", "action", "allowed"),
    [
        ("v16", "Pending", "ChangeConfiguration", True),
        ("v16", "Pending", "TriggerMessage", True),
        ("v16", "Pending", "RemoteStartTransaction", False),
        ("v16", "Pending", "RemoteStopTransaction", False),
        ("v16", "Rejected", "TriggerMessage", False),
        ("v16", "Accepted", "RemoteStartTransaction", True),
        ("v2", "Pending", "SetVariables", True),
        ("v2", "Pending", "GetBaseReport", True),
        ("v2", "Pending", "RequestStartTransaction", False),
        ("v2", "Pending", "Reset", False),
        ("v2", "Rejected", "TriggerMessage", True),
        ("v2", "Rejected", "GetVariables", False),
        ("v2", "", "Reset", True),
    ],
)
def test_only_what_ocpp_allows_goes_out_before_a_station_is_accepted(
    family, status, action, allowed
):
    """1.6, 4.2; 2.0.1, B02 and B03. Without a boot on this connection nothing is known against."""
    assert asking(family, status).allows(action) is allowed


def test_the_table_names_actions_that_there_are():
    """A misspelt one would never be held back."""
    known = {action for _, action in ACTIONS}
    for family in {version.field_prefix for version in VERSIONS.values()}:
        for status in ("Pending", "Rejected"):
            row = asking(family, status)
            assert (row.only or frozenset()) | row.never <= known
