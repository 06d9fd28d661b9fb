"""The commands that list a table, run on a store with rows of our making."""

import asyncio

from click.testing import CliRunner

from consumers.stores.store import Store
from consumers.tables.projections import fold
from tests.consumers.stored import write


def runner(command, consumer, facts, monkeypatch, folder):
    """Runs the command in a folder where its consumer has folded these facts."""
    monkeypatch.chdir(folder)
    (folder / "data").mkdir()
    asyncio.run(_filled(f"sqlite:///{folder}/data/{consumer.name}.db", consumer, facts))

    def run(*arguments):
        return CliRunner().invoke(command, arguments, terminal_width=200)

    return run


async def _filled(url, consumer, facts):
    store = await Store.open(url, consumer)
    for projection in consumer.projections:
        await write(store, projection, fold(projection, {}, facts))
    await store.close()
