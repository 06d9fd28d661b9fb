"""The console over HTTP: the page, and all that it asks for."""

from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chargewire.console import offering, queries, stations, transactions
from chargewire.console.feed import Feed
from chargewire.console.model import Model
from chargewire.console.queries import WrongQuery
from chargewire.console.rows import shown
from chargewire.console.stream import EventStream
from schemas.catalogue import VERSIONS

STATIC = Path(__file__).parent / "static"
About = Callable[[], dict[str, Any]]
_encode = msgspec.json.Encoder(decimal_format="string").encode


def answer(found: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(_encode(found), status, headers, media_type="application/json")


class Pages:
    """What is shown, out of the model."""

    def __init__(self, model: Model, feed: Feed, about: About, ids: Mapping[str, int]) -> None:
        self._model, self._feed, self._about, self._ids = model, feed, about, ids

    def routes(self) -> list[Route]:
        """The paths, and what answers them."""
        found = {
            "about": self.about,
            "stations": self.stations,
            "stations/{rest:path}": self.station,
            "events": self.events,
            "stream": self.stream,
            "transactions": self.transactions,
            "transactions/{id}": self.transaction,
            "rejected": self.rejected,
            "schemas": self.schemas,
            "schemas/{subject}": self.schema,
            "actions": self.actions,
            "actions/{action}": self.action,
            "commands/{id}": self.command,
        }
        return [Route(f"/api/{path}", one, methods=["GET"]) for path, one in found.items()]

    # Coroutines all: no thread reads what changes.

    async def about(self, request: Request) -> Response:
        queries.known(request.query_params, ())
        return answer(self._about())

    async def stations(self, request: Request) -> Response:
        query = request.query_params
        queries.known(query, ("q", "state", "limit", "after"))
        state = queries.one_of(query, "state", stations.STATES)
        text, after, limit = query.get("q", ""), query.get("after", ""), queries.limit(query)
        total, views = self._model.listed(limit + 1, text=text, state=state, after=after)
        page, counts = views[:limit], self._model.counts()
        more = page[-1]["station"] if len(views) > limit else None
        return answer({"total": total, "next": more, "stations": page, "counts": counts})

    async def station(self, request: Request) -> Response:
        # An id may have a slash in it, which is %2F in the path as it came.
        path = request.scope["raw_path"].decode("ascii", "replace")
        _, _, _, name, *rest = map(unquote, path.split("/"))
        if rest not in ([], ["frames"]):
            raise HTTPException(404)
        if (found := self._model.station(name)) is None:
            raise HTTPException(404, f"no station {name} is known here")
        if rest:
            return self._frames(name, request)
        queries.known(request.query_params, ())
        return answer(found)

    def _frames(self, name: str, request: Request) -> Response:
        query = request.query_params
        queries.known(query, ("before", "limit"))
        limit = queries.limit(query)
        before = queries.place(query, "before")
        frames = self._model.conversations.of(name, before, limit + 1)
        page = frames[:limit]
        more = queries.cursor(*page[-1].place) if len(frames) > limit else None
        return answer({"next": more, "frames": [one.frame() for one in page]})

    async def events(self, request: Request) -> Response:
        query = request.query_params
        queries.known(query, (*queries.FILTERS, "after", "limit"))
        limit, wanted = queries.limit(query), queries.wanted(query)
        older = self._model.recent.before(queries.number(query, "after"))
        found = [*islice((one for one in older if wanted.takes(one)), limit + 1)]
        page = found[:limit]
        more = str(page[-1].no) if len(found) > limit else None
        return answer({"events": [one.event() for one in page], "next": more})

    async def stream(self, request: Request) -> Response:
        query = request.query_params
        queries.known(query, (*queries.FILTERS, "only"))
        wanted = queries.wanted(query)
        after = queries.number({"id": request.headers.get("last-event-id", "")}, "id")
        if self._feed.is_full:
            raise HTTPException(503, "too many browsers listen already")
        if request.method == "HEAD":
            return Response(media_type="text/event-stream")
        recent = self._model.recent
        return EventStream(self._feed, recent, wanted, hello=self._about(), after=after)

    async def transactions(self, request: Request) -> Response:
        query = request.query_params
        queries.known(query, ("state", "station", "q", "limit", "after"))
        limit = queries.limit(query)
        total, rows = self._model.transactions.newest(
            state=queries.one_of(query, "state", transactions.STATES),
            station=query.get("station") or None,
            text=query.get("q", ""),
            after=queries.pair(query, "after"),
        )
        page = rows[:limit]
        more = queries.cursor(*transactions.cursor(page[-1])) if len(rows) > limit else None
        found = [shown(row) for row in page]
        return answer({"total": total, "next": more, "transactions": found})

    async def transaction(self, request: Request) -> Response:
        queries.known(request.query_params, ())
        row = self._model.transactions.of(request.path_params["id"])
        if row is None:
            raise HTTPException(404, "no such transaction among those kept here")
        return answer({"transaction": row, "power": self._model.power(row)})

    async def rejected(self, request: Request) -> Response:
        query = request.query_params
        queries.known(query, ("limit", "station"))
        limit, station = queries.limit(query), query.get("station") or None
        letters = [one for one in self._model.letters if station in (None, one.station)]
        letters.sort(key=lambda one: (one.at_ms, one.place), reverse=True)
        return answer({"rejected": [one.dead_letter() for one in letters[:limit]]})

    async def schemas(self, request: Request) -> Response:
        queries.known(request.query_params, ())
        return answer({"subjects": offering.subjects(self._about()["prefix"], self._ids)})

    async def schema(self, request: Request) -> Response:
        queries.known(request.query_params, ())
        found = offering.schema(self._about()["prefix"], request.path_params["subject"])
        if found is None:
            raise HTTPException(404, "no such subject")
        return answer(found)

    async def actions(self, request: Request) -> Response:
        queries.known(request.query_params, ("station", "version"))
        version = self._version(request)
        return answer({"version": version, "actions": offering.actions(version)})

    async def action(self, request: Request) -> Response:
        queries.known(request.query_params, ("station", "version"))
        version, action = self._version(request), request.path_params["action"]
        form = offering.form(version, action)
        if form is None:
            raise HTTPException(404, f"no station of OCPP {version} can be asked for {action}")
        return answer({"action": action, "version": version, "form": form})

    def _version(self, request: Request) -> str:
        query = request.query_params
        version = queries.one_of(query, "version", VERSIONS)
        name = query.get("station") or ""
        if version is not None:
            return version
        if not name:
            raise WrongQuery("station or version: one of them is needed")
        if name not in self._model.views:
            raise HTTPException(404, f"no station {name} is known here")
        return known_version(self._model, name)

    async def command(self, request: Request) -> Response:
        queries.known(request.query_params, ())
        found = self._model.commands.of(request.path_params["id"])
        if found is None:
            raise HTTPException(404, "no such command among those kept here")
        return answer(found)


def known_version(model: Model, station: str) -> str:
    """The OCPP version of a station that is there. HTTPException where nobody knows it."""
    version = model.views[station]["ocpp_version"]
    if version not in VERSIONS:
        raise HTTPException(409, f"which OCPP version {station} speaks is not known yet")
    return str(version)
