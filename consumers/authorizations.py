"""Who may charge: the tokens, what they are used for, and what stations know of them themselves."""

from consumers import local_lists, token_uses, tokens
from consumers.projection import Consumer

CONSUMER = Consumer(
    "authorizations",
    (tokens.ISSUED, tokens.ASKED, token_uses.USED, *local_lists.PROJECTIONS),
)
