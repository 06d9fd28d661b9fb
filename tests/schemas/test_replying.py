"""The headers by which who asks wants to be answered: read, and handed on."""

import pytest

from schemas.replying import ReplyTo, handed_on, reply_to, trace

TRACE = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    "to",
    [
        None,
        ReplyTo("replies", None, None),
        ReplyTo("replies", 0, b""),
        ReplyTo("a.b-c_d", 300, b"\x00\xff"),
    ],
)
@pytest.mark.parametrize("traceparent", [None, TRACE])
def test_what_is_handed_on_is_read_as_the_same(to, traceparent):
    """Whoever asks again asks for the same answer."""
    headers = dict(handed_on(to, traceparent))
    assert (reply_to(headers), trace(headers)) == (to, traceparent)


def test_what_is_no_trace_or_topic_is_none():
    """Nothing of a stranger's is handed on unseen."""
    assert trace({"traceparent": b"00-zz"}) is None
    assert trace({}) is None
    assert reply_to({"kafka_replyTopic": b"a topic"}) is None
