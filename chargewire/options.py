"""Options that several commands share, and the settings that they and the environment make."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from programs.settings import KafkaSettings, SettingsError
from programs.settings_file import load

_S = TypeVar("_S", bound=KafkaSettings)
_F = TypeVar("_F", bound=Callable[..., Any])


class WrongSettings(click.ClickException):
    """Everything that is wrong with the configuration, one line each."""

    exit_code = 2

    def __init__(self, problems: tuple[str, ...]) -> None:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        hint = "See `chargewire config show --all` for every setting with its default."
        super().__init__(f"the configuration cannot be used:\n{lines}\n{hint}")


def kafka_options(command: _F) -> _F:
    """Give a command what it needs to reach the log."""
    for option in reversed(
        (
            click.option("--kafka", metavar="HOST:PORT,…", help="Brokers to begin with."),
            click.option("--prefix", metavar="TEXT", help="What every topic name begins with."),
            click.option("--schema-registry", metavar="URL", help="A schema registry."),
            click.option(
                "--kafka-option",
                "options",
                metavar="NAME=VALUE",
                multiple=True,
                help="A Kafka client option under Kafka's own name, such as"
                " security.protocol=SASL_SSL. May be repeated.",
            ),
            config_option,
        )
    ):
        command = option(command)
    return command


def config_option(command: _F) -> _F:
    """Give a command the option that names a configuration file."""
    path = click.Path(dir_okay=False)
    text = "TOML file with settings (CHARGEWIRE_CONFIG)."
    return click.option("--config", type=path, help=text)(command)


def settings(cls: type[_S], flags: Mapping[str, object]) -> _S:
    """Read settings from flags, environment and file; WrongSettings names all that is wrong."""
    given = dict(flags)
    pairs: Any = given.pop("options", ())
    problems = [f"--kafka-option {pair}: must be NAME=VALUE" for pair in pairs if "=" not in pair]
    given["options"] = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    try:
        made = load(cls, given)
    except SettingsError as error:
        raise WrongSettings((*problems, *error.problems)) from error
    if problems:
        raise WrongSettings(tuple(problems))
    return made
