"""Everything breaks at once, and the books agree; and where they do not, it is told."""

import json
import random
import re
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest

from schemas.topics import partition
from tests.end_to_end.books import LOST, TWICE, WRONG, Difference, differences
from tests.end_to_end.chaos import ledger, plan, verdict
from tests.end_to_end.chaos.breaking import Breaking
from tests.end_to_end.chaos.charger import VERSIONS, Charger, Deed, said
from tests.end_to_end.chaos.disk import Disk
from tests.end_to_end.chaos.ledger import Call, Ledger, Pen
from tests.end_to_end.chaos.network import Network
from tests.end_to_end.chaos.report import Phase, Report
from tests.end_to_end.gateways import PARTITIONS, ROOT, Logged
from tests.end_to_end.load import Said
from tests.gateway.conversation import Conversation
from tests.station import Entry

BOUNDED_S = 2400  # a busy machine takes ten times as long as a quiet one


@pytest.mark.kafka
@pytest.mark.postgres
@pytest.mark.slow
def test_the_books_agree_after_everything_has_broken(tmp_path: Path) -> None:
    """Sixty stations of three versions, two gateways, all consumers; nothing lost, nothing twice.

    `make chaos` is the same at full size, with another seed each time.
    """
    path = tmp_path / "report.json"
    command = [sys.executable, "-m", "tests.end_to_end.chaos", "--report", str(path)]
    size = ["--stations", "60", "--seconds", "20", "--gateways", "2", "--calls", "30"]
    size += ["--seed", "1"]
    done = subprocess.run(
        [*command, *size], cwd=ROOT, timeout=BOUNDED_S, capture_output=True, text=True, check=False
    )
    print(done.stdout)  # noqa: T201 - pytest shows it where the test fails
    assert done.returncode == 0, f"{done.stdout[-8000:]}\n{done.stderr[-4000:]}"
    told = json.loads(path.read_text())
    assert (told["lost"], told["counted_twice"], told["wrong"]) == (0, 0, 0)
    assert told["counts"]["transactions"] > 60
    for kind in plan.KINDS:  # what slows may be more than the kernel or the user allows
        broken = {**told["troubles"], **(told["skipped"] if kind.startswith("slow") else {})}
        assert any(name.startswith(kind) for name in broken), kind


def test_a_plan_has_each_kind_and_comes_again_from_its_seed() -> None:
    """All begin in time, and each has a victim that there is."""
    first, again, other = (plan.plan(seed, 60, 3, gateways=2, consumers=8) for seed in (1, 1, 2))
    assert first == again != other
    assert {one.kind for one in first} == {*plan.KINDS}
    assert len(first) == 20
    assert [one.at_s for one in first] == sorted(one.at_s for one in first)
    for one in first:
        assert 0 <= one.at_s < 60
        assert one.victim < (2 if one.kind.endswith("gateway") else 8)
        _, least_s, most_s = plan.KINDS[one.kind]
        assert least_s <= one.for_s <= most_s


async def test_what_cannot_be_slowed_is_said_and_counted() -> None:
    """No rights, no disk: the reason is told, and the rest of the plan goes on."""
    network, disk = Network(inside=False, why_not="nobody may"), Disk(Path("/proc"))
    assert (network.works, network.how) == (False, "nobody may")
    assert (disk.works, disk.how) == (False, "/proc is on no disk of its own that can be slowed")
    world = SimpleNamespace(network=network, disk=disk)
    breaking = Breaking(world)  # type: ignore[arg-type]
    kinds = [kind for kind in plan.KINDS if kind.startswith("slow")]
    await breaking.perform([plan.Trouble(0.0, kind, 0, 0.0, 0.5) for kind in kinds])
    assert breaking.skipped == dict.fromkeys(kinds, 1)
    assert not breaking.done


def lived(version: str) -> tuple[Charger, list[Deed]]:
    """A station that lived until closing time, and what it said."""
    charger = Charger("CS-1", version, ("A", "B"), random.Random(7))
    deeds = []
    for number in range(200):
        for deed in charger.next(1.8e9 + number, online=number % 9 > 0, closing=number > 150):
            if deed.transaction is not None and deed.transaction.id is None:
                deed.transaction.id = str(number)  # as the gateway's answer does
            deeds.append(deed)
    return charger, deeds


@pytest.mark.parametrize("version", VERSIONS)
def test_a_station_keeps_the_books_of_what_it_says(version: str) -> None:
    """Meter, samples and times of its transactions are those of its CALLs; all of them end."""
    charger, deeds = lived(version)
    assert charger.open is None
    assert len(charger.began) > 10
    for one in charger.began:
        own = [deed for deed in deeds if deed.transaction is one]
        samples = [verdict.sampled(deed.payload) for deed in own]
        assert sum(found[0] for found in samples if found) == one.samples
        assert one.begin < one.end
        assert one.meter_begin < one.meter_end
        first, last = said(own[0]), said(own[-1])
        if version == VERSIONS[0]:
            assert first["meterStart"] == one.meter_begin
            assert (last["meterStop"], last["reason"]) == (one.meter_end, one.reason)
            assert str(last["transactionId"]) == one.id
        else:
            assert [deed.payload["seqNo"] for deed in own] == [*range(len(own))]
            assert last["transactionInfo"]["stoppedReason"] == one.reason
    numbers = [deed.number for deed in deeds]
    assert numbers == sorted(set(numbers))


