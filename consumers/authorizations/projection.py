"""Who may charge: the tokens, what they are used for, and what stations know of them themselves."""

from consumers.authorizations import token_uses, tokens
from consumers.authorizations.local_lists import contents
from consumers.tables.projections import Consumer

CONSUMER = Consumer(
    "authorizations",
    (tokens.ISSUED, tokens.ASKED, token_uses.USED, *contents.PROJECTIONS),
)
