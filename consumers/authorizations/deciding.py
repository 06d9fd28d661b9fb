"""What a station is told of a token: one decision, made of what the tables know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from consumers.authorizations.tokens import compared, is_free
from consumers.meaning.facts import AuthorizationAsked
from consumers.tables.projections import Row

ACCEPTED = "Accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What an operator may choose; each is a setting of the consumer.

    `unknown_tokens` and `free_charging` are invalid or accept, `concurrent_use` refuse or allow.
    """

    unknown_tokens: str = "invalid"
    free_charging: str = "accept"
    concurrent_use: str = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the tables know for one decision.

    `token` is the row of id_tokens; `group` the one of the token that stands for its group, where
    that is issued itself; `use` the row of token_uses that has the transaction. `others` are the
    open uses of the token by any transaction, without those at whose place a later one has begun.
    """

    token: Row | None = None
    group: Row | None = None
    use: Row | None = None
    others: Sequence[Row] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What to tell: `status` in OCPP's words (of 2.x, where they differ); `reason` is our own."""

    status: str
    reason: str
    group: str | None = None
    group_type: str | None = None
    expires_ms: int | None = None


def decide(asked: AuthorizationAsked, known: Known, rules: Rules) -> Verdict:
    """What a station is told that asks so. Time is that of the question, by the gateway's clock.

    Duplicates come first: whoever repeats a start is told the same again, whatever has become of
    the token, or its own transaction would be a concurrent one (MicroOcpp#237). Then the token,
    then its group, then whether it is in use elsewhere.
    """
    if (again := _again(asked, known)) is not None:
        return again
    if is_free(asked.token, asked.token_type):
        return Verdict(status=_allowed(rules.free_charging, "Invalid"), reason="free")
    token = known.token
    if token is None or token["status"] is None:
        verdict = Verdict(status=_allowed(rules.unknown_tokens, "Unknown"), reason="unknown")
    else:
        verdict = _judged(asked, token, known.group)
    if verdict.status == ACCEPTED and rules.concurrent_use == "refuse" and _elsewhere(asked, known):
        return replace(verdict, status="ConcurrentTx", reason="concurrent use", expires_ms=None)
    return verdict


def with_told(use: Row, verdict: Verdict | None) -> Row:
    """The use of a token with what was decided about it, where no answer is in the log yet."""
    if verdict is None or use["status"] is not None:
        return use
    return use | {"status": verdict.status, "token_group": verdict.group}


def group_of(token: Mapping[str, Any] | None) -> str | None:
    """The token that stands for the group of a row of id_tokens, as it is compared."""
    return None if token is None or token["status"] is None else compared(token["group_token"])


def is_start(asked: AuthorizationAsked) -> bool:
    """Whether a transaction begins with the token: Authorize may as well be there to stop one."""
    return asked.transaction is not None


def _allowed(choice: str, otherwise: str) -> str:
    return ACCEPTED if choice == "accept" else otherwise


def _again(asked: AuthorizationAsked, known: Known) -> Verdict | None:
    """What the station was told already of this token in this transaction."""
    use = known.use
    if use is None or use["status"] is None or not _is_of(use, asked) or _was_ended(use, asked):
        return None
    same_group = known.group is not None and known.group["token"] == compared(use["token_group"])
    return Verdict(
        status=use["status"],
        reason="told before",
        group=use["token_group"],
        group_type=known.group["token_type"] if known.group and same_group else None,
        expires_ms=_end(asked, known.token) if use["status"] == ACCEPTED else None,
    )


def _is_of(use: Row, asked: AuthorizationAsked) -> bool:
    """Whether it is the token that the transaction has begun with, and no other presented to it."""
    if is_free(asked.token, asked.token_type):
        return use["token"] is None
    return bool(use["token"] == compared(asked.token))


def _was_ended(use: Row, asked: AuthorizationAsked) -> bool:
    """Whether the transaction was over: a clock of 1970 without a meter makes one id for many."""
    if use["ended_epoch"] is None:
        return False
    ended = use["ended_epoch"], use["ended_sequence"]
    return (asked.at.epoch, asked.at.sequence) > ended


def _judged(asked: AuthorizationAsked, token: Row, group: Row | None) -> Verdict:
    """What is said of an issued token; or of the one that stands for its group, if that is one."""
    verdict = Verdict(
        status=_status(asked, token),
        reason="token",
        group=token["group_token"],
        group_type=group["token_type"] if group else None,
    )
    if verdict.status != ACCEPTED:
        return verdict
    if group is not None and group["status"] is not None:
        status = _status(asked, group)
        if status != ACCEPTED:
            return replace(verdict, status=status, reason="group")
    return replace(verdict, expires_ms=_end(asked, token))


def _status(asked: AuthorizationAsked, token: Row) -> str:
    status: str = token["status"]
    over = token["expires_ms"] is not None and _end(asked, token) is None
    return "Expired" if status == ACCEPTED and over else status


def _end(asked: AuthorizationAsked, token: Row | None) -> int | None:
    """When a token will expire; None where it has, or never will."""
    until_ms: int | None = None if token is None else token["expires_ms"]
    return until_ms if until_ms is not None and asked.at.observed_ms <= until_ms else None


def _elsewhere(asked: AuthorizationAsked, known: Known) -> bool:
    """Whether the token is in use at another place, and that use goes before this one.

    It does where it began earlier, or was accepted before this one was asked about. Of two starts
    at once the earlier one wins (by the gateways' clocks, then by event id), whoever decides first.
    """
    use = known.use
    if not is_start(asked) or (use is not None and not _is_of(use, asked)):
        return False
    mine = asked.at.observed_ms, asked.at.event_id
    if use is not None and use["token_ms"] is not None and not _was_ended(use, asked):
        mine = use["token_ms"], use["token_event_id"]
    return any(
        other["status"] == ACCEPTED
        or (other["status"] is None and (other["token_ms"], other["token_event_id"]) < mine)
        for other in known.others
        if not _is_here(other, asked)
    )


def _is_here(other: Row, asked: AuthorizationAsked) -> bool:
    """Whether another use is over because this one has begun at its place, or is this one."""
    if other["station"] != asked.at.station:
        return False
    place = asked.connector if asked.evse is None else asked.evse
    if place is not None and other["place"] == place:
        return True
    return bool(other["transaction_id"] == asked.transaction)
