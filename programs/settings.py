"""Settings are read once, checked whole, then frozen: flags > environment > file > default.

A program declares its settings as fields of a frozen dataclass and hands in where values may come
from; this module touches neither the environment nor a file. Every variable is called
``CHARGEWIRE_`` and the field's name in capitals, alike in every program.
"""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, NamedTuple, TypeVar, get_type_hints

from programs import extras
from programs.kafka import options as kafka_options
from programs.setting_values import Setting, typed
from programs.variables import VARIABLES
from schemas.topics import FRAME_LIMIT_BYTES, PARTITIONS

ENV = "CHARGEWIRE_"
MASK = "********"
_SECRET_WORDS = ("password", "secret", "jaas", "console_token")

_T = TypeVar("_T", bound="KafkaSettings")


class SettingsError(Exception):
    """The settings cannot be used; ``problems`` holds every reason, each a line for a person."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class Row(NamedTuple):
    """One setting as `chargewire config show` prints it; secrets are masked already."""

    name: str
    variable: str
    value: object
    default: object
    unit: str
    doc: str
    source: str  # "default", "flag", "environment" or "file"


def setting(  # noqa: PLR0913 - each describes the one field; all but two are optional
    default: object,
    doc: str,
    *,
    unit: str = "",
    choices: Iterable[str] = (),
    low: float | None = None,
    high: float | None = None,
    allowed: str = "",
    check: Callable[[Any], bool] | None = None,
) -> Any:
    """Declare a field of a settings class: its default, its meaning, and what it may be.

    The value is ``str``, ``int``, ``float``, ``bool`` or ``tuple[str, ...]`` by the field's
    annotation. Numbers lie in ``low``..``high``; ``check`` sees the typed value and ``allowed``
    says in words what it accepts.
    """
    known = Setting(doc, unit, tuple(choices), low, high, allowed, check)
    return field(default=default, metadata={"setting": known})


def variable(name: str) -> str:
    """Name the environment variable of a field: ``ack_time_s`` is ``CHARGEWIRE_ACK_TIME_S``."""
    return ENV + name.upper()


def secret(name: str) -> bool:
    """Tell whether a setting of this name must not be shown."""
    return any(word in name.lower() for word in _SECRET_WORDS)


def read(
    cls: type[_T],
    *,
    flags: Mapping[str, object],
    environ: Mapping[str, str],
    file: Mapping[str, object],
) -> _T:
    """Build ``cls`` from everything that was given; a flag of ``None`` was not given.

    Raises SettingsError with all problems at once: values that are none, variables and keys that
    no program has, and what ``cls.problems()`` yields about values that do not go together.
    """
    keys = kafka_options.untabled(file)
    problems = list(_unknown(environ, keys))
    values: dict[str, object] = {}
    sources: dict[str, str] = {}
    bad: set[str] = set()
    hints = get_type_hints(cls)
    for name, _, known in _settings(cls):
        given = _given(name, flags, environ, keys)
        if given is None:
            continue
        source, raw = given
        try:
            values[name] = typed(raw, hints[name], known)
            sources[name] = source
        except ValueError as error:
            shown = MASK if secret(name) else raw
            problems.append(f"{_origin(cls, name, source)} = {shown!r}: must be {error}")
            bad.add(name)
    options = _options(flags, environ, keys, sources, problems)
    made = cls(**values, options=options, sources=sources)  # type: ignore[arg-type]
    problems += [
        _together(made, names, text) for names, text in made.problems() if not bad & {*names}
    ]
    if problems:
        raise SettingsError(problems)
    return made


def describe(settings: "KafkaSettings") -> list[Row]:
    """List every setting with where its value came from, secrets masked, options after fields."""
    rows = []
    for name, default, known in _settings(type(settings)):
        value = getattr(settings, name)
        shown = MASK if secret(name) and value else value
        source = settings.sources.get(name, "default")
        rows.append(Row(name, variable(name), shown, default, known.unit, known.doc, source))
    for option, value in settings.options.items():
        shown = MASK if secret(option) else value
        doc = kafka_options.OPTIONS[option].doc
        env = kafka_options.variable(option)
        rows.append(Row(option, env, shown, None, "", doc, settings.sources.get(option, "default")))
    return rows


def _settings(cls: type) -> Iterator[tuple[str, object, Setting]]:
    """Name, default and meaning of every field that is a setting."""
    for known in fields(cls):
        if "setting" in known.metadata:
            yield known.name, known.default, known.metadata["setting"]


def _given(
    name: str, flags: Mapping[str, object], environ: Mapping[str, str], keys: Mapping[str, object]
) -> tuple[str, object] | None:
    if flags.get(name) is not None:
        return "flag", flags[name]
    if variable(name) in environ:
        return "environment", environ[variable(name)]
    return ("file", keys[name]) if name in keys else None


def _origin(cls: type["KafkaSettings"], name: str, source: str) -> str:
    match source:
        case "flag":
            flag = name.removeprefix(cls.unsaid).replace("_", "-")
            return f"--{flag} ({variable(name)})"
        case "file":
            return f"{name} in the configuration file ({variable(name)})"
    return variable(name)


def _options(
    flags: Mapping[str, object],
    environ: Mapping[str, str],
    keys: Mapping[str, object],
    sources: dict[str, str],
    problems: list[str],
) -> Mapping[str, str]:
    """Collect Kafka's own client options; unknown ones in the environment are found elsewhere."""
    layers: list[tuple[str, Mapping[str, object]]] = [
        ("file", keys.get("options") or {}),  # type: ignore[list-item]
        ("environment", kafka_options.from_environ(environ)),
        ("flag", flags.get("options") or {}),  # type: ignore[list-item]
    ]
    found: dict[str, str] = {}
    for source, layer in layers:
        for option, raw in layer.items():
            value = str(raw).lower() if isinstance(raw, bool) else str(raw)
            if problem := kafka_options.problem(option, MASK if secret(option) else value):
                problems.append(problem)
            else:
                found[option], sources[option] = value, source
    return found


