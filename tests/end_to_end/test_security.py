"""A gateway process that speaks TLS, with workers on a real Kafka: who is let in, and the log."""

import asyncio
import os
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from deploy.local.kafka import Broker
from schemas.credentials import credential_hash
from tests.certificates import Authority, Issued, basic
from tests.end_to_end.gateways import Fleet, Logged, send, until
from tests.station import PATIENCE_S, Station

pytestmark = pytest.mark.kafka

KEY = bytes(range(240, 256))


@pytest.fixture
async def fleet(kafka: Broker, prefix: str, tmp_path: Path) -> AsyncIterator[Fleet]:
    """Topics, and no gateway yet."""
    async with Fleet(kafka.bootstrap, prefix, tmp_path) as fleet:
        await fleet.topics()
        yield fleet


async def provide(fleet: Fleet, station: str, profile: int, key: bytes | None = None) -> None:
    """Say what the platform knows of a station, as `chargewire stations put` does."""
    record: dict[str, object] = {"station": station, "security_profile": profile}
    if key is not None:
        record["credential_hash"] = credential_hash(key, b"salt")
        record["credential_salt"] = b"salt".hex()
    await send(fleet.bootstrap, fleet.prefix, "stations", station, **record)


def put(issued: Issued, certificate: Path, key: Path) -> None:
    """Replace the files of the gateway, as cert-manager does."""
    for source, target in ((issued.key, key), (issued.certificate, certificate)):
        made = target.with_suffix(".new")
        made.write_bytes(source.read_bytes())
        os.replace(made, target)


def served(port: int, context: ssl.SSLContext) -> str:
    """The serial number of the certificate that the gateway shows."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as raw:
        with context.wrap_socket(raw, server_hostname="127.0.0.1") as secured:
            found = secured.getpeercert()
    assert found is not None
    return str(found["serialNumber"])


async def test_only_who_proves_it_is_a_station(fleet: Fleet, tmp_path: Path) -> None:
    """Password and certificate over TLS; the events have profiles and reasons, and no secret.

    Certificates change meanwhile, and more is asked of a station.
    """
    authority, certificate, key = Authority(tmp_path), tmp_path / "tls.crt", tmp_path / "tls.key"
    put(authority.issue("gateway"), certificate, key)
    for station, profile, password in (("CS-1", 2, KEY), ("CS-2", 3, None), ("CS-3", 2, KEY)):
        await provide(fleet, station, profile, password)
    gateway = await fleet.start(
        tls_certificate=certificate,
        tls_key=key,
        tls_client_authorities=authority.file,
        unknown_stations="refuse",
        security_profile_min=2,
        workers=2,
        log_level="debug",
    )
    url, plain = gateway.url.replace("ws://", "wss://"), authority.trusting()
    own = authority.trusting(authority.issue("CS-2"))

    # Known as soon as the gateway is ready, by password or by certificate.
    first = await Station.connect(url, "CS-1", headers=basic("CS-1", KEY.hex().encode()), ssl=plain)
    second = await Station.connect(url, "CS-2", ssl=own)
    third = await Station.connect(url, "CS-3", headers=basic("CS-3", KEY), ssl=plain)
    assert all([(await one.call("Heartbeat")).ok for one in (first, second, third)])

    for station, options, status in (
        ("CS-1", {"ssl": plain, "headers": basic("CS-1", b"wrong")}, 401),
        ("CS-1", {"ssl": own}, 401),
        ("CS-2", {"ssl": plain, "headers": basic("CS-2", KEY)}, 403),
        ("CS-9", {"ssl": plain, "headers": basic("CS-9", KEY)}, 401),
    ):
        with pytest.raises(InvalidStatus) as caught:
            await Station.connect(url, station, **options)
        assert caught.value.response.status_code == status

    # A higher profile than the connection has ends it.
    await provide(fleet, "CS-3", 3, KEY)
    assert await third.closed() == (1008, "security_profile")

    # New files are served to who comes from then on, by each worker; open connections go on.
    newer = authority.issue("gateway")
    put(newer, certificate, key)
    number = f"{newer.made.serial_number:X}"

    async def all_serve() -> bool:
        seen = {await asyncio.to_thread(served, gateway.port, plain) for _ in range(8)}
        return {one.lstrip("0") for one in seen} == {number}

    await until(all_serve, "the old certificate is still served", 3 * PATIENCE_S)
    assert (await first.call("Heartbeat")).ok

    for station in (first, second):
        await station.close()
    records = await fleet.logged(
        lambda found: sum(one["type"] == "disconnected" for one in found) >= 3, "connections"
    )
    profiles = {one["station"]: one["security_profile"] for one in records if _opened(one)}
    assert profiles == {"CS-1": 2, "CS-2": 3, "CS-3": 2}
    refusals = await fleet.logged(lambda found: len(found) >= 4, "refusals")
    assert Counter(one["reason"] for one in refusals) == Counter(
        password=1, no_password=1, no_certificate=1, unknown_station=1
    )
    counted = {
        'refusals_total{reason="unknown_station"}': 1,
        "certificates_expiring": 2,  # of two workers: the tests' end in a day
    }

    async def told_by_both() -> bool:
        return counted.items() <= (await gateway.metrics()).items()

    await until(told_by_both, f"not {counted}")
    told = gateway.said().encode() + b"".join(one.value for one in await fleet.log())
    for secret in (KEY.hex().encode(), basic("CS-1", b"wrong")["Authorization"][6:].encode()):
        assert secret not in told


def _opened(one: Logged) -> bool:
    return bool(one["type"] == "connected")
