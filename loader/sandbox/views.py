"""What a person may look at: the page at `/`, single records, the figures of `/stats`, and the faults.

None of it needs a token: the sandbox listens on this machine only, and it refuses a request that names
another host, as a web page elsewhere could make a browser send one.
"""

from __future__ import annotations

import json
from importlib.resources import files
from itertools import groupby
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, Response

from loader.errors import ConfigurationError
from loader.sandbox.answers import ErrorResponse, json_answer
from loader.sandbox.settings import is_loopback
from loader.text import shorten

if TYPE_CHECKING:
    from starlette.requests import Request

    from loader.sandbox.api import Api
    from loader.sandbox.settings import SandboxSettings
    from loader.sandbox.store import LoadCount, Store

_SHOWN_LOADS = 50
_SHOWN_RECORDS = 10
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    "X-Content-Type-Options": "nosniff",
}


class Views:
    """The views of the store, with counts of the requests to the API."""

    def __init__(self, settings: SandboxSettings, store: Store, api: Api) -> None:
        self._settings = settings
        self._types = settings.record_types
        self._store = store
        self._api = api
        environment = Environment(
            autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        self._template = environment.from_string(files(__package__).joinpath("page.html").read_text("utf-8"))

    async def page(self, request: Request) -> Response:
        """Answer `/` with a page: what is stored, by record type and load."""
        _require_loopback(request)
        shown = await run_in_threadpool(self._shown)
        html = self._template.render(
            base_url=str(request.base_url).rstrip("/"),
            tenants=self._settings.tenants,
            statuses=sorted(self._api.statuses.items()),
            faults=list(self._api.faults.chances.items()),
            shown_loads=_SHOWN_LOADS,
            **shown,
        )
        return HTMLResponse(html.encode(errors="replace"), headers=_HEADERS)

    async def record(self, request: Request) -> Response:
        """Answer with one record as JSON, indented for reading."""
        _require_loopback(request)
        place = (request.path_params["type"], request.path_params["tenant"], request.path_params["id"])
        stored = self._store.get(*place)
        if stored is None:
            raise ErrorResponse(404, "no such record is stored")
        text = json.dumps(json.loads(stored), ensure_ascii=False, indent=2)
        return Response(text.encode(errors="replace"), headers=_HEADERS, media_type="application/json")

    async def stats(self, request: Request) -> Response:
        """Answer with the figures: requests, what is stored and stored twice, and which faults there were.

        By record type, `duplicates` counts external ids, and `duplicate_rows` rows (load, file and number),
        that are stored more than once for their tenant. `faults` counts the requests that met each kind;
        `ambiguous` counts POSTs with an unclear answer: those that were stored, and those that were not.
        """
        _require_loopback(request)
        counts = await run_in_threadpool(self._store.counts)
        duplicates = await run_in_threadpool(self._store.duplicates)
        rows = await run_in_threadpool(self._store.duplicate_rows)
        faults = self._api.faults
        return json_answer(
            {
                "requests": {str(status): count for status, count in sorted(self._api.statuses.items())},
                "unanswered": self._api.unanswered,
                "stored": self._by_type(counts),
                "duplicates": {name: duplicates.get(name, 0) for name in self._types},
                "duplicate_rows": {name: rows.get(name, 0) for name in self._types},
                "faults": dict(faults.met),
                "ambiguous": {"stored": dict(faults.stored), "not_stored": dict(faults.not_stored)},
            },
            headers={"Cache-Control": "no-store"},
        )

    async def faults(self, request: Request) -> Response:
        """Answer with the probability of each kind of fault that is set; PUT sets those of its body alone."""
        _require_loopback(request)
        if request.method == "PUT":
            self._set_faults(await request.body())
        return json_answer(self._api.faults.chances, headers={"Cache-Control": "no-store"})

    def _set_faults(self, body: bytes) -> None:
        try:
            chances = json.loads(body)
        except (ValueError, RecursionError):
            chances = None
        if not isinstance(chances, dict):
            raise ErrorResponse(
                400, 'expected a JSON object of kinds and probabilities, such as {"drop-after": 0.05}'
            )
        try:
            self._api.faults.replace(chances)
        except ConfigurationError as refused:
            raise ErrorResponse(400, refused.message) from None

    def _shown(self) -> dict[str, Any]:
        counts = self._store.counts()
        duplicates = self._store.duplicates()
        stored = self._by_type(counts)
        loads = [self._load(count) for count in counts[:_SHOWN_LOADS]]
        by_type = {
            name: list(group)
            for name, group in groupby(
                sorted(loads, key=lambda load: str(load["type"])), lambda load: load["type"]
            )
        }
        return {
            "types": [
                {
                    "name": name,
                    "title": self._types[name].title if name in self._types else "",
                    "count": stored[name],
                    "duplicates": duplicates.get(name, 0),
                    "loads": by_type.get(name, []),
                }
                for name in stored
            ],
            "more_loads": max(0, len(counts) - _SHOWN_LOADS),
        }

    def _by_type(self, counts: list[LoadCount]) -> dict[str, int]:
        """Return how many records of each type are stored, those of the registry first, with 0 for none."""
        stored = dict.fromkeys(self._types, 0)
        for count in counts:
            stored[count.type] = stored.get(count.type, 0) + count.count
        return stored

    def _load(self, count: LoadCount) -> dict[str, Any]:
        records = [_row(json.loads(body)) for body in self._store.first(count, _SHOWN_RECORDS)]
        return {
            "type": count.type,
            "tenant": count.tenant,
            "load": count.load,
            "count": count.count,
            "records": records,
            "more": count.count - len(records),
        }


def _row(record: dict[str, Any]) -> dict[str, Any]:
    """What the page shows of a record; empty texts where it has nothing."""
    number = record.get("sys_bulk_load_record_no")
    return {
        "external_id": record.get("sys_external_id") or "",
        "name": record.get("name") or "",
        "id": record["id"],
        "source_file": record.get("sys_bulk_load_source_file") or "",
        "record_no": "" if number is None else number,
    }


def _require_loopback(request: Request) -> None:
    host = request.url.hostname or ""
    if not is_loopback(host):
        raise ErrorResponse(
            403, f"expected a Host of this machine, such as 127.0.0.1, found {shorten(host)!r}"
        )
