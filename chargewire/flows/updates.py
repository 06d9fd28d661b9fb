"""What a station does by itself and tells of as it goes: firmware updates, uploads of its log."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from chargewire.flows.events import Event, Place
from chargewire.flows.steps import Answer, Ask, Flow, Over, Say, Steps, Within, refused
from chargewire.flows.wording import Firmware, Words
from consumers.meaning.facts import Connected, Disconnected
from consumers.meaning.payloads import integer, text


@dataclass(frozen=True, slots=True)
class Work:
    """What is told of it, by which actions, and which words are the last ones.

    They are alike in all versions, but for those that a version does not have.
    """

    topic: str
    actions: frozenset[str]
    done: frozenset[str]
    failed: frozenset[str]
    idle: str = "Idle"  # nothing is going on: also before it begins


FIRMWARE = Work(
    "firmware",
    frozenset({"FirmwareStatusNotification", "SignedFirmwareStatusNotification"}),
    frozenset({"Installed"}),
    frozenset(
        {"DownloadFailed", "InstallationFailed", "InstallVerificationFailed", "InvalidSignature"}
    ),
)
LOG = Work(
    "diagnostics",
    frozenset({"DiagnosticsStatusNotification", "LogStatusNotification"}),
    frozenset({"Uploaded"}),
    frozenset(
        {
            *("UploadFailed", "UploadFailure", "BadMessage", "NotSupportedOperation"),
            *("PermissionDenied", "AcceptedCanceled"),
        }
    ),
)
_TAKEN = ("", "Accepted", "AcceptedCanceled")  # the latter: another one was given up for it


class Update(Flow):
    """Until a station tells that its work is done, or has failed."""

    def __init__(
        self, work: Work, ask: Callable[[int], Ask], *, request: int, limit_s: float
    ) -> None:
        self.topics = (work.topic, "connections")
        self._work, self._ask, self._request, self._limit_s = work, ask, request, limit_s
        self._asked_at: Place | None = None
        self._taken = False
        self._told: list[Event] = []  # before it was known whether it is ours
        self._last = ""

    def begin(self) -> Steps:
        return (self._ask(self._request),)

    def answered(self, answer: Answer) -> Steps:
        if not answer.is_answered or answer.status not in _TAKEN:
            return (refused(answer),)
        name = text(answer.said.get("fileName")) or text(answer.said.get("filename"))
        said = f"{answer.status or 'accepted'}" + (f", as {name}" if name else "")
        taken = Say(said, {"status": answer.status, "file": name})
        if self._has_nothing(answer, name):
            return (taken, Over(False, "the station has nothing to upload"))
        self._taken = True
        told, self._told = self._told, []
        return (
            taken,
            Within(self._limit_s),
            *(step for event in told for step in self.told(event)),
        )

    def told(self, event: Event) -> Steps:
        if event.is_question:
            self._asked_at = event.place
        if not self._taken:
            self._told.append(event)
            return ()
        return [*self._news(event)]

    def late(self) -> Steps:
        last = f"the last status is {self._last}" if self._last else "no status has come"
        said = f"not done within {self._limit_s:g} s: {last}. The station may still go on"
        return (Over(False, said, {"status": self._last or None}),)

    def _news(self, event: Event) -> Steps:
        for fact in event.facts:
            match fact:
                case Connected():
                    yield Say("connected again", {"connected": True}, event.at_ms)
                case Disconnected():
                    yield Say("the connection has ended", {"connected": False}, event.at_ms)
        if event.tells(self._work.actions) and self._is_ours(event):
            yield from self._status(text(event.said.get("status")) or "", event.at_ms)

    def _status(self, status: str, at_ms: int) -> Steps:
        self._last = status if status != self._work.idle else self._last
        data = {"status": status}
        yield Say(status, data, at_ms)
        if status in self._work.done:
            yield Over(True, f"done: {status}", data)
        elif status in self._work.failed:
            yield Over(False, f"failed: {status}", data)

    def _is_ours(self, event: Event) -> bool:
        """By its request id; 1.6 has none: then by its place in the log."""
        number = integer(event.said.get("requestId"))
        if number is not None:
            return number == self._request
        return self._asked_at is None or event.place > self._asked_at

    def _has_nothing(self, answer: Answer, name: str | None) -> bool:
        """OCPP 1.6, 5.9: a GetDiagnostics is answered without a name where there is no file."""
        return self._work is LOG and not answer.status and name is None


def firmware(words: Words, what: Firmware, *, request: int, limit_s: float) -> Update:
    """An update of the firmware until it is installed, or will not be."""
    return Update(FIRMWARE, partial(words.firmware, what), request=request, limit_s=limit_s)


def upload(words: Words, kind: str, url: str, *, request: int, limit_s: float) -> Update:
    """The upload of a log until it is there, or will not be."""
    return Update(LOG, partial(words.log, kind, url), request=request, limit_s=limit_s)
