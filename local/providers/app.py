"""Serves every simulated wire as one ASGI app: route, authorize, record, apply faults, answer.

Below `/_sim/` is the control API (README.md beside this file), below `/stripe/` the simulated Stripe. Every other path
belongs to a provider row.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, unquote

import orjson

from local.payments.serving import PREFIX as PAYMENTS
from local.payments.serving import Serving
from local.providers import forms
from local.providers.delivery import Connection, Delivery, Pace, Send, steps
from local.providers.faults import Fault, FaultRegistry, UnknownWord
from local.providers.json_value import Json
from local.providers.memory import Memory
from local.providers.oddities import oddities_of, spelt_oddly
from local.providers.realtime_sockets import Sockets
from local.providers.record import Entry, Record
from local.providers.wire import Call, HangUp, Refusal, Reply, Route, Wire, json_reply

Receive = Callable[[], Awaitable[Json]]
Scope = Json

CONNECTION = "sim.connection"
# What a request raises whose members are of types that no wire's checks expect; a provider refuses it too.
_UNREADABLE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError, re.error)
# A file of sound may be the whole body.
_SOUND = ("audio/", "application/octet-stream")
_CANNOT_READ = "The simulator cannot read this request."
_HTML = b"<html><head><title>Oops</title></head><body>upstream connect error</body></html>"


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request with its body read, before it is routed."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    raw: bytes

    def query_map(self) -> dict[str, str]:
        """Maps each name of the query to its last value."""
        return dict(parse_qsl(self.query, keep_blank_values=True))


class App:
    """The ASGI application. `now_s` returns the time in whole seconds."""

    def __init__(self, wires: Sequence[Wire], now_s: Callable[[], int], payments: Serving | None = None) -> None:
        self._payments = Serving("") if payments is None else payments
        self._wires = wires
        self._now_s = now_s
        self._memory = Memory()
        self._record = Record()
        self._faults = FaultRegistry()
        self._pace = Pace()
        self._serial = 0
        self._answering: set[asyncio.Future[bool]] = set()
        self._sockets = Sockets(self._faults)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._sockets(scope, receive, send)
            return
        incoming = await _read(scope, receive)
        connection: Connection = scope["state"][CONNECTION]
        if incoming.path.startswith("/_sim/"):
            await _send_whole(send, connection, self._control(incoming))
            return
        if incoming.path.startswith(f"{PAYMENTS}/"):
            await _send_whole(send, connection, self._pay(incoming))
            return
        answering = asyncio.ensure_future(self._answer(incoming, send, connection))
        leaving = asyncio.ensure_future(_gone(receive))
        self._answering.add(answering)
        try:
            await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
            answering.cancel()
            await asyncio.wait({answering})
            if answering.cancelled() or not answering.result():
                connection.close()
                await leaving
        finally:
            self._answering.discard(answering)
            leaving.cancel()

    def close(self) -> None:
        """Cancels all running work, so that the server can end at once."""
        self._memory.webhooks.close()
        self._memory.images.close()
        self._payments.deliveries.close()
        for answering in self._answering:
            answering.cancel()

    async def _answer(self, incoming: Incoming, send: Send, connection: Connection) -> bool:
        """Answers a request. Returns True if the answer was sent to its end."""
        found = _find(self._wires, incoming)
        if found is None:
            await _send_whole(send, connection, _no_such_path(incoming))
            return True
        wire, route, params = found
        entry = self._record.add(
            provider=wire.row,
            method=incoming.method,
            path=incoming.path,
            query=incoming.query_map(),
            headers=incoming.headers,
            raw=incoming.raw,
        )
        try:
            await self._serve(wire, route, self._call(incoming, params), entry, send, connection)
        except asyncio.CancelledError:
            entry.outcome = "disconnected"
            raise
        return entry.outcome == "sent"

    def _pay(self, incoming: Incoming) -> Reply:
        answer = self._payments.answer(incoming.method, incoming.path, incoming.headers, incoming.raw)
        return Reply(answer.status, (("content-type", answer.content_type), *answer.headers), answer.body)

    def _call(self, incoming: Incoming, params: dict[str, str]) -> Call:
        self._serial += 1
        return Call(
            method=incoming.method,
            path=unquote(incoming.path),
            params=params,
            query=incoming.query_map(),
            headers=incoming.headers,
            raw=incoming.raw,
            body={},
            serial=self._serial,
            now_s=self._now_s(),
            memory=self._memory,
            raw_path=incoming.path,
            raw_query=incoming.query,
        )

    async def _serve(
        self, wire: Wire, route: Route, call: Call, entry: Entry, send: Send, connection: Connection
    ) -> None:
        fault = Fault()
        reply: Reply | None
        try:
            call, fault = self._parsed(wire, call, entry)
            reply = await self._before(wire, route, call, fault)
        except (Refusal, *_UNREADABLE) as error:
            refusal = error if isinstance(error, Refusal) else wire.refusal(400, f"{_CANNOT_READ} ({error!r})", None)
            reply = _refused(wire, call, refusal)
            reply = replace(reply, headers=(*reply.headers, *wire.headers(call)))
        if reply is not None and reply.cut_after is not None:
            fault = replace(fault, cut_after=reply.cut_after)
        delivery = Delivery(send, connection, fault, self._pace.hurried)
        if reply is None:
            await delivery.hang_up()
        else:
            entry.status = reply.status
            await self._deliver(wire, call, fault, reply, delivery)
        entry.frames_sent = delivery.frames_sent
        entry.outcome = "cut" if delivery.cut else "sent"

    def _parsed(self, wire: Wire, call: Call, entry: Entry) -> tuple[Call, Fault]:
        """Parses the call and finds its fault. Refuses a wrong key or body."""
        wire.authorize(call)
        call = replace(call, body=_json_object(wire, call))
        entry.model = wire.model(call)
        try:
            fault = self._faults.fault_for(wire.row, entry.model, call.raw, wire.question(call.body))
            oddities_of(fault)
        except UnknownWord as unknown:
            raise wire.refusal(400, str(unknown), "unknown_simulator_word") from unknown
        entry.fault = fault.words()
        return replace(call, shape=fault), fault

    async def _before(self, wire: Wire, route: Route, call: Call, fault: Fault) -> Reply | None:
        await asyncio.sleep(fault.delay_ms / 1000)
        if fault.hang_ms is not None:
            await asyncio.sleep(fault.hang_ms / 1000)
            return None
        if fault.garbage:
            return Reply(fault.status or 200, (("content-type", "text/html"), *wire.headers(call)), _HTML)
        try:
            if fault.status is not None:
                raise wire.refusal(fault.status, f"The simulator was asked for a {fault.status}.", fault.code)
            reply = spelt_oddly(route.answer(call), fault)
        except HangUp:
            return None
        except Refusal as refusal:
            reply = _refused(wire, call, refusal)
        retry_after = (("retry-after", fault.retry_after),) if fault.retry_after is not None else ()
        return replace(reply, headers=(*reply.headers, *wire.headers(call), *retry_after))

    @staticmethod
    async def _deliver(wire: Wire, call: Call, fault: Fault, reply: Reply, delivery: Delivery) -> None:
        if isinstance(reply.body, bytes):
            await delivery.send_body(reply, reply.body)
        else:
            spoiled = steps(reply.body, fault, wire.error_frame(call), wire.garbage_frame(call))
            await delivery.send_stream(reply, spoiled)

    def _control(self, incoming: Incoming) -> Reply:
        actions: dict[tuple[str, str], Callable[[Incoming], Json]] = {
            ("GET", "/_sim/requests"): lambda i: self._record.since(int(i.query_map().get("since", "0"))),
            ("DELETE", "/_sim/requests"): lambda _: _done(self._record.clear),
            ("POST", "/_sim/faults"): self._inject,
            ("DELETE", "/_sim/faults"): lambda _: _done(self._faults.clear),
            ("POST", "/_sim/hurry"): lambda _: _done(self._pace.hurry),
            ("GET", "/_sim/media/tasks"): lambda _: self._memory.tasks.describe(),
            ("GET", "/_sim/realtime"): lambda _: {"responses": self._sockets.responses},
            ("DELETE", "/_sim/media/tasks"): lambda _: _done(self._memory.tasks.clear),
        }
        action = actions.get((incoming.method, incoming.path))
        if action is None:
            return _no_such_path(incoming)
        try:
            return json_reply(action(incoming))
        except (ValueError, TypeError, AttributeError) as error:
            return json_reply({"error": str(error)}, 400)

    def _inject(self, incoming: Incoming) -> Json:
        asked = orjson.loads(incoming.raw)
        self._faults.inject(asked.get("match", {}), asked.get("fault", {}), asked.get("times"))
        return {"ok": True}


def _done(action: Callable[[], None]) -> Json:
    action()
    return {"ok": True}


def _refused(wire: Wire, call: Call, refusal: Refusal) -> Reply:
    reply = json_reply(wire.stamped(call, refusal.body), refusal.status)
    return replace(reply, headers=(*reply.headers, *refusal.headers))


def _find(wires: Sequence[Wire], incoming: Incoming) -> tuple[Wire, Route, dict[str, str]] | None:
    for wire in wires:
        if not incoming.path.startswith(wire.prefix):
            continue
        for route in wire.routes:
            match = route.pattern.fullmatch(incoming.path.removeprefix(wire.prefix))
            if match and route.method == incoming.method:
                return wire, route, {name: unquote(part or "") for name, part in match.groupdict().items()}
    return None


def _no_such_path(incoming: Incoming) -> Reply:
    message = f"Invalid URL ({incoming.method} {incoming.path})"
    return json_reply(
        {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}, 404
    )


def _json_object(wire: Wire, call: Call) -> Json:
    if not call.raw:
        return {}
    if forms.is_form(call.headers.get("content-type", "")):
        return forms.members(call.headers["content-type"], call.raw)
    if call.headers.get("content-type", "").startswith(_SOUND):
        return {}
    try:
        body = orjson.loads(call.raw)
    except orjson.JSONDecodeError as error:
        message = f"We could not parse the JSON body of your request. ({error})"
        raise wire.refusal(400, message, None) from error
    if not isinstance(body, dict):
        raise wire.refusal(400, "The body of the request is expected to be a JSON object.", None)
    return body


async def _read(scope: Scope, receive: Receive) -> Incoming:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            break
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    raw_path = scope["raw_path"].decode("ascii")
    return Incoming(scope["method"], raw_path, scope["query_string"].decode("ascii"), headers, b"".join(parts))


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send_whole(send: Send, connection: Connection, reply: Reply) -> None:
    if isinstance(reply.body, bytes):
        await Delivery(send, connection, Fault(), asyncio.Event()).send_body(reply, reply.body)
