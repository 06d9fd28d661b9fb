"""Log lines: JSON where a program reads them, coloured columns where a person does.

Fields are few and named alike everywhere: station, connection, action, message_id. What stations
say is in the log on Kafka, with its secrets redacted; here it never is.
"""

import logging
import os
import sys
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_NEVER = ("payload", "text", "raw", "value", "record", "password", "authorization")
_CHATTY = ("aiokafka", "alembic", "websockets", "httpx", "httpcore", "asyncio", "uvicorn")
# Warns at each attempt while a partition has no leader; past ack_time_s our producer says it once.
_RETRYING = "aiokafka.producer.sender"
_KAFKA = "aiokafka"
_AGAIN_S = 60.0
# A new broker has no group coordinator for a second or two, and the client goes on asking.
_SETTLING, _SETTLED_S = "GroupCoordinatorNotAvailableError", 10.0
_KNOWN = 1000


def set_up(level: str, form: str = "auto", stream: TextIO | None = None) -> None:
    """Send all logging of this process to `stream` (standard error) from `level` upwards.

    `form` is json, console or auto: console on a terminal. Libraries that log through the
    standard library come out in the same form, from `warning` upwards unless the level is debug.
    """
    out = stream or sys.stderr
    console = form == "console" or (form == "auto" and out.isatty())
    colours = out.isatty() and not os.environ.get("NO_COLOR")  # no-color.org
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        without_payloads,
    ]
    ending: list[Processor] = (
        [structlog.dev.ConsoleRenderer(colors=colours, timestamp_key="at")]
        if console
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str)]
    )
    structlog.configure(
        processors=[*shared, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=True,
    )
    ours = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler = logging.StreamHandler(out)
    if number > logging.DEBUG:
        handler.addFilter(Repeats())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[ours, *ending],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(number, logging.WARNING) if number > 10 else number)
    logging.getLogger(_RETRYING).setLevel(logging.ERROR if number > 10 else number)


class Repeats(logging.Filter):
    """Lets the same line of Kafka's client through once a minute.

    It says at each attempt that a broker is not there. That there are attempts, our own lines tell;
    news is the reason (refused, a certificate, a password), which is in its line alone.
    """

    def __init__(self) -> None:
        super().__init__()
        self._next_s: dict[str, float] = {}  # line -> when it is news again

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the line is written; its own time is the clock."""
        if not record.name.startswith(_KAFKA):
            return True
        line = record.getMessage()
        if len(self._next_s) >= _KNOWN:
            self._next_s.clear()
        if _SETTLING in line:
            self._next_s.setdefault(line, record.created + _SETTLED_S)
        if record.created < self._next_s.get(line, 0.0):
            return False
        self._next_s[line] = record.created + _AGAIN_S
        return True


def without_payloads(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    """Drop fields that may hold what a station sent; a slip in some module stays harmless."""
    for name in _NEVER:
        line.pop(name, None)
    return line
