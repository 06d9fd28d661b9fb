"""The operator's command: its subcommands by name, imported when they are wanted."""

import errno
import os
from importlib import import_module, metadata
from typing import Any

import click
from click.exceptions import NoSuchCommand

# Command: (module, attribute, what it does). With the text here, `chargewire --help` imports none.
_COMMANDS = {
    "up": ("chargewire.up", "up", "Everything on this machine: Kafka, gateway, stations."),
    "gateway": ("chargewire.gateway_command", "gateway", "Run the gateway."),
    "consume": ("chargewire.consume_command", "consume", "Fold the log into tables."),
    "transactions": (
        "chargewire.transactions.command",
        "transactions",
        "Who charged what, when and where.",
    ),
    "readings": (
        "chargewire.readings.command",
        "readings",
        "What meters told, to look at or to take away.",
    ),
    "reservations": (
        "chargewire.reservations",
        "reservations",
        "What is reserved for whom, and until when.",
    ),
    "commands": (
        "chargewire.commands",
        "commands",
        "What stations were asked to do, and what came of it.",
    ),
    "stations": (
        "chargewire.stations.command",
        "stations",
        "Who is connected where, and their status.",
    ),
    "call": (
        "chargewire.calls.command",
        "call",
        "Ask a station for something, and see what it answers.",
    ),
    "console": ("chargewire.console_command", "console", "The fleet in a browser."),
    "flow": (
        "chargewire.flows.commands",
        "flow",
        "What takes more than one frame, from the first call to its end.",
    ),
    "actions": ("chargewire.calls.actions", "actions", "What stations can be asked for."),
    "tokens": ("chargewire.tokens.command", "tokens", "Who may charge, and who tried in vain."),
    "tail": ("chargewire.log.tail", "tail", "Events as they happen, one readable line each."),
    "topics": (
        "chargewire.topics",
        "topics",
        "Create the topics, and keep them as they should be.",
    ),
    "schemas": ("chargewire.schemas_command", "schemas", "The record schemas of the topics."),
    "config": ("chargewire.config_command", "config", "Which settings are in force."),
    "health": ("chargewire.health", "health", "Whether a program on this machine is ready."),
    "size": ("chargewire.size.command", "size", "What a fleet of so many stations needs."),
    "simulate": (
        "chargewire.simulate",
        "simulate_command",
        "Simulated stations alone, at a gateway anywhere.",
    ),
}


class _Commands(click.Group):
    """Knows its commands by name; their modules wait until they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, attribute, _ = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except NoSuchCommand as error:  # which looks for what is near among commands made already
            raise NoSuchCommand(error.command_name, possibilities=_COMMANDS, ctx=ctx) from None

    def invoke(self, ctx: click.Context) -> Any:
        if os.environ.get("NO_COLOR"):  # no-color.org: whatever the terminal can do
            ctx.color = False
        try:
            return super().invoke(ctx)
        except OSError as error:  # of whatever the output is redirected to
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise click.ClickException(f"what was found cannot be written: {error.strerror}") from (
                error
            )

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in _COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(metadata.version("chargewire"), "--version", message="chargewire %(version)s")
def chargewire() -> None:
    """An OCPP gateway whose memory is a Kafka log.

    \b
    To try it on this machine, without anything else:
      chargewire up
    then, in a second terminal:
      chargewire stations
      chargewire tail
    """
