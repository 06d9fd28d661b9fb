"""Sets of sequence numbers, kept as ranges: a long row of them is short to write."""

Ranges = tuple[tuple[int, int], ...]
"""First and last number of each range, in rising order, none touching the next."""


def read(text: str | None) -> Ranges:
    """The set that `write` wrote: "0..5 7" holds 0 to 5, and 7."""
    parts = (part.partition("..") for part in (text or "").split())
    return tuple((int(first), int(last or first)) for first, _, last in parts)


def write(ranges: Ranges) -> str | None:
    """A set as text; None for an empty one."""
    return " ".join(f"{a}..{b}" if a < b else str(a) for a, b in ranges) or None


def union(one: Ranges, other: Ranges) -> Ranges:
    """The numbers that are in either set."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(one + other):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = joined[-1][0], max(joined[-1][1], last)
        else:
            joined.append((first, last))
    return tuple(joined)


def size(ranges: Ranges) -> int:
    """How many numbers there are in a set."""
    return sum(last - first + 1 for first, last in ranges)


def missing(ranges: Ranges) -> int:
    """How many numbers between the first and the last are not in the set."""
    return ranges[-1][1] - ranges[0][0] + 1 - size(ranges) if ranges else 0


def is_late(known: Ranges, added: Ranges) -> bool:
    """Whether some of the added numbers are new, and lower than one that was known before."""
    if not known:
        return False
    highest = known[-1][1]
    below = tuple((first, min(last, highest)) for first, last in added if first < highest)
    return size(union(known, below)) > size(known)
