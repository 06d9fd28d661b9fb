"""The secrets that commands may name: files of a folder that the operator mounts."""

import re
from pathlib import Path

import structlog

# A file of the folder itself: no way out of it, and nothing that is hidden there.
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")
SIZE_MAX = 65_536  # bytes; certificates and keys are far below

log = structlog.get_logger(__name__)


class Vault:
    """Looks secrets up by name; without a folder it has none.

    A file is read each time, so that one that is replaced holds for the next command.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self.missing = 0  # times that there was none

    def __call__(self, name: str) -> str | None:
        """The text of the secret, without the line end after it; None where there is none."""
        text = self._text(name)
        self.missing += text is None
        return text

    def _text(self, name: str) -> str | None:
        if not self._folder or _NAME.fullmatch(name) is None:
            return None
        try:
            with (Path(self._folder) / name).open("rb") as file:
                text = file.read(SIZE_MAX + 1).decode()
        except (OSError, UnicodeDecodeError) as error:
            log.warning("a secret cannot be read", secret=name, error=type(error).__name__)
            return None
        return text.removesuffix("\n").removesuffix("\r") if len(text) <= SIZE_MAX else None
