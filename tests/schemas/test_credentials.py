"""How a station's password is kept."""

from schemas.credentials import credential_hash, fits, password_bytes

KEY = bytes(range(16))


def test_a_hash_is_that_of_rfc_4231():
    """Test case 2 of the RFC: any language's library comes to the same."""
    assert credential_hash(b"what do ya want for nothing?", b"Jefe") == (
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )


def test_hex_digits_stand_for_the_bytes_of_an_authorization_key():
    """16 to 20 of them (OCPP 1.6 security whitepaper), in upper or lower case."""
    assert password_bytes(KEY.hex().encode()) == password_bytes(KEY.hex().upper().encode()) == KEY
    assert credential_hash(KEY.hex().encode(), b"s") == credential_hash(KEY, b"s")


def test_any_other_text_is_the_password_itself():
    """Too short, too long, an odd digit, or none at all."""
    for text in (b"00" * 15, b"00" * 21, b"0" * 33, b"correct horse battery staple", b"\xff" * 32):
        assert password_bytes(text) == text


def test_a_password_fits_its_own_hash_alone():
    """In any of its forms; what is no hash fits none."""
    hashed = credential_hash(KEY, b"s")
    assert fits(KEY, b"s", hashed)
    assert fits(KEY.hex().encode(), b"s", hashed)
    for password, salt, other in ((KEY[1:], b"s", hashed), (KEY, b"t", hashed), (KEY, b"s", "")):
        assert not fits(password, salt, other)
    assert not fits(KEY, b"s", "é")
