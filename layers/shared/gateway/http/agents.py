"""Serves runs and tasks: begun once under an Idempotency-Key, waited for, streamed, read, confirmed, cancelled.

A run is begun in a moment and goes on by itself. So what the ring keeps is its id: a repeat of the key waits for the
same run, or follows it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import partial
from typing import TYPE_CHECKING

import orjson
from msgspec import Struct

from gateway.auth.principal import Principal, key_hash, key_in
from gateway.errors import GatewayError, InvalidRequest
from gateway.http.app import unknown_path
from gateway.http.calls import Page
from gateway.http.exchange import EventStream, Exchange
from gateway.http.request import JSON_TYPE, Request
from gateway.http.route import counted_read, counted_request
from gateway.http.routes import FOLLOW_MARGIN_S, JsonRoute, Route, Services, follow, stream_headers
from gateway.idempotency.ring import REPLAYED, Answer, Attempt, keyed_request
from gateway.protocols.shared.body import read_body, read_query
from gateway.protocols.shared.openai_errors import encode_error

if TYPE_CHECKING:
    from gateway.agents.records import Spec
    from gateway.agents.requests import RunBody, TaskBody
    from gateway.agents.runs import Runs

RUN, STREAM, TASKS = "/v1/agents/run", "/v1/agents/run/stream", "/v1/tasks"
ONE = re.compile(r"/v1/tasks/(?P<id>[^/]+)(?P<part>/confirm|/cancel)?")
EVENT_ID = re.compile(r"(?P<id>task_[0-9a-z]{1,40}):(?P<after>[0-9]{1,6})", re.ASCII)
LAST_EVENT_ID = "last-event-id"
NO_EVENT_ID = "The header Last-Event-ID should be the id of an event of a run, like 'task_…:3'."
# Seconds of silence after which a waiting answer begins, and pauses between its blanks: far below what proxies wait.
PAD_S = 10.0
# Seconds that the beginning of a run may take before its key is free again.
BEGIN_S = 60.0


class AgentsWire(Struct):
    """The outer form of the family's answers: events, and OpenAI's shape of errors."""

    protocol: str = "agents"
    id_prefix: str = "task_"
    stream_type: str = "text/event-stream; charset=utf-8"
    keep_alive: bytes = b": NX\n\n"

    def encode_error(self, error: GatewayError, request_id: str) -> bytes:
        """OpenAI's error object."""
        del request_id  # It is in a header, x-request-id.
        return encode_error(error)


WIRE = AgentsWire()
# JSON may have blanks before it: https://www.rfc-editor.org/rfc/rfc8259#section-2
PADDED = AgentsWire(stream_type=JSON_TYPE, keep_alive=b" ")


class AgentsFamily(Struct, frozen=True):
    """The parts that the routes stand on; each is asked for at the first request that needs it.

    `specified` is the run that a request describes, judged: it raises what is wrong before there is one.
    """

    runs: Callable[[], Runs]
    read_run: Callable[[bytes], RunBody]
    read_task: Callable[[bytes], TaskBody]
    specified: Callable[[Principal, RunBody | TaskBody], Awaitable[Spec]]


class AgentsRoutes(Struct, frozen=True):
    """The routes of `/v1/agents`."""

    family: AgentsFamily

    def __call__(self, path: str, _: Mapping[str, str]) -> Route:
        """A new run, whole or as events; raises `NotFound`."""
        if path == RUN:
            return BeginRoute(self.family, self.family.read_run)
        if path == STREAM:
            return StreamRoute(self.family)
        raise unknown_path(path)


class TasksRoutes(Struct, frozen=True):
    """The routes of `/v1/tasks`, which show agents' runs too."""

    family: AgentsFamily

    def __call__(self, path: str, _: Mapping[str, str]) -> Route:
        """A new task, or what is asked about one; raises `NotFound`."""
        if path == TASKS:
            return TasksRoute(self.family)
        match = ONE.fullmatch(path)
        if match is None:
            raise unknown_path(path)
        job_id, part = match["id"], match["part"]
        if part is None:
            return JsonRoute({"GET": partial(self._view, job_id)})
        act = self._confirm if part == "/confirm" else self._cancel
        return JsonRoute({"POST": partial(act, job_id)})

    async def _view(self, job_id: str, principal: Principal, _: Request) -> bytes:
        return orjson.dumps(await self.family.runs().view(principal.account_id, job_id))

    async def _confirm(self, job_id: str, principal: Principal, _: Request) -> bytes:
        return orjson.dumps(await self.family.runs().confirm(principal.account_id, job_id))

    async def _cancel(self, job_id: str, principal: Principal, _: Request) -> bytes:
        return orjson.dumps(await self.family.runs().cancel(principal.account_id, job_id))


