"""`chargewire actions`: what stations can be asked for, and what each takes."""

import click

from chargewire.calls.action_help import action_named, block_of, callable_actions, description
from chargewire.tables.layout import columns
from schemas.catalogue import VERSIONS


@click.command()
@click.argument("action", required=False)
@click.option("--ocpp", type=click.Choice(list(VERSIONS)), help="As it is in this version.")
def actions(action: str | None, ocpp: str | None) -> None:
    """List what stations can be asked for, or tell what one action takes and answers.

    \b
    Examples:
      chargewire actions
      chargewire actions --ocpp 1.6
      chargewire actions SetChargingProfile --ocpp 2.0.1
    """
    known = callable_actions()
    if action is None:
        rows = [["ACTION", "OCPP", "BLOCK"]]
        for name, versions in known.items():
            if ocpp is None or ocpp in versions:
                rows.append([name, ", ".join(versions), block_of(name, versions[-1])])
        for line in columns(rows):
            click.echo(line)
        return
    name = action_named(action)
    versions = known[name]
    if ocpp is not None and ocpp not in versions:
        raise click.UsageError(f"OCPP {ocpp} has no {name} that stations take")
    told: list[list[tuple[str, str, str]]] = []
    for version in (ocpp,) if ocpp else versions:
        said = list(description(name, version))
        if said in told:  # 2.0.1 and 2.1 have most of them alike
            continue
        told.append(said)
        alike = [one for one in versions if list(description(name, one)) == said]
        click.secho(f"{name}, OCPP {', '.join([version] if ocpp else alike)}", bold=True)
        for line in columns([["FIELD", "", "WHAT"], *map(list, said)]):
            click.echo(f"  {line}".rstrip())
        click.echo()
