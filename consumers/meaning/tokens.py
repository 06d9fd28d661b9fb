"""What is asked and answered of tokens, in frames of any version."""

from consumers.meaning.facts import AuthorizationAnswered, AuthorizationAsked
from consumers.meaning.frames import Facts, Frame
from consumers.meaning.payloads import identifier, members, text


def authorize(frame: Frame) -> Facts:
    """Authorize of 1.6."""
    yield asked(frame, frame.said.get("idTag"))


def authorize_2(frame: Frame) -> Facts:
    """Authorize of 2.x."""
    yield asked(frame, *id_token(frame.said.get("idToken")))


def authorized(frame: Frame) -> Facts:
    """The answer to an Authorize of 1.6, or an error in its place."""
    if frame.call is None:
        return
    info = members(frame.said.get("idTagInfo"))
    yield AuthorizationAnswered(
        frame.at,
        token=identifier(frame.call.get("idTag")),
        status=text(info.get("status")),
        group=text(info.get("parentIdTag")),
    )


def authorized_2(frame: Frame) -> Facts:
    """The answer to an Authorize of 2.x, or an error in its place."""
    if frame.call is None:
        return
    token, token_type = id_token(frame.call.get("idToken"))
    info = members(frame.said.get("idTokenInfo"))
    group, _ = id_token(info.get("groupIdToken"))
    yield AuthorizationAnswered(
        frame.at,
        token=identifier(token),
        token_type=token_type,
        status=text(info.get("status")),
        group=group,
    )


def asked(  # noqa: PLR0913 - the fields of the fact
    frame: Frame,
    token: object,
    token_type: str | None = None,
    *,
    transaction: str | None = None,
    evse: int | None = None,
    connector: int | None = None,
    offline: bool | None = None,
) -> AuthorizationAsked:
    """That a CALL names a token, and until when a service may decide about it."""
    record = frame.record
    return AuthorizationAsked(
        frame.at,
        version=record["ocpp_version"],
        action=record["action"],
        # It is a key of tables: so it is cut where it is longer than any index takes.
        token=identifier(token),
        token_type=token_type,
        decide_by_ms=record["decision_by"],
        transaction=transaction,
        evse=evse,
        connector=connector,
        offline=offline,
    )


def id_token(value: object) -> tuple[str | None, str | None]:
    """The token and the type of an IdTokenType of 2.x; a text alone is a token."""
    if isinstance(value, str):
        return text(value), None
    token = members(value)
    return text(token.get("idToken")), text(token.get("type"))