def _unknown(environ: Mapping[str, str], keys: Mapping[str, object]) -> Iterator[str]:
    known = {variable(name) for name in VARIABLES}
    known |= {kafka_options.variable(option) for option in kafka_options.OPTIONS}
    for name in sorted(environ):
        if name.startswith(ENV) and name not in known:
            yield f"{name}: no program knows this variable{_nearest(name, known)}"
    for key in sorted(keys):
        if key not in VARIABLES and key != "options":
            yield f"{key} in the configuration file: no such setting{_nearest(key, VARIABLES)}"


def _nearest(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.75)
    return f"; did you mean {near[0]}?" if near else ""


def _together(made: "KafkaSettings", names: tuple[str, ...], text: str) -> str:
    values = [(variable(name), getattr(made, name)) for name in names]
    shown = [f"{name}={','.join(one) if isinstance(one, tuple) else one}" for name, one in values]
    return f"{' with '.join(shown)}: {text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    """Where the log is and how to reach it: what every program needs.

    `unsaid` is what the flags of a program leave out of the names of its settings.
    """

    unsaid: ClassVar[str] = ""
    kafka: str = setting(
        "localhost:9092",
        "brokers to begin with",
        allowed="host:port, several separated by commas",
        check=kafka_options.is_server_list,
    )
    prefix: str = setting(
        "ocpp.",
        "what every topic name begins with; one prefix is one fleet",
        allowed="at most 100 of the characters a-z A-Z 0-9 . _ -",
        check=kafka_options.is_topic_prefix,
    )
    partitions: int = setting(
        PARTITIONS, "partitions of every topic, chosen once", unit="partitions", low=1, high=10_000
    )
    frame_limit_bytes: int = setting(
        FRAME_LIMIT_BYTES, "largest frame; more closes 1009", unit="bytes", low=1024, high=2**24
    )
    schema_registry: str = setting(
        "",
        "address of a schema registry; empty: the one that is built in",
        allowed="empty or http://host:port/path",
        check=lambda url: not url or url.startswith(("http://", "https://")),
    )
    tracing: str = setting(
        "",
        "where OpenTelemetry traces go, by OTLP over HTTP; empty: none are made",
        allowed="empty or http://host:4318; secrets belong into OTEL_EXPORTER_OTLP_HEADERS",
        check=lambda url: not url or (url.startswith(("http://", "https://")) and "@" not in url),
    )
    tracing_sample: float = setting(
        0.01,
        "share of what begins here that is traced; what others trace is followed",
        unit="of 1",
        low=0,
        high=1,
    )
    options: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    sources: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield what does not go together: the fields' names, and what is wrong with them."""
        for text in kafka_options.contradictions(self.options):
            yield ("kafka",), text
        if self.tracing and not extras.has_tracing():
            yield ("tracing",), f"{extras.TRACING} is not installed: pip install {extras.TRACING}"

    def client_options(self) -> dict[str, object]:
        """Return the keyword arguments of any aiokafka client: producer, consumer or admin.

        Reads the certificate files that the options name; raises tls.TlsFileError.
        """
        found = kafka_options.client_arguments(self.options)
        if kafka_options.wants_tls(self.options):
            from programs.kafka.tls import context  # noqa: PLC0415 - only programs with TLS read files

            found["ssl_context"] = context(self.options)
        return {"bootstrap_servers": self.kafka.split(","), **found}
