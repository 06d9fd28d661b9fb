"""The real services which tests run against: each is started when a test first asks for it."""

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings

from deploy.local.kafka import Broker
from tests.cluster import NEVER_FENCED, SOON_FENCED, Cluster
from tests.postgres import Postgres
from tests.registry import Registry

_Kafka = TypeVar("_Kafka", Broker, Cluster)

# How long an example took, or to think of one, says what else the machine had to do.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first: else one process waits in the end while another works them off."""
    items.sort(key=lambda item: "end_to_end" not in item.path.parts)


# The fixtures are synchronous and own processes, not connections: no event loop is tied to them.


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """The broker that all tests share: use topics below `prefix`, and leave it running."""
    yield from _started(Broker(tmp_path_factory.mktemp("kafka"), 0, options=NEVER_FENCED))


@pytest.fixture
def prefix() -> str:
    """A topic prefix which no other test has."""
    return f"t-{uuid.uuid4().hex[:12]}."


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker of the test's own, to be killed, paused and started again."""
    yield from _started(Broker(tmp_path / "kafka", 0, options=SOON_FENCED))


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Three brokers; the first is the controller, so kill one of the others."""
    yield from _started(Cluster(tmp_path / "cluster"))


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A schema registry with compatibility FULL_TRANSITIVE."""
    registry = Registry(tmp_path_factory.mktemp("registry"))
    registry.start()
    yield registry
    registry.kill()


@pytest.fixture(scope="session")
def _postgres() -> Iterator[Postgres]:
    """The server that all tests share."""
    yield from _running(Postgres())


@pytest.fixture
def postgres(_postgres: Postgres) -> str:
    """The URL of an empty PostgreSQL database which no other test has."""
    return asyncio.run(_postgres.database())


@pytest.fixture
def postgres_server() -> Iterator[Postgres]:
    """A PostgreSQL of the test's own, to be stopped, killed and started again."""
    yield from _running(Postgres())


def _running(server: Postgres) -> Iterator[Postgres]:
    try:
        server.start()
        yield server
    finally:
        server.remove()


def _started(kafka: _Kafka) -> Iterator[_Kafka]:
    asyncio.run(kafka.start())
    yield kafka
    kafka.kill()
