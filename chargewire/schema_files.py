"""Writes the Avro schemas, their ids and docs/events.md; `make schemas` runs it.

A schema whose content has changed becomes a new version with an id of its own, and the version
before moves to avro/history. A change that readers or writers in the field could not live with is
refused.
"""

from pathlib import Path

import click

from consumers.services import SERVICES
from consumers.tables import schemas as table_schemas
from schemas import generate, lock, records
from schemas.event_docs import document
from schemas.lock import Schema

ROOT = Path(__file__).parent.parent


def tables() -> dict[str, Schema]:
    """Topic -> schema of every table that consumers publish, as they declare them."""
    return {
        table_schemas.topic(table.name): table_schemas.schema(table, consumer.name)
        for consumer in (service.consumer for service in SERVICES.values())
        for table in consumer.tables
        if table.name in consumer.published
    }


def wanted() -> dict[Path, str]:
    """What every file is to hold. Raises generate.Incompatible."""
    declared = {topic: records.schema(topic) for topic in records.DECLARED}
    found = generate.files(lock.DIRECTORY, declared | tables())
    found[ROOT / "docs" / "events.md"] = document(tables())
    return found


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail where something is out of date.")
def main(*, check: bool) -> None:
    """Write the Avro schemas, their ids and docs/events.md."""
    try:
        found = wanted()
    except generate.Incompatible as error:
        raise click.ClickException(
            "readers or writers of what is published would break. Leave that as it is, and add new "
            "nullable fields beside it.\n" + "\n".join(error.problems)
        ) from None
    stale = generate.stale(found)
    for path in stale:
        click.echo(f"{'out of date' if check else 'written'}: {path.relative_to(ROOT)}")
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(found[path], encoding="utf-8")
    if check and stale:
        raise click.ClickException("run `make schemas`")


if __name__ == "__main__":
    main()
