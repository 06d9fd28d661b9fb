"""Runs the console: builds its parts, serves, follows the log, ends."""

import asyncio
import signal
import time
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import structlog
import uvloop

from chargewire.calls.asking import put
from chargewire.console import guard
from chargewire.console.app import Pages
from chargewire.console.config import Config, is_token, span_ms
from chargewire.console.feed import Feed
from chargewire.console.following import Follower
from chargewire.console.model import SHOWN, Model
from chargewire.console.server import Commanding, application
from programs import registry
from programs.log_lines import set_up
from programs.operators_port import Admin
from programs.settings import SettingsError

log = structlog.get_logger("console")


def completed(config: Config) -> Config:
    """The settings with the token out of its file. Raises SettingsError."""
    if not config.console_token_file:
        return config
    name = "CHARGEWIRE_CONSOLE_TOKEN_FILE"
    if config.console_token:
        raise SettingsError([f"{name}: there is CHARGEWIRE_CONSOLE_TOKEN already; one of them"])
    try:
        token = Path(config.console_token_file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise SettingsError([f"{name}={config.console_token_file}: {reason}"]) from error
    if not is_token(token):
        text = "must hold 16 to 200 printable characters without a blank"
        raise SettingsError([f"{name}={config.console_token_file}: {text}"])
    return replace(config, console_token=token)


def run(config: Config) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code. The settings are complete."""
    set_up(config.log_level, config.log_format)

    async def until_signal() -> int:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        return await _served(config, stop)

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(until_signal())
    except registry.RegistryError as error:
        log.error("cannot start", problem=str(error))
        return 1


async def _served(config: Config, stop: asyncio.Event) -> int:
    codec = await registry.codec(config)
    ids = registry.builtin_ids() if not config.schema_registry else {}
    started_ms = time.time_ns() // 1_000_000
    # Numbers of a later run are higher, so that a browser that comes back is not confused.
    model = Model(config, first=started_ms * 1000)
    feed = Feed(model.recent)
    since_ms = started_ms - (span_ms(config.console_since) or 0)
    follower = Follower(config, codec, model, feed, since_ms=since_ms)

    def about() -> dict[str, Any]:
        unready = follower.unready()
        return {
            "name": "chargewire",
            "version": metadata.version("chargewire"),
            "prefix": config.prefix,
            "may_command": bool(config.console_token),
            "started_ms": started_ms,
            "ready": not unready,
            "problems": unready,
            "read": {"records": follower.records, "behind": follower.behind},
            "keeps": {
                "frames_per_station": config.console_frames,
                "events": config.console_events,
                "since_ms": since_ms,
            },
            "topics": sorted(SHOWN),
        }

    app = application(
        Pages(model, feed, about, ids),
        Commanding(model, config.console_token, lambda command: put(config, [command])),
        unready=follower.unready,
        hosts=guard.hosts(config.console_listen, config.console_hosts),
    )
    admin = Admin(config.console_listen, app)
    try:
        await admin.start()
    except OSError as error:
        where = f"CHARGEWIRE_CONSOLE_LISTEN={config.console_listen}"
        log.error("cannot start", problem=f"{where}: {error.strerror}")
        return 1
    log.info("started", listen=config.console_listen, commands=bool(config.console_token))
    following = asyncio.create_task(follower.run())
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({following, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if following.done():
            following.result()  # it only ends for a bug
    finally:
        feed.close()
        following.cancel()
        stopping.cancel()
        await asyncio.wait({following, stopping})
        await admin.stop()
    log.info("ended")
    return 0
