"""Long answers, page by page."""

from deploy.local.reports import PAGE, pages
from tests.deploy.memories import station


def test_every_page_but_the_last_says_that_more_will_come() -> None:
    """With the id that was asked with; numbers and a time where the call has them."""
    rows = list(range(2 * PAGE + 1))
    told = [
        call.payload for call in pages("NotifyReport", "rows", rows, {"requestId": 8}, station())
    ]
    assert [page["tbc"] for page in told] == [True, True, False]
    assert [page["seqNo"] for page in told] == [0, 1, 2]
    assert [row for page in told for row in page["rows"]] == rows
    assert told[0]["generatedAt"] == "2026-05-01T12:00:00.000Z"
    (only,) = pages("NotifyDisplayMessages", "rows", [1], {"requestId": 8}, station())
    assert only.payload == {"requestId": 8, "rows": [1], "tbc": False}
