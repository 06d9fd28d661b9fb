"""The documents: links that lead somewhere, and commands that exist."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import click
import pytest

from chargewire.cli import chargewire

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_TARGET = re.compile(r"^([a-z0-9]+):", re.MULTILINE)
# After two blanks, our own pages explain what a command does.
_EXPLANATION = re.compile(r"\s{2,}.*")
_TYPED = re.compile(r"\s*(?:\$ )?(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?chargewire (?P<rest>.+)")


def _prose(page: Path) -> str:
    """The page without its blocks of code."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def _anchors(page: Path) -> set[str]:
    """What GitHub makes of the headings."""
    kept = (re.sub(r"[^\w\- ]", "", name.lower()) for name in _HEADING.findall(_prose(page)))
    return {name.replace(" ", "-") for name in kept}


def _bare(line: str) -> str:
    """The command line without what explains it, and without where its output goes."""
    return _EXPLANATION.sub("", line).split(" | ")[0].split(" > ")[0]


def _commands(page: Path) -> Iterator[str]:
    """Every command line of chargewire on the page: in code blocks of a shell, and in `code`."""
    text = page.read_text(encoding="utf-8")
    blocks = [body for language, body in _FENCE.findall(text) if language in ("", "sh", "console")]
    lines = [line for body in blocks for line in body.splitlines()]
    running = re.sub(
        r"(?<!\n)\n(?!\n)", " ", _prose(page)
    )  # a command may be broken over two lines
    lines += re.findall(r"`([^`\n]+)`", running)
    for line in lines:
        if typed := _TYPED.match(line):
            yield _bare(typed["rest"])


def _examples(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[str]:
    """The command lines in the help of a command and of all below it."""
    for line in (command.help or "").splitlines():
        if typed := _TYPED.match(line):
            yield _bare(typed["rest"])
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _examples(inner, (*path, name))


def _parse(line: str) -> None:
    """Let click read the words as it would when typed, without running anything."""
    words = shlex.split(line, comments=True)
    command: click.Command = chargewire
    context = click.Context(chargewire, info_name="chargewire")
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        inner = command.get_command(context, words[0])
        if inner is None:
            raise click.UsageError(f"no command {words[0]}")
        command, words = inner, words[1:]
        context = click.Context(command, parent=context)
    if not words or words == ["--help"]:
        return
    command.parse_args(context, list(words))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """To a file that is there, and a heading that it has."""
    broken = []
    for link in _LINK.findall(_prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = unquote(link).partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist(page: Path) -> None:
    """With these options and arguments; click would take each line as it stands."""
    for line in _commands(page):
        try:
            _parse(line)
        except click.ClickException as error:
            pytest.fail(f"chargewire {line}: {error.format_message()}")


def test_examples_of_the_help_exist() -> None:
    """Those that a person copies from the terminal."""
    found = list(_examples(chargewire))
    assert len(found) > 15
    for line in found:
        _parse(line)


@pytest.mark.parametrize("line", ["tial", "tail --fro x", "topics aply", "stations here"])
def test_a_command_that_does_not_exist_is_found(line: str) -> None:
    """Or the tests above would not see one."""
    with pytest.raises(click.UsageError):
        _parse(line)


def test_make_targets_exist() -> None:
    """`make x` in a document is a target of the Makefile, and its head lists all that are shown."""
    makefile = (ROOT / "Makefile").read_text()
    targets = set(_TARGET.findall(makefile))
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        named = set(re.findall(r"(?:^\$ |`)make ([a-z0-9]+)", text, re.MULTILINE))
        assert named <= targets, page.name
    listed = set(re.findall(r"^#   make ([a-z0-9]+)", makefile, re.MULTILINE))
    assert listed <= targets


def test_the_readme_shows_how_to_begin() -> None:
    """The two commands, and commands of chargewire that the tests above look at."""
    readme = PAGES[0].read_text(encoding="utf-8")
    assert "$ make run" in readme
    assert "$ make test" in readme
    assert len(list(_commands(PAGES[0]))) > 8
