"""Steps of a flow as a person or a program sees them."""

import json

from chargewire.flows.steps import Ask, Listed, Look, Over, Say, Within
from chargewire.flows.views import View

STEPS = (
    Ask("Reset", {"type": "Hard"}),
    Within(5),
    Look(0),
    Say("it\x1b goes", {"status": "Going"}, 1_795_262_400_123),
    Listed([{"key": "A", "value": None}, {"key": "B", "value": 1.5}]),
    Over(True, "done", {"energy_wh": 5}),
)
NOW = 1_795_262_460_000


def shown(capsys, form="text", *, is_table=False):
    view = View("start", "CS-1", form=form, is_table=is_table, now_ms=lambda: NOW)
    assert not view.asked
    for step in STEPS:
        view.show(step)
    assert view.asked
    found = capsys.readouterr()
    return found.out.splitlines(), found.err.splitlines()


def test_a_person_sees_lines_with_their_time(capsys) -> None:
    """Of the event where there is one; what a station wrote steers no terminal."""
    out, err = shown(capsys)
    assert out == [
        "12:01:00  asks for Reset",
        "12:00:00  it\N{REPLACEMENT CHARACTER} goes",
        "KEY  VALUE",
        "A",
        "B    1.5",
        "12:01:00  done",
    ]
    assert err == []


def test_a_program_reads_objects(capsys) -> None:
    """Each with who and what; the last tells whether it is reached."""
    out, _ = shown(capsys, "json")
    first, second, listed, last = map(json.loads, out)
    assert first | {"station": "CS-1", "flow": "start", "asked": "Reset"} == first
    assert second | {"at": "2026-11-21T12:00:00.123Z", "status": "Going"} == second
    assert listed["rows"] == [{"key": "A", "value": None}, {"key": "B", "value": 1.5}]
    assert last | {"reached": True, "said": "done", "energy_wh": 5} == last


def test_where_the_table_is_what_is_wanted_it_stands_alone(capsys) -> None:
    """How it goes is for whoever watches."""
    out, err = shown(capsys, "csv", is_table=True)
    assert out == ["key,value", "A,", "B,1.5"]
    assert [line[10:] for line in err][-1] == "done"
    out, _ = shown(capsys, "json", is_table=True)
    assert [json.loads(line)["key"] for line in out] == ["A", "B"]
    out, _ = shown(capsys, is_table=True)
    assert len(out) == 3
