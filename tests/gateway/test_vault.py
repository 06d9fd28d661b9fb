"""Secrets by name, from files of one folder."""

import pytest

from gateway.vault import SIZE_MAX, Vault


def test_a_secret_is_the_text_of_its_file(tmp_path):
    """Without the line end that editors add, and as it is now."""
    (tmp_path / "cs-1.key").write_text("s3cr3t\n")
    vault = Vault(str(tmp_path))
    assert vault("cs-1.key") == "s3cr3t"
    (tmp_path / "cs-1.key").write_text("other \r\n")
    assert vault("cs-1.key") == "other "


@pytest.mark.parametrize("name", ["", ".", "..", "../key", "a/key", ".hidden", "a\\b", "k" * 200])
def test_no_name_leads_out_of_the_folder(tmp_path, name):
    """Nor to what is hidden in it."""
    (tmp_path / "inner").mkdir()
    (tmp_path / "key").write_text("s3cr3t")
    (tmp_path / "inner" / ".hidden").write_text("s3cr3t")
    assert Vault(str(tmp_path / "inner"))(name) is None


def test_what_is_not_there_or_no_text_is_no_secret(tmp_path):
    """And no error: the command is invalid."""
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    (tmp_path / "large").write_bytes(b"x" * (SIZE_MAX + 1))
    (tmp_path / "folder").mkdir()
    vault = Vault(str(tmp_path))
    assert [vault(name) for name in ("none", "bytes", "large", "folder")] == [None] * 4
    assert vault.missing == 4, "an operator is told"
    assert Vault("")("key") is None
