"""The ways in which a log can be read: topics between each other, some of it again, in batches."""

from hypothesis import strategies as st

from consumers.tables.projections import fold


@st.composite
def reading(draw, *topics):
    """The facts of topics as a consumer may read them: each in its order, but for going back.

    Reading starts again at some points from an earlier one.
    """
    order = draw(st.permutations([n for n, facts in enumerate(topics) for _ in facts]))
    streams = [iter(facts) for facts in topics]
    log = [next(streams[one]) for one in order]
    read, reached = [], 0
    for end in [*sorted(draw(st.lists(st.integers(0, len(log)), max_size=3))), len(log)]:
        read += log[draw(st.integers(0, reached)) : end]
        reached = end
    return read


def in_batches(data, projection, facts):
    """The groups that come of facts, folded a batch at a time."""
    found = {}
    left = list(facts)
    while left:
        size = data.draw(st.integers(1, len(left)))
        found |= fold(projection, found, left[:size])
        left = left[size:]
    return found
