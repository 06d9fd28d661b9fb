"""deploy/Dockerfile, as it is written; tests/end_to_end/test_image.py builds it."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOCKERFILE = ROOT / "deploy/Dockerfile"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def _arguments() -> dict[str, str]:
    """Name of each build argument -> its default; the first one, where it is named again."""
    found: dict[str, str] = {}
    for name, default in re.findall(r"^ARG (\w+)=?(.*)$", DOCKERFILE.read_text(), re.MULTILINE):
        found.setdefault(name, default)
    return found


def test_the_linter_has_nothing_to_say() -> None:
    """No rule is switched off."""
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [hadolint, "--no-color", DOCKERFILE], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    assert "hadolint ignore" not in DOCKERFILE.read_text()


def test_every_build_argument_is_explained_at_its_head() -> None:
    """So `docker build` can be used by who has read no more than that."""
    head = DOCKERFILE.read_text().partition("\nARG ")[0]
    assert all(re.search(rf"^#   {name} +\w", head, re.MULTILINE) for name in _arguments())
    assert "docker build -f deploy/Dockerfile -t chargewire ." in head


def test_its_defaults_are_those_of_the_project() -> None:
    """The version, extras that there are, and a base that is pinned to the Python of the tests."""
    arguments = _arguments()
    assert arguments["VERSION"] == PROJECT["version"]
    assert {*arguments["EXTRAS"].split(",")} <= PROJECT["optional-dependencies"].keys()
    assert not {"local", "test"} & {*arguments["EXTRAS"].split(",")}
    version = re.fullmatch(r"python:3\.(\d+)-slim-\w+", arguments["BASE"])
    needed = re.fullmatch(r">=3\.(\d+)", PROJECT["requires-python"])
    assert version
    assert needed
    assert version[1] == needed[1]


def test_the_build_sees_no_more_than_the_wheel_is_made_of() -> None:
    """No secret, data or checkout of this machine gets near the image."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    assert rules[0] == "*"
    assert all((ROOT / name).exists() for name in let_in)
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert let_in == packages | {"constraints.txt", "pyproject.toml", PROJECT["readme"]}
