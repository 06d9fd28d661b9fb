"""What a program can do only where an extra of the distribution is installed."""

from importlib.util import find_spec

TRACING = "'chargewire[tracing]'"
_OF_TRACING = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")


def has_tracing() -> bool:
    """Whether traces can be made and sent; to be asked only where they are wanted."""
    try:
        return all(find_spec(name) is not None for name in _OF_TRACING)
    except ModuleNotFoundError:  # of what it is a part of
        return False
