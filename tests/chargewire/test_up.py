"""`chargewire up`: what reaches the composition."""

import inspect

from chargewire.up import up
from deploy.local.up import run


def test_every_option_is_an_argument_of_the_composition():
    """An option that it does not know would end the start with a traceback."""
    assert {parameter.name for parameter in up.params} <= set(inspect.signature(run).parameters)
