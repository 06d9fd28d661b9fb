"""How a station's password is kept: salted and hashed, the same for who writes and who checks."""

import hashlib
import hmac
import re

SALT_BYTES = 16
PASSWORD_BYTES_MIN = 16  # OCPP 2.0.1 part 2 A00.FR.205, 1.6 security whitepaper: AuthorizationKey
# AuthorizationKey of OCPP 1.6 travels as the hex digits of 16 to 20 bytes; as text it is what 2.x
# calls BasicAuthPassword.
_HEX = re.compile(rb"(?:[0-9A-Fa-f]{2}){16,20}")


def password_bytes(text: bytes) -> bytes:
    """The bytes that are hashed: those that 32 to 40 hex digits stand for, else the text itself."""
    return bytes.fromhex(text.decode()) if _HEX.fullmatch(text) else text


def credential_hash(password: bytes, salt: bytes) -> str:
    """HMAC-SHA-256 (RFC 2104) of what `password_bytes` makes of a password, in hex digits.

    A fast hash is right: these are long random values, and a fleet that comes back at once must be
    let in at once.
    """
    return hmac.new(salt, password_bytes(password), hashlib.sha256).hexdigest()


def fits(password: bytes, salt: bytes, hashed: str) -> bool:
    """Whether a password is the one that was hashed; how long that takes does not tell how near."""
    return hmac.compare_digest(credential_hash(password, salt).encode(), hashed.encode())
