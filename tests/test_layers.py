"""The house rules, held by reading the source: who imports whom, what is pure, which words.

A rule is not loosened for one module: an exception stands in a table here, with its reason.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

MAY_IMPORT = {
    "schemas": {"schemas"},
    "programs": {"programs", "schemas"},
    "gateway": {"gateway", "programs", "schemas"},
    "consumers": {"consumers", "programs", "schemas"},
    "deploy": {"deploy", "gateway", "consumers", "programs", "schemas", "chargewire"},
    "chargewire": {"deploy", "gateway", "consumers", "programs", "schemas", "chargewire"},
}
"""Package -> the packages of ours that its modules may import."""

PURE = {
    "chargewire.durations",
    *("chargewire.calls.action_help", "chargewire.calls.payloads"),
    *("chargewire.console.asking", "chargewire.console.commands", "chargewire.console.config"),
    *("chargewire.console.configurations", "chargewire.console.curves", "chargewire.console.feed"),
    *("chargewire.console.guard", "chargewire.console.model", "chargewire.console.offering"),
    *("chargewire.console.queries", "chargewire.console.rings", "chargewire.console.rows"),
    *("chargewire.console.stations", "chargewire.console.told", "chargewire.console.transactions"),
    *("chargewire.flows.configuration", "chargewire.flows.events", "chargewire.flows.local_lists"),
    *("chargewire.flows.profiles", "chargewire.flows.reservations", "chargewire.flows.schedules"),
    *("chargewire.flows.steps", "chargewire.flows.transactions", "chargewire.flows.updates"),
    "chargewire.flows.wording",
    "chargewire.log.summary",
    "chargewire.size.sizing",
    "consumers.families",
    *("consumers.authorizations.deciding", "consumers.authorizations.projection"),
    *("consumers.authorizations.token_uses", "consumers.authorizations.tokens"),
    "consumers.authorizations.wording",
    *("consumers.authorizations.local_lists.contents", "consumers.authorizations.local_lists.due"),
    "consumers.authorizations.local_lists.plan",
    "consumers.authorizations.local_lists.stations",
    "consumers.authorizations.local_lists.wording",
    *("consumers.commands.arbiter_records", "consumers.commands.arbitration"),
    *("consumers.commands.live_connections", "consumers.commands.projection"),
    "consumers.commands.signs",
    *("consumers.log.arrivals", "consumers.log.batches", "consumers.log.delays"),
    *("consumers.meaning.bus_records", "consumers.meaning.facts", "consumers.meaning.facts_table"),
    *("consumers.meaning.frames", "consumers.meaning.list_commands"),
    *("consumers.meaning.local_lists", "consumers.meaning.meter_samples"),
    *("consumers.meaning.payloads", "consumers.meaning.reservations"),
    *("consumers.meaning.stations", "consumers.meaning.tokens", "consumers.meaning.transactions"),
    *("consumers.meter_readings.projection", "consumers.meter_readings.views"),
    *("consumers.reservations.facts", "consumers.reservations.projection"),
    *("consumers.reservations.rows", "consumers.reservations.runs"),
    *("consumers.stations.connection_history", "consumers.stations.connectors"),
    *("consumers.stations.projection", "consumers.stations.views"),
    *("consumers.tables.columns", "consumers.tables.projections", "consumers.tables.schemas"),
    "consumers.tables.sql_times",
    *("consumers.transactions.anomalies", "consumers.transactions.facts"),
    *("consumers.transactions.projection", "consumers.transactions.remote_starts"),
    *("consumers.transactions.rows", "consumers.transactions.runs"),
    *("consumers.transactions.sequences", "consumers.transactions.unnamed_readings"),
    "consumers.transactions.views",
    *("gateway.answers", "gateway.attempts", "gateway.calls", "gateway.certificate_names"),
    *("gateway.claims", "gateway.commands", "gateway.deviations", "gateway.effects"),
    *("gateway.events", "gateway.frames", "gateway.handshake", "gateway.intake"),
    *("gateway.journal", "gateway.lanes", "gateway.outbox", "gateway.outcomes", "gateway.proxies"),
    *("gateway.redaction", "gateway.registration", "gateway.replies", "gateway.router"),
    *("gateway.security", "gateway.security_settings", "gateway.session", "gateway.stations"),
    "gateway.validation",
    *("programs.addresses", "programs.extras", "programs.families", "programs.setting_values"),
    *("programs.settings", "programs.spans", "programs.variables"),
    "programs.kafka.options",
    *("schemas.catalogue", "schemas.cloudevents", "schemas.codec", "schemas.compatibility"),
    *("schemas.conversion", "schemas.credentials", "schemas.decoders", "schemas.derive"),
    *("schemas.event_docs", "schemas.fitting", "schemas.forms", "schemas.generate"),
    *("schemas.identity", "schemas.lock", "schemas.notation", "schemas.primitives"),
    *("schemas.records", "schemas.replying", "schemas.subjects", "schemas.times"),
    *("schemas.topics", "schemas.traces", "schemas.words", "schemas.writers"),
}
"""Modules without event loop, socket, broker, database, clock, chance and environment.