class BeginRoute(Struct, frozen=True):
    """Begins a run and answers with it once it has ended, or at once where the caller does not wait."""

    family: AgentsFamily
    read: Callable[[bytes], RunBody | TaskBody]
    methods: Collection[str] = ("POST",)

    async def serve(self, exchange: Exchange, principal: Principal, services: Services) -> None:
        """Pads the silence of a waiting answer with blanks, so that nothing between here and the caller gives up."""
        asked = self.read(exchange.request.body)
        job_id, headers = await begun(self.family, asked, exchange, principal, services)
        runs, account_id = self.family.runs(), principal.account_id
        if not asked.wait:
            await exchange.reply(202, orjson.dumps(await runs.view(account_id, job_id)), headers)
            return
        until_s = min(services.clock.now_s() + asked.wait_s, exchange.request.deadline_s - FOLLOW_MARGIN_S)
        exchange.wire = PADDED
        async with EventStream(exchange, PAD_S) as stream:
            stream.announce(headers)
            await stream.write(orjson.dumps(await runs.waited(account_id, job_id, until_s)))


class TasksRoute(Struct, frozen=True):
    """Begins a task by POST; lists runs and tasks by GET."""

    family: AgentsFamily
    methods: Collection[str] = ("GET", "POST")

    async def serve(self, exchange: Exchange, principal: Principal, services: Services) -> None:
        """Answers by the method."""
        if exchange.request.method == "POST":
            await BeginRoute(self.family, self.family.read_task).serve(exchange, principal, services)
            return
        await counted_read(exchange, principal, services)
        page = read_query(exchange.request.query, Page)
        found = await self.family.runs().page(principal.account_id, page.limit, page.cursor)
        await exchange.reply(200, orjson.dumps(found))


class StreamRoute(Struct, frozen=True):
    """Streams a new run's steps, or goes on with those of an earlier one behind the event that the caller got last."""

    family: AgentsFamily
    methods: Collection[str] = ("GET", "POST")

    async def serve(self, exchange: Exchange, principal: Principal, services: Services) -> None:
        """Sends the events as they come; each has an id, from which any later request goes on."""
        request, after = exchange.request, 0
        headers: dict[str, str] = {}
        last = request.headers.get(LAST_EVENT_ID)
        if last is not None or request.method == "GET":
            await counted_read(exchange, principal, services)
            job_id, after = _place(last)
        else:
            asked = self.family.read_run(request.body)
            job_id, headers = await begun(self.family, asked, exchange, principal, services)
        events = await self.family.runs().events(principal.account_id, job_id, after)
        async with EventStream(exchange, services.commit_s) as stream:
            stream.announce({**stream_headers(exchange), **headers})
            await follow(events, stream, request.deadline_s, services.clock)


def _place(last: str | None) -> tuple[str, int]:
    match = EVENT_ID.fullmatch(last or "")
    if match is None:
        raise InvalidRequest(NO_EVENT_ID, param="Last-Event-ID", code="invalid_value")
    return match["id"], int(match["after"])


async def begun(
    family: AgentsFamily, asked: RunBody | TaskBody, exchange: Exchange, principal: Principal, services: Services
) -> tuple[str, dict[str, str]]:
    """Begins the run once under the request's key; returns its id, and headers that tell of a repeat."""
    from gateway.agents.runs import Asker  # noqa: PLC0415  # no cold start pays for it

    request, runs = exchange.request, family.runs()
    new_id = runs.new_id()
    key = key_hash(key_in(request.header_fields, request.query_fields))

    async def begin() -> Answer:
        spec = await family.specified(principal, asked)
        await counted_request(exchange, principal, services)
        asker = Asker(principal, key, request.source_ip, request.request_id)
        await runs.begin(new_id, asked.kind, spec, asker, limit_s=asked.limit_s)
        return Answer(200, {"Content-Type": JSON_TYPE}, orjson.dumps({"id": new_id}))

    keyed = keyed_request(
        request.idempotency_key,
        principal.account_id,
        request.method,
        request.path,
        request.headers.get("content-type", JSON_TYPE),
        request.body,
    )
    attempt = Attempt(new_id, services.clock.now_s() + BEGIN_S, begin, runs.withdraw)
    answer = await services.idempotency.run(keyed, attempt)
    repeated = {REPLAYED: answer.headers[REPLAYED]} if REPLAYED in answer.headers else {}
    return orjson.loads(answer.body)["id"], repeated


def read_run_body(body: bytes) -> RunBody:
    """The request of a run; raises `InvalidRequest`."""
    from gateway.agents.requests import RunBody  # noqa: PLC0415  # no cold start pays for it

    return read_body(body, RunBody)


def read_task_body(body: bytes) -> TaskBody:
    """The request of a task; raises `InvalidRequest`."""
    from gateway.agents.requests import TaskBody  # noqa: PLC0415  # no cold start pays for it

    return read_body(body, TaskBody)
