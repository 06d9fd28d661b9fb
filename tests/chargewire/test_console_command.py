"""`chargewire console`, as an operator calls it."""

from pathlib import Path

from click.testing import CliRunner

from chargewire.cli import chargewire


def run(*arguments: str, **environ: str):
    return CliRunner().invoke(chargewire, ["console", *arguments], env=environ)


def test_it_teaches_how_it_is_used() -> None:
    """Where it is, what a token is for, who may look."""
    shown = run("--help").output
    assert "http://localhost:9200/#token=TOKEN" in shown
    assert "CHARGEWIRE_CONSOLE_TOKEN" in shown
    assert "Everybody who reaches the port" in shown


def test_a_configuration_is_checked_without_a_kafka() -> None:
    """Right, or wrong with the names of all that is wrong."""
    assert run("--check").output == "The configuration is right.\n"
    wrong = run("--check", "--since", "soon", CHARGEWIRE_CONSOLE_TOKEN="short")
    assert wrong.exit_code == 2
    assert "--since (CHARGEWIRE_CONSOLE_SINCE)" in wrong.output
    assert "CHARGEWIRE_CONSOLE_TOKEN" in wrong.output


def test_a_token_file_that_is_none_is_named(tmp_path: Path) -> None:
    """Before anything is started."""
    absent = run("--check", "--token-file", str(tmp_path / "absent"))
    assert absent.exit_code == 2
    assert "CHARGEWIRE_CONSOLE_TOKEN_FILE" in absent.output
