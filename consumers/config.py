"""A consumer's settings, alike for all consumers but for its name."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from consumers.services import SERVICES
from consumers.stores.engines import is_store
from programs import settings_file
from programs.addresses import is_address
from programs.settings import KafkaSettings, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Config(KafkaSettings):
    """All that an operator may choose about a consumer; the variable is CHARGEWIRE_<NAME>."""

    store: str = setting(
        "",
        "where a consumer keeps its tables; empty: a file in the folder `data`",
        allowed="empty, sqlite:///path/of/file or postgresql://user:password@host/database",
        check=lambda url: not url or is_store(url),
    )
    data: str = setting("data", "folder for what is kept on this machine")
    admin: str = setting(
        "",
        "metrics and health over HTTP; empty: a port of its own for each consumer",
        allowed="host:port",
        check=lambda text: not text or is_address(text),
    )
    batch_records: int = setting(
        2000, "records folded at once, at most", unit="records", low=1, high=100_000
    )
    decides: tuple[str, ...] = setting(
        ("Authorize", "StartTransaction", "TransactionEvent"),
        "authorizations: actions that it answers, of those that gateways list as decided",
        allowed="Authorize, StartTransaction, TransactionEvent, or nothing at all",
        check=lambda names: {*names} <= {"Authorize", "StartTransaction", "TransactionEvent"},
    )
    unknown_tokens: str = setting(
        "invalid",
        "authorizations: what is said of a token that nobody has issued",
        choices=("invalid", "accept"),
    )
    free_charging: str = setting(
        "accept",
        "authorizations: what is said where no token is named, or NoAuthorization (2.x)",
        choices=("invalid", "accept"),
    )
    concurrent_use: str = setting(
        "refuse",
        "authorizations: a start with a token that is in use at another place",
        choices=("refuse", "allow"),
    )
    concurrent_use_hours: int = setting(
        24,
        "authorizations: how long a use without an end counts; its stop may be lost",
        unit="hours",
        low=1,
        high=8760,
    )
    local_lists: str = setting(
        "on",
        "authorizations: whether the local lists of stations are kept as their tokens say",
        choices=("on", "off"),
    )
    claim_wait_s: float = setting(
        2,
        "commands: how long a gateway has to take a command before its station counts as offline",
        unit="seconds",
        low=2,  # gateway.calls.CLAIM_TIME_S has to be less
        high=60,
    )
    answer_wait_s: float = setting(
        60,
        "commands: how long a command that was taken may be without a result once it has expired;"
        " more than call_time_s of the gateways",
        unit="seconds",
        low=2,
        high=3600,
    )
    gateway_lost_s: float = setting(
        15,
        "commands: a gateway without a sign of life is gone; signs come every 5 seconds",
        unit="seconds",
        low=12,
        high=600,
    )
    publish: str = setting(
        "auto",
        "whether changed rows are put on topics; auto: of all but append-only tables",
        choices=("auto", "on", "off"),
    )
    readings_kept_days: int = setting(
        0,
        "meter-readings, and unnamed_readings of transactions: how long rows are kept; 0: for ever",
        unit="days",
        low=0,
        high=36_500,
    )
    log_format: str = setting(
        "auto",
        "auto: console on a terminal, JSON elsewhere",
        choices=("auto", "json", "console"),
    )
    log_level: str = setting(
        "info", "least level that is logged", choices=("debug", "info", "warning", "error")
    )


def load(name: str, flags: Mapping[str, object], environ: Mapping[str, str] = os.environ) -> Config:
    """Read the settings of one consumer: flags (by field name), environment, file, defaults.

    Raises SettingsError with every problem in one list.
    """
    return completed(name, settings_file.load(Config, flags, environ))


def completed(name: str, config: Config) -> Config:
    """The settings with what depends on the consumer's name filled in."""
    store = config.store or f"sqlite:///{Path(config.data) / name}.db"
    admin = config.admin or f"0.0.0.0:{SERVICES[name].port}"
    return replace(config, store=store, admin=admin)
