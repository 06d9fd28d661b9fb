"""Settings from everywhere they may come from, the configuration file included."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from programs.kafka.tls import TlsFileError
from programs.settings import KafkaSettings, SettingsError, read

_T = TypeVar("_T", bound=KafkaSettings)


def load(cls: type[_T], flags: Mapping[str, object], environ: Mapping[str, str] = os.environ) -> _T:
    """Read ``cls`` from flags, environment and the TOML file of ``--config``/CHARGEWIRE_CONFIG.

    ``flags`` is by field name (None: not given), its ``config`` the file's path. Raises
    SettingsError, also when the file cannot be read or is no TOML, and when a file of
    certificates is no good.
    """
    path = flags.get("config") or environ.get("CHARGEWIRE_CONFIG")
    file: dict[str, object] = {}
    if path:
        try:
            file = tomllib.loads(Path(str(path)).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            reason = getattr(error, "strerror", None) or error
            if isinstance(error, UnicodeDecodeError):
                reason = "it is no UTF-8"
            named = f"CHARGEWIRE_CONFIG = {str(path)!r}"
            raise SettingsError([f"{named}: must be a TOML file that can be read: {reason}"]) from (
                error
            )
    made = read(cls, flags=flags, environ=environ, file=file)
    try:
        made.client_options()
    except TlsFileError as error:
        raise SettingsError([str(error)]) from error
    return made
