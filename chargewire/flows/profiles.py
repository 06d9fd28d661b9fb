"""A charging profile: put, and held against what the station will do by its own account."""

from collections.abc import Mapping
from typing import Any

from chargewire.flows.schedules import Plan, differences, has_unit, plan
from chargewire.flows.steps import Answer, Flow, Listed, Over, Say, Steps, refused
from chargewire.flows.wording import Words
from consumers.meaning.payloads import Json, integer, items, members, text

DAY_S = 86_400


def parts(words: Words, said: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    """The profile and its place, of a profile alone or of the whole payload that puts it."""
    inner = said.get(words.profile)
    if isinstance(inner, dict):
        return inner, integer(said.get(words.place)) or 0
    return dict(said), 0


class Profile(Flow):
    """Until the station has the profile, and its composite schedule says the same.

    `profile` is the profile alone; `place` is the connector or EVSE, 0 for the whole station.
    """

    def __init__(self, words: Words, profile: Mapping[str, Any], place: int) -> None:
        self._words, self._profile, self._place = words, dict(profile), place
        schedules = [members(one) for one in items(self._profile.get("chargingSchedule"))]
        first: Json = schedules[0] if schedules else {}
        self._unit = text(first.get("chargingRateUnit"))
        self._seconds = min(integer(first.get("duration")) or DAY_S, DAY_S)
        self._is_put = False
        # A default for all connectors limits each; the schedule of 0 is their sum (1.6, 5.7).
        for_each = self._profile.get("chargingProfilePurpose") == "TxDefaultProfile"
        self._looks_at = 1 if place == 0 and for_each else place

    def begin(self) -> Steps:
        return (self._words.put_profile(self._place, self._profile),)

    def answered(self, answer: Answer) -> Steps:
        if self._is_put:
            return self._verified(answer)
        if not answer.is_accepted:
            return (refused(answer),)
        self._is_put = True
        ask = self._words.schedule(self._looks_at, self._seconds, self._unit)
        said = Say("the profile is put; what will the station do?", {"status": answer.status})
        return (said, ask)

    def _verified(self, answer: Answer) -> Steps:
        found = self._plan(answer) if answer.is_accepted else None
        if found is None:
            why = str(answer) if not answer.is_accepted else "it tells no schedule"
            return (Over(False, f"the profile is put, but cannot be verified: {why}"),)
        if not has_unit(self._profile, found.unit):
            text = f"the profile is put, but its schedule is told in {found.unit}"
            return (Listed(found.rows), Over(False, text, {"unit": found.unit}))
        wrong = [*differences(self._profile, found)]
        data = {"differences": len(wrong)}
        if not wrong:
            over = Over(True, "the profile is put, and the schedule says the same", data)
            return (Listed(found.rows), over)
        told = [
            Say(
                f"{one['from']} to {one['until']}: {one['asked']:g} {one['unit']} were asked for,"
                f" {_planned(one['planned'])} planned",
                one,
            )
            for one in wrong
        ]
        spans = "one span" if len(wrong) == 1 else f"{len(wrong)} spans"
        text = f"the profile is put, but the schedule differs in {spans} of time"
        return (Listed(found.rows), *told, Over(False, text, data))

    def _plan(self, answer: Answer) -> Plan | None:
        """1.6 has the beginning beside the schedule, 2.x in it (1.6, 6.22; 2.0.1, 2.18)."""
        said = members(answer.said.get(self._words.composite))
        begin = answer.said.get("scheduleStart") or said.get("scheduleStart")
        return plan(said, begin or said.get("startSchedule"), self._seconds)


def _planned(limit: float | None) -> str:
    return "none is" if limit is None else f"{limit:g} are"
