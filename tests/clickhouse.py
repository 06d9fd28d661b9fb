"""ClickHouse on this machine, asked in SQL: the whole engine, embedded in the chdb package.

It runs in a process of its own, since it brings threads, sockets and signals that tests of this
process should not meet. The child is this module as a program: a JSON text a line in and out.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[1]


class ClickHouseError(Exception):
    """ClickHouse did not carry out a statement; its own words."""


class ClickHouse:
    """One server with its tables below `folder`; `registry` is where it looks for Avro schemas."""

    def __init__(self, folder: Path, registry: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._log = (folder / "clickhouse.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.clickhouse", str(folder / "data")],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self.ask("SET date_time_output_format = 'iso'")  # in UTC, wherever this machine is
        self.ask(f"SET format_avro_schema_registry_url = '{registry}'")

    def ask(self, sql: str) -> list[dict[str, Any]]:
        """Carry out one statement; the rows by column name. Raises ClickHouseError."""
        pipes = self._process
        assert pipes.stdin is not None
        assert pipes.stdout is not None
        pipes.stdin.write(json.dumps(sql) + "\n")
        pipes.stdin.flush()
        answer = json.loads(pipes.stdout.readline() or '{"error": "the process has ended"}')
        if "error" in answer:
            raise ClickHouseError(answer["error"])
        return [json.loads(line) for line in answer["rows"].splitlines()]

    def close(self) -> None:
        """End the process. It has nothing to save."""
        self._process.kill()
        self._process.communicate()
        self._log.close()


def _serve(data: str) -> None:
    from chdb.session import Session  # noqa: PLC0415 - for the child alone

    session = Session(data)
    for line in sys.stdin:
        try:
            answer = {"rows": str(session.query(json.loads(line), "JSONEachRow"))}
        except Exception as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)  # noqa: T201 - the pipe to the parent


if __name__ == "__main__":
    _serve(sys.argv[1])
