"""Which chargewire this is."""

from importlib.metadata import version

VERSION = version("chargewire")