Files that come with a package are no outside world: the OCPP schemas, our own Avro schemas.
"""
PURE_BUT = {
    (
        "programs.settings",
        "programs.kafka.tls",
    ): "certificates are read when a rim asks for a client",
}
"""(Module, what it imports in a function) -> why it may."""

IMPURE = {
    *("aiokafka", "asyncio", "concurrent", "confluent_kafka", "httpx", "jgo", "multiprocessing"),
    *("os", "random", "requests", "secrets", "selectors", "signal", "socket"),
    # Tables and their columns are data; what talks to a database is not.
    *("aiosqlite", "alembic", "asyncpg", "sqlalchemy.create_engine", "sqlalchemy.engine"),
    *("sqlalchemy.ext", "sqlalchemy.pool", "sqlite3"),
    *("starlette", "subprocess", "threading", "time", "uvicorn", "uvloop", "websockets.asyncio"),
}
CLOCKS = {"now", "utcnow", "today"}

VERSION_NAME = re.compile(r"(ocpp)?(1\.6|2\.0\.1|2\.1)|v16|v201|v21|v(16|2)_\w+")
VERSIONS_ALLOWED = {
    "schemas.catalogue": "wire facts",
    "chargewire.flows.wording": "what a flow asks for, in a version's words",
    "gateway.registration": "what may be asked before a station is accepted, by version",
    "gateway.replies": "the reply table",
    "consumers.meaning.facts_table": "the facts table",
    "consumers.authorizations.local_lists.wording": "the facts table's other direction",
    "deploy.local.answers": "the station side: what a simulated one answers in its version",
    "deploy.local.dialects": "the station side: what a simulated one says in its version",
    "deploy.local.station": "the station side: which version a simulated one speaks",
}

MODULE_LINES = 250
FUNCTION_LINES = 60
LONGER: dict[str, tuple[int, str]] = {
    "consumers.migrations.commands.0001_commands:upgrade": (90, "a list of columns"),
    "consumers.migrations.reservations.0001_reservations:upgrade": (70, "a list of columns"),
    "consumers.migrations.stations.0001_stations:upgrade": (105, "a list of columns"),
    "consumers.migrations.transactions.0001_transactions:upgrade": (110, "a list of columns"),
    "consumers.meaning.facts": (545, "one vocabulary: values without behaviour"),
    "consumers.stores.store": (305, "one store: all that has to agree about who owns what"),
    "deploy.grafana.consumers": (260, "one page: a line or five for each panel"),
    "schemas.event_docs": (265, "the words of a page"),
    "schemas.records": (270, "the contract's records: a text for each"),
    "gateway.deviations": (260, "a table of rules, and the one walk that finds them"),
    "consumers.program:run": (70, "each part of a consumer, with what it is given"),
    "consumers.log.reading": (260, "one membership, from joining to the first failure"),
    "programs.settings": (275, "one reading of settings, and those that all programs have"),
    "gateway.calls": (385, "one machine: what is asked next depends on all that waits"),
    "gateway.events": (275, "one writer of all that a connection tells the log"),
    "gateway.frames": (260, "one notation, read and written"),
    "gateway.instance:_build": (70, "each part of a gateway, with what it is given"),
    "gateway.instance": (335, "the composition root, and the life of what it composes"),
    "gateway.link": (485, "one socket from handshake to end: its phases share all their state"),
    "gateway.metrics": (260, "a table of metrics, and what counts them"),
    "gateway.replies": (275, "a table of answers for three versions"),
    "gateway.server": (300, "what links share: coming, going, room, log, end"),
    "gateway.session": (335, "one machine: what it may do next depends on all of its state"),
}
"""Module, or module:function -> (lines, why it cannot be less)."""

NO_TEST_OF_ITS_OWN: dict[str, str] = {
    "chargewire.console.app": "tests/chargewire/test_console_program.py asks every path",
    "chargewire.console.server": "tests/chargewire/test_console_program.py asks every path",
    "chargewire.flows.running": "tests/chargewire/test_flows_commands.py: what commands share",
    "chargewire.flows.upkeep": "tests/chargewire/test_flows_commands.py: half of that group",
    "chargewire.calls.asking": "tests/chargewire/test_calls_command.py, with a real Kafka",
    "chargewire.calls.traces": "tests/end_to_end/test_tracing.py, with a collector",
    "chargewire.log.writing": "test_log_states.py and test_calls_command.py, with a real Kafka",
    "consumers.stores.bookkeeping": "tables; test_stores_upgrade.py holds them to migrations",
    "consumers.commands.arbiter_records": "test_commands_arbiter.py has every one of them written",
    "consumers.commands.arbiter_rows": "test_commands_arbiter.py, for both databases",
    "consumers.commands.gateway_watch": "test_commands_lost_gateways.py, with a real Kafka",
    "consumers.commands.once": "test_commands_arbiter.py: what was written is not written again",
    "consumers.authorizations.local_lists.rows": "the tests of the keeper, for both databases",
    "consumers.log.membership": "tests/consumers/test_log_runner.py: it listens to a real group",
    "consumers.metrics": "tests/consumers/test_log_runner.py reads what it counts",
    "consumers.program": "tests/consumers/test_log_runner.py: it is a process",
    "consumers.log.reading": "tests/consumers/test_log_runner.py: it is half of the runner",
    "consumers.stores.statements": "tests/consumers/test_stores_store.py, for both databases",
    "consumers.stores.writing": "tests/consumers/test_stores_store.py, for both databases",
    "consumers.meaning.facts": "values without behaviour; the tests of its readers have them all",
    "consumers.meaning.frames": "values without behaviour; whatever reads frames has them",
    "consumers.meaning.stations": "test_meaning_facts_table.py, with whole conversations",
    "consumers.meaning.transactions": "test_meaning_facts_table.py, with whole conversations",
    **dict.fromkeys(
        (
            *("deploy.prometheus.alert", "deploy.prometheus.recordings"),
            *("deploy.prometheus.gateways", "deploy.prometheus.log", "deploy.prometheus.commands"),
            *("deploy.prometheus.consumers", "deploy.prometheus.sequels"),
            "deploy.prometheus.certificates",
        ),
        "values without behaviour; tests/deploy/test_prometheus_alerts.py has a story of each",
    ),
    **dict.fromkeys(
        ("deploy.grafana.gateway", "deploy.grafana.consumers", "deploy.grafana.fleet"),
        "values without behaviour; tests/deploy/test_grafana_preview.py asks every query of them",
    ),
    "deploy.local.effects": "values without behaviour; tests/deploy/test_station.py uses every one",
    "gateway.effects": "values without behaviour; tests/gateway/test_session.py uses every one",
    "gateway.instance": "tests/end_to_end/test_gateway.py: it is the sum of real parts",
    "gateway.program": "tests/end_to_end/test_gateway.py: it is a process",
}
"""Module -> where its facts are told instead."""

FORBIDDEN_WORDS = re.compile(
    # Written so that the patterns do not find themselves.
    r"(?<![\w.\]])/(?:[w]ork|[f]arm|[r]oot|[t]mp)/|\b(?:[T]ODO|[F]IXME|[X]XX)\b|[i]ndex-url"
    r"|https?://\S*/(?:[s]imple|[m]aven2)/"
)
TEXT = {".py", ".md", ".toml", ".txt", ".lock", ".properties", ".json", ".jsonl", ".avsc", ".yaml"}
TEXT |= {".js", ".css", ".html", ".svg", ".yml", ".sql", ".sh", ".tpl"}
TEXT |= {""}  # a Dockerfile, files that say what to ignore


def _modules() -> dict[str, Path]:
    """Our modules by dotted name; a package has the name of its folder."""
    found = {}
    for package in MAY_IMPORT:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


MODULES = _modules()
FOLDERS = {name for name, path in MODULES.items() if path.name == "__init__.py"}


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(), MODULES[module])


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """As ast.walk, without what is there for the type checker alone."""
    yield node
    if not _is_for_types(node):
        for child in ast.iter_child_nodes(node):
            yield from _walk(child)


def _imports(module: str) -> set[str]:
    """What a module imports, wherever in it; of `from a import b` both `a` and `a.b`."""
    found: set[str] = set()
    for node in _walk(_tree(module)):
        match node:
            case ast.Import(names):
                found |= {name.name for name in names}
            case ast.ImportFrom(source, names, 0):
                found |= {f"{source}.{name.name}" for name in names} | {source or ""}
            case ast.ImportFrom():
                pytest.fail(f"{module}, line {node.lineno}: relative import")
    return found


def _ours(module: str) -> set[str]:
    """The modules of ours that a module imports."""
    return _imports(module) & MODULES.keys()


def _texts(module: str) -> Iterator[ast.Constant]:
    """The string literals of a module that are no docstrings."""
    lone = {
        id(node.value)
        for node in ast.walk(_tree(module))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in lone:
            yield node


def _reads_the_world(module: str) -> Iterator[str]:
    """Where a module uses a clock or the environment without importing a module for it."""
    for node in _walk(_tree(module)):
        match node:
            case ast.Call(ast.Attribute(_, name)) if name in CLOCKS:
                yield f"line {node.lineno}: {ast.unparse(node.func)}()"
            case ast.Call(ast.Name("open" | "input" | "print" as name)):
                yield f"line {node.lineno}: {name}()"


def _files() -> Iterator[Path]:
    """Every text file that belongs to the project."""
    yield from (path for path in ROOT.iterdir() if path.is_file() and path.name != ".git")
    for folder in [*MAY_IMPORT, "tests", "docs", ".ci"]:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and (path.suffix in TEXT or folder == ".ci"):
                yield path


def test_gateway_and_consumers_share_no_more_than_they_may() -> None:
    """What a package may import is in the table; nobody imports the tests."""
    known = {*MAY_IMPORT, "tests"}
    wrong = [
        f"{module} imports {name}"
        for module in MODULES
        for name in _imports(module)
        if (top := name.partition(".")[0]) in known
        and top not in MAY_IMPORT[module.partition(".")[0]]
    ]
    assert wrong == []


def test_nobody_imports_a_composition_root() -> None:
    """What a `__main__` knows is for it alone."""
    wrong = [
        f"{module} imports {name}"
        for module in MODULES
        for name in _imports(module)
        if name.endswith("__main__") or ".__main__." in name
    ]
    assert wrong == []


def test_imports_have_no_cycles() -> None:
    """Modules can be put in an order in which each imports only earlier ones."""
    waiting = {module: _ours(module) - {module} for module in MODULES}
    while ready := {module for module, needs in waiting.items() if not needs & waiting.keys()}:
        for module in ready:
            del waiting[module]
    assert sorted(waiting) == []


def test_folders_have_no_cycles() -> None:
    """Nor do the folders of a package: whoever reads one need not know who is built upon it."""
    needs: dict[str, set[str]] = {}
    for module in MODULES:
        folder = module.rpartition(".")[0]
        found = {name.rpartition(".")[0] for name in _ours(module) - FOLDERS}
        needs.setdefault(folder, set()).update(
            one
            for one in found
            if not f"{one}.".startswith(f"{folder}.") and not f"{folder}.".startswith(f"{one}.")
        )
    while ready := {folder for folder, wanted in needs.items() if not wanted & needs.keys()}:
        for folder in ready:
            del needs[folder]
    assert sorted(needs) == []


@pytest.mark.parametrize("module", sorted(PURE & MODULES.keys()))
def test_pure_modules_know_nothing_of_the_world(module: str) -> None:
    """No loop, socket, broker, database, clock, chance or environment, nor a module that has."""
    outside = {
        name
        for name in _imports(module)
        if name.partition(".")[0] in IMPURE or name.startswith(tuple(i for i in IMPURE if "." in i))
    }
    rims = {
        name
        for name in _ours(module) - FOLDERS
        if name not in PURE and (module, name) not in PURE_BUT
    }
    assert (outside, rims, list(_reads_the_world(module))) == (set(), set(), [])


def _test_of(module: str) -> Path | None:
    """Where a module's facts are told; None for packages, composition roots, and migrations.

    What migrations make is compared with the tables by the tests of the consumer.
    """
    package, _, rest = module.removeprefix("deploy.local").partition(".")
    package = package or "deploy"
    if rest in ("", "__main__") or MODULES[module].name == "__init__.py":
        return None
    if rest.startswith("migrations."):
        return None
    return ROOT / "tests" / package / f"test_{rest.replace('.', '_')}.py"


def test_every_module_has_its_test_and_every_test_its_module() -> None:
    """tests/<package>/test_<module>.py, exactly one for each."""
    wanted = {
        path
        for module in MODULES
        if (path := _test_of(module)) and module not in NO_TEST_OF_ITS_OWN
    }
    there = {path for package in MAY_IMPORT for path in (ROOT / "tests" / package).glob("test_*")}
    missing = sorted(str(path.relative_to(ROOT)) for path in wanted - there)
    orphans = sorted(str(path.relative_to(ROOT)) for path in there - wanted)
    assert (missing, orphans) == ([], [])


def test_modules_and_functions_stay_short() -> None:
    """Past the budget an idea is missing; who cannot help it stands in the table, with a reason."""
    lines = {module: len(path.read_text().splitlines()) for module, path in MODULES.items()}
    wrong = [
        f"{module}: {found} lines"
        for module, found in lines.items()
        if found > LONGER.get(module, (MODULE_LINES, ""))[0]
    ]
    for module in MODULES:
        for node in ast.walk(_tree(module)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                found = node.end_lineno - node.lineno + 1
                if found > LONGER.get(f"{module}:{node.name}", (FUNCTION_LINES, ""))[0]:
                    wrong.append(f"{module}:{node.name}: {found} lines")
    assert wrong == []


def test_exceptions_are_still_needed() -> None:
    """A table of exceptions names what exists and says why."""
    named = {*(name.partition(":")[0] for name in LONGER), *NO_TEST_OF_ITS_OWN}
    assert named <= MODULES.keys()
    assert all(reason for _, reason in LONGER.values())
    for name, (limit, _) in LONGER.items():
        assert limit > (FUNCTION_LINES if ":" in name else MODULE_LINES), name


@pytest.mark.parametrize("module", sorted(MODULES))
def test_names_say_what_a_thing_is(module: str) -> None:
    """No module of odds and ends, no `get_`, no Manager; each module says why it exists."""
    assert not re.search(r"util|common|helper|misc|shared|manager", module)
    tree = _tree(module)
    reason = (ast.get_docstring(tree) or "").partition("\n")[0]
    assert re.search(r"[.?!]$", reason), f"{module} begins with no sentence"
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name):
                # What click, starlette and asyncio call by these names is theirs.
                ours = not re.fullmatch(r"get_(command|extra_info)", name)
                assert not (ours and re.match(r"_*get_", name)), f"{module}, line {node.lineno}"
            case ast.ClassDef(name):
                wrong = r"^(Abstract|Base)|(Manager|Helper|Utils?|Impl|Handler)$"
                assert not re.search(wrong, name), f"{module}, line {node.lineno}"


def test_versions_are_named_where_their_facts_are() -> None:
    """In the modules of the table, each with its reason; nowhere else does one look at them."""
    wrong = [
        f"{module}, line {text.lineno}: {text.value!r}"
        for module in MODULES
        if module not in VERSIONS_ALLOWED
        for text in _texts(module)
        if VERSION_NAME.fullmatch(text.value)
    ]
    assert wrong == []


def test_nothing_is_left_of_the_making() -> None:
    """No path or package address of some machine, no note to self."""
    wrong = [
        f"{path.relative_to(ROOT)}, line {number}: {line.strip()[:80]}"
        for path in _files()
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if FORBIDDEN_WORDS.search(line)
    ]
    assert wrong == []


def test_the_page_takes_what_stations_say_as_text() -> None:
    """No way for a text to become markup or a program, no other host, nothing inline."""
    folder = ROOT / "chargewire" / "console" / "static"
    wrong = re.compile(
        r"(inner|outer)HTML|insertAdjacentHTML|document\.write|\beval\b|new Function"
        r"|createContextual|DOMParser|srcdoc|<style|\son\w+=|\sstyle="
        r"|https?://(?!www\.w3\.org/2000/svg)|javascript:"
    )
    found = [
        f"{path.name}, line {number}: {line.strip()[:80]}"
        for path in sorted(folder.iterdir())
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if wrong.search(line)
    ]
    assert found == []
    assert "<script>" not in (folder / "index.html").read_text()


def test_modules_of_the_page_are_short_too() -> None:
    """Each begins with the sentence that says why it is there."""
    for path in (ROOT / "chargewire" / "console" / "static").glob("*.js"):
        lines = path.read_text().splitlines()
        assert re.fullmatch(r"// [A-Z].*[.?!]", lines[0]), path.name
        assert len(lines) <= MODULE_LINES, path.name
        assert [line for line in lines if len(line) > 100] == [], path.name