def test_books_come_back_from_their_file(tmp_path: Path) -> None:
    """What a pen has written, a ledger reads."""
    charger, _ = lived("1.6")
    pen = Pen(tmp_path / "books")
    call = {"station": "CS-1", "id": "1", "action": "Heartbeat", "payload": {}, "answer": None}
    pen.write("call", **call, deed=3, kept=False, sent_s=1.0, answered_s=None)
    pen.write("transaction", **charger.began[0].written())
    pen.write("heard", station="CS-1", command_id="c", message_id="m", at_s=2.0)
    pen.write("away", from_s=3.0, for_s=0.5)
    pen.close()
    books = ledger.read(tmp_path / "books")
    assert books.calls == [Call(Said("CS-1", Entry("1", "Heartbeat", {})), 3, False, 1.0, None)]
    assert books.transactions == charger.began[:1]
    assert [one.command_id for one in books.heard] == ["c"]
    assert books.away_s == [(3.0, 0.5)]


@pytest.fixture
def log() -> list[Logged]:
    """A connection and two Heartbeats, as a session tells them."""
    conversation = Conversation()
    for number in (1, 2):
        conversation.call(str(number), "Heartbeat", {})
    home = partition(b"CS-1", PARTITIONS)
    return [
        Logged(topic, home, 77 + number, b"CS-1", b"value", (), 0, record)
        for number, (topic, record) in enumerate(conversation.events)
    ]


def heard(log: list[Logged]) -> list[Said]:
    """The books of the station: it heard all answers."""
    return [
        Said("CS-1", Entry(one["message_id"], "Heartbeat", {}, [3, one["message_id"], one.payload]))
        for one in log
        if one.record.get("kind") == "result"
    ]


def kinds(books: list[Said], log: list[Logged]) -> list[str]:
    """What is found, in its order."""
    return [one.kind for one in differences(books, log)]


def test_books_that_agree_have_no_differences(log: list[Logged]) -> None:
    """Each CALL once, each answer once; and what the station did not hear is no matter."""
    books = heard(log)
    assert len(books) == 2
    assert kinds(books, log) == []
    unheard = [Said("CS-1", replace(one.entry, answer=None)) for one in books]
    assert kinds(unheard, log[:-1]) == []


def test_whatever_is_wrong_with_the_log_is_a_difference(log: list[Logged]) -> None:
    """A CALL or an answer that is not there, or twice; a gap; an answer of another CALL."""
    books = heard(log)
    for missing in log[1:]:
        assert LOST in kinds(books, [one for one in log if one is not missing])
    for double in log[1:]:
        assert TWICE in kinds(books, [*log, double])
    other = [Said("CS-1", replace(books[0].entry, answer=[3, "1", {"currentTime": "x"}]))]
    assert kinds([*other, books[1]], log) == [WRONG]
    assert kinds(books[1:], log) == [WRONG], "a CALL that nobody has made"
    assert WRONG in kinds(books, [replace(one, partition=one.partition + 1) for one in log])


def test_whatever_is_wrong_with_a_table_is_a_difference() -> None:
    """A row that is missing, one too many, one that says other."""
    wanted = {1: (2, Decimal(5)), 2: (1, Decimal())}
    assert list(verdict.compared("t", wanted, dict(wanted))) == []
    assert [one.kind for one in verdict.compared("t", wanted, {1: wanted[1]})] == [LOST]
    assert [one.kind for one in verdict.compared("t", {1: wanted[1]}, wanted)] == [TWICE]
    assert [one.kind for one in verdict.compared("t", wanted, wanted | {2: 0})] == [WRONG]


def test_a_refused_transaction_is_lost() -> None:
    """A station gives up after a few of them; small talk may be refused."""
    refused = Entry("1", "StopTransaction", {}, [4, "1", "InternalError", "", {}])
    calls = [Call(Said("CS-1", refused), 1, kept, 1.0, 2.0) for kept in (True, False)]
    assert [one.kind for one in verdict.of_refusals(Ledger(calls))] == [LOST]


def test_a_report_says_how_long_it_took_and_what_is_wrong() -> None:
    """Answers by phase; of a deed that was said again, the time from its first CALL."""
    said_ = Said("CS-1", Entry("1", "Heartbeat", {}))
    calls = [
        Call(said_, 1, False, 10.0, None),
        Call(said_, 1, False, 11.0, 11.5),
        Call(said_, 2, False, 21.0, 21.25),
    ]
    report = Report(seed=5, stations=1, seconds=20)
    report.times(Ledger(calls, away_s=[(10.5, 0.25)]), [Phase("a", 10, 20), Phase("b", 20, 30)])
    assert [report.answers[name].p50_ms for name in "ab"] == [500.0, 250.0]
    assert [report.deeds[name].p99_ms for name in "ab"] == [1500.0, 250.0]
    assert [report.away[name].count for name in "ab"] == [1, 0]
    assert report.agrees
    report.differences = [Difference(TWICE, f"row {number}") for number in range(20)]
    assert not report.agrees
    assert report.written()["counted_twice"] == 20
    assert "row 0" in report.text()
    assert "and 8 more" in report.text()
    report.troubles.update({"kill gateway 0": 2, "kill gateway 1": 1, "stop Kafka": 1})
    assert re.search(r"kill gateway +\| +3 \|", report.figures())
