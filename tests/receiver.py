"""An OTLP receiver of the tests' own: takes spans over HTTP as a collector does, and keeps them."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

HOST = "127.0.0.1"
KINDS = ("", "internal", "server", "client", "producer", "consumer")


@dataclass(frozen=True, slots=True)
class Got:
    """A span as it came: ids as hex, attributes by name, the program that made it."""

    service: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    start_ns: int
    end_ns: int
    told: dict[str, Any]
    failed: bool

    def __getitem__(self, name: str) -> Any:
        return self.told[name]


class Receiver:
    """Listens while it is a context; `failing` answers 503 to all that comes."""

    def __init__(self) -> None:
        self.spans: list[Got] = []
        self.paths: set[str] = set()
        self.bodies: list[bytes] = []
        self.failing = False
        receiver = self

        class Taking(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = receiver.take(self.path, body)
                self.send_response(503 if receiver.failing else 200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                """Nothing: pytest would show it."""

        self._server = ThreadingHTTPServer((HOST, 0), Taking)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._server.server_address[1]}"

    def take(self, path: str, body: bytes) -> bytes:
        """Keep what has come."""
        if not self.failing:
            self.paths.add(path)
            self.bodies.append(body)
            self.spans += _read(body)
        return ExportTraceServiceResponse().SerializeToString()

    def trace(self, trace_id: str) -> list[Got]:
        """The spans of a trace so far, by their beginning."""
        return sorted(
            (one for one in self.spans if one.trace_id == trace_id), key=lambda one: one.start_ns
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _read(body: bytes) -> Iterable[Got]:
    for of in ExportTraceServiceRequest.FromString(body).resource_spans:
        service = _told(of.resource.attributes)["service.name"]
        for scope in of.scope_spans:
            for span in scope.spans:
                yield Got(
                    service,
                    span.name,
                    KINDS[span.kind],
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    span.start_time_unix_nano,
                    span.end_time_unix_nano,
                    _told(span.attributes),
                    span.status.code == 2,
                )


def _told(attributes: Iterable[Any]) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}
