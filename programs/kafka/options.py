"""Kafka's own client options under Kafka's own names, translated for the client that we use.

Java's names and librdkafka's are both taken where they differ. The list is closed: an option
that would be ignored in silence is worse than one that is refused.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_SERVER = re.compile(r"[^\s,:]+:\d{1,5}|\[[0-9a-fA-F:.]+\]:\d{1,5}")
_PREFIX = re.compile(r"[A-Za-z0-9._-]{0,100}")
_JAAS = re.compile(r"""\b(username|password)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)')""")


@dataclass(frozen=True, slots=True)
class Option:
    """One option: what it is for, its argument in aiokafka ("" where handled apart), its values."""

    doc: str
    argument: str = ""
    choices: tuple[str, ...] = ()
    number: bool = False


OPTIONS: Mapping[str, Option] = {
    "security.protocol": Option(
        "how to talk to the brokers",
        "security_protocol",
        ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"),
    ),
    "sasl.mechanism": Option(
        "how to log in", "sasl_mechanism", ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
    ),
    "sasl.username": Option("user, for SASL", "sasl_plain_username"),
    "sasl.password": Option("password, for SASL", "sasl_plain_password"),
    "sasl.jaas.config": Option("user and password as Java writes them"),
    "ssl.ca.location": Option("file of the authorities to trust, PEM"),
    "ssl.truststore.location": Option("the same under Java's name, PEM"),
    "ssl.certificate.location": Option("file of our own certificate, PEM"),
    "ssl.keystore.location": Option("file of our own certificate and key, PEM"),
    "ssl.key.location": Option("file of our own key, PEM"),
    "ssl.key.password": Option("password of that key"),
    "ssl.endpoint.identification.algorithm": Option(
        "https: the broker's name must fit its certificate", "", ("https", "none", "")
    ),
    "client.id": Option("our name in the brokers' logs and quotas", "client_id"),
    "request.timeout.ms": Option("longest wait for a broker", "request_timeout_ms", number=True),
    "metadata.max.age.ms": Option("how old metadata may be", "metadata_max_age_ms", number=True),
    "retry.backoff.ms": Option("pause before a retry", "retry_backoff_ms", number=True),
    "connections.max.idle.ms": Option(
        "close a connection idle for so long", "connections_max_idle_ms", number=True
    ),
}


def variable(option: str) -> str:
    """Name an option's variable: ``sasl.username`` is ``CHARGEWIRE_KAFKA_SASL_USERNAME``."""
    return "CHARGEWIRE_KAFKA_" + option.upper().replace(".", "_")


def from_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Pick the known options out of the environment."""
    return {name: environ[variable(name)] for name in OPTIONS if variable(name) in environ}


def untabled(file: Mapping[str, object]) -> dict[str, object]:
    """Take the table ``[kafka]`` of a file apart: its ``bootstrap.servers`` is the key ``kafka``.

    The other options stand under the key ``options``.
    """
    keys = dict(file)
    if isinstance(table := keys.get("kafka"), Mapping):
        options = dict(flatten(table))
        del keys["kafka"]
        if (servers := options.pop("bootstrap.servers", None)) is not None:
            keys["kafka"] = servers
        keys["options"] = options
    return keys


def flatten(table: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Join nested TOML tables: ``sasl.username`` unquoted is a table ``sasl`` in TOML."""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def problem(name: str, value: str) -> str | None:
    """Say what is wrong with one option, or None; the caller masks what is secret."""
    option = OPTIONS.get(name)
    if option is None:
        near = difflib.get_close_matches(name, OPTIONS, n=1, cutoff=0.6)
        hint = f"did you mean {near[0]}?" if near else "known are " + ", ".join(sorted(OPTIONS))
        return f"Kafka option {name}: not known here; {hint}"  # its value may be a secret
    allowed = "one of " + ", ".join(word or "'' (empty)" for word in option.choices)
    if option.choices and value not in option.choices:
        return f"{variable(name)} ({name}) = {value!r}: must be {allowed}"
    if option.number and not (value.isascii() and value.isdigit() and int(value) > 0):
        return f"{variable(name)} ({name}) = {value!r}: must be a whole number of milliseconds"
    return None


def contradictions(options: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong between options that are each right."""
    protocol = options.get("security.protocol", "PLAINTEXT")
    user, password = login(options)
    if "sasl.jaas.config" in options and (user is None or password is None):
        yield 'sasl.jaas.config must hold username="..." and password="..."'
    elif protocol.startswith("SASL_") and (user is None or password is None):
        yield f"security.protocol={protocol} needs sasl.username and sasl.password"
    if not protocol.startswith("SASL_") and any(name.startswith("sasl.") for name in options):
        yield f"sasl options are given but security.protocol={protocol} would not use them"
    if not wants_tls(options) and any(name.startswith("ssl.") for name in options):
        yield f"ssl options are given but security.protocol={protocol} would not use them"


def login(options: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Return user and password, from Java's JAAS line or from the plain options."""
    jaas = {
        name: re.sub(r"\\(.)", r"\1", double) if double else single
        for name, double, single in _JAAS.findall(options.get("sasl.jaas.config", ""))
    }
    user = options.get("sasl.username", jaas.get("username"))
    return user, options.get("sasl.password", jaas.get("password"))


def wants_tls(options: Mapping[str, str]) -> bool:
    """Tell whether connections to the brokers are encrypted."""
    return options.get("security.protocol", "").endswith("SSL")


def client_arguments(options: Mapping[str, str]) -> dict[str, object]:
    """Translate all but the TLS files into keyword arguments of an aiokafka client."""
    found: dict[str, object] = {
        OPTIONS[name].argument: int(value) if OPTIONS[name].number else value
        for name, value in options.items()
        if OPTIONS[name].argument
    }
    user, password = login(options)
    if user is not None:
        found |= {"sasl_plain_username": user, "sasl_plain_password": password}
        found.setdefault("sasl_mechanism", "PLAIN")
    return found


def is_server_list(text: str) -> bool:
    """Tell whether a text is ``host:port[,host:port...]``."""
    return all(_SERVER.fullmatch(part) for part in text.split(","))


def is_topic_prefix(text: str) -> bool:
    """Tell whether Kafka takes a topic name that begins so (legal characters, 249 at most)."""
    return _PREFIX.fullmatch(text) is not None
