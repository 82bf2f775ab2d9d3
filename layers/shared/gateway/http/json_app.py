"""The FastAPI side of the buffered functions: principal, bodies, errors in the OpenAI shape, one Lambda handler.

Every call counts as a read of its key, except that what ends something (revokes, cancels, deletes) is never refused for
a full window; what creates something counts beside the generations too, and needs a balance. All bear what is left of
the windows of generations.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from decimal import Decimal, InvalidOperation
from functools import cache, partial
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from mangum import Mangum
from msgspec import Struct
from pydantic import AfterValidator
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.accounts import keyring
from gateway.accounts.sealing import sealed, unsealed
from gateway.auth.principal import Principal, admit_key, key_hash, key_in
from gateway.canonical.money import AccountState, Refusal
from gateway.errors import GatewayError, InvalidRequest, MethodNotAllowed, NotFound, UnsupportedMediaType
from gateway.framing import json_edit
from gateway.http.cors import CrossOrigin
from gateway.http.counting import Counted, count_read, count_request, is_ending
from gateway.http.request import JSON_TYPE, uncoded
from gateway.idempotency.ring import Answer, Attempt, keyed_request
from gateway.limits.windows import untouched
from gateway.protocols.shared import document
from gateway.protocols.shared.openai_errors import encode_error as openai_error
from gateway.providers.chat.wires import part
from gateway.runtime.base_path import remove_base_path
from gateway.runtime.event import header_fields
from gateway.wiring.control_plane import ControlServices, control_services
from gateway.wiring.managed import logged
from gateway.wiring.process import cors_origins

UNFORESEEN = "The gateway failed while serving the request."
METHODS = ("GET", "HEAD", "POST", "PATCH", "DELETE")
PARAM_CHARACTERS_MAX = 200
# The functions' timeout: API Gateway waits no longer for a buffered answer.
FUNCTION_TIMEOUT_S = 29.0
# Pydantic's kinds of errors by the codes of OpenAI's API; all that is not named is a value out of its range.
# https://docs.pydantic.dev/latest/errors/validation_errors/
CODES = {"missing": "missing_required_parameter", "extra_forbidden": "unknown_parameter"}
log = logging.getLogger(__name__)

Create = Callable[[], Awaitable[Mapping[str, Any]]]
Serve = Callable[[Request], Coroutine[Any, Any, Response]]


def control_app(title: str) -> FastAPI:
    """An app whose every failure leaves in the contract's shape."""
    app = FastAPI(
        title=title,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        strict_content_type=False,
    )
    app.exception_handler(GatewayError)(_answer)
    app.exception_handler(RequestValidationError)(_refuse_validation)
    app.exception_handler(HTTPException)(_refuse_http)
    app.exception_handler(Exception)(_refuse_unforeseen)
    app.middleware("http")(_bear_standing)
    app.add_middleware(_Uncoded)
    return app


def lambda_handler(app: FastAPI) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """The managed runtime's handler; its event loop lives as long as the process, and so do kept connections."""

    @cache
    def serving() -> Mangum:
        # Mangum takes the loop it finds; made at the first event, so that importing an app opens nothing.
        asyncio.set_event_loop(asyncio.new_event_loop())
        return Mangum(_Separate(CrossOrigin(app, cors_origins)), lifespan="off")

    def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
        with logged(event, context):
            remove_base_path(event)
            return serving()(event, context)

    return handle


def router() -> APIRouter:
    """Routes that read their bodies as the gateway does."""
    return APIRouter(route_class=_Route)


# Where `?key=` carries a key, as Gemini's clients send it.
GEMINI_PATHS = "/v1beta/"
# What stands behind the colon of a path that answers, by POST alone.
GENERATING = frozenset({"generateContent", "streamGenerateContent", "countTokens"})
Services = Annotated[ControlServices, Depends(control_services)]


async def principal(request: Request, services: Services) -> Principal:
    """Authenticates the caller; raises the refusal. Leaves the account's state for the answer's headers."""
    carried = request.headers.items(), request.query_params.multi_items()
    key = key_in(*carried, allow_query=_is_geminis(request.url.path))
    request.state.key_hash = key_hash(key)
    record = await services.keys.find(request.state.key_hash)
    found = admit_key(record, source_ip(request), services.clock.now_s())
    refused = not is_ending(request.method, request.url.path)
    request.state.account = await _passed(count_read(found, services, refused=refused))
    return found


Caller = Annotated[Principal, Depends(principal)]


async def counted(request: Request, services: Services, caller: Caller) -> Principal:
    """Counts a call whose own work is to be admitted; raises the refusal."""
    request.state.account = await _passed(count_request(caller, services))
    return caller


CountedCaller = Annotated[Principal, Depends(counted)]


async def _passed(counting: Coroutine[Any, Any, Counted]) -> AccountState | None:
    """The account after a call was counted; raises the refusal."""
    outcome = await counting
    if isinstance(outcome, Refusal):
        raise outcome.error()
    return outcome


async def manager(request: Request, caller: Caller) -> keyring.Caller:
    """Authenticates a caller who may manage the account; raises the refusal."""
    return keyring.Caller(caller, source_ip(request))


Manager = Annotated[keyring.Caller, Depends(manager)]


async def keys_of(services: Services) -> keyring.Keyring:
    """Accounts' keys, to be managed."""
    return keyring.Keyring(services.key_store, services.money, services.clock, services.own_hosts)


Keyring = Annotated[keyring.Keyring, Depends(keys_of)]


async def account_state(request: Request, caller: Manager) -> AccountState:
    """The manager's account as `principal` has just read it."""
    found: AccountState | None = request.state.account
    if found is None:
        raise NotFound(f"There is no account '{caller.account_id}'.", code="account_not_found")
    return found


State = Annotated[AccountState, Depends(account_state)]
PageLimit = Annotated[int, Query(ge=1, le=100)]
# An empty one is how some clients write none.
Cursor = Annotated[str | None, Query(pattern=r"^[0-9a-z_-]{0,80}$"), AfterValidator(lambda cursor: cursor or None)]


def source_ip(request: Request) -> str:
    """The address that the request comes from, as API Gateway saw it."""
    return request.client.host if request.client else ""


def trace_id(request: Request) -> str:
    """API Gateway's id of the request, which its access log has too."""
    found: str = request.scope["aws.event"]["requestContext"]["requestId"]
    return found


class _CreatedOnce(Struct, frozen=True):
    """Creates under the request's Idempotency-Key, if it has one.

    What is kept is sealed by the caller's API key, so each API key has idempotency keys of its own.
    """

    request: Request
    services: ControlServices
    caller: Principal

    async def __call__(
        self,
        new_id: str,
        create: Create,
        disown: Callable[[str], Awaitable[None]],
        *,
        status: int = 201,
        counts: bool = True,
    ) -> Response:
        """The answer of `create`, or its earlier answer to the same key; `disown` removes what an id created.

        `counts` is false for a creation that is counted elsewhere.
        """
        make = self._counting(create) if counts else create
        headers = self.request.headers
        secret = key_in(headers.items(), self.request.query_params.multi_items())
        keyed = keyed_request(
            headers.get("idempotency-key"),
            f"{self.caller.account_id}#{self.caller.key.key_id}",
            self.request.method,
            self.request.url.path,
            headers.get("content-type", JSON_TYPE),
            await self.request.body(),
        )

        if keyed is None:
            return Response(orjson.dumps(await make()), status, media_type=JSON_TYPE)

        async def produce() -> Answer:
            body = sealed(orjson.dumps(await make()), secret, keyed.scope)
            return Answer(status, {"content-type": JSON_TYPE}, body)

        deadline_s = self.services.clock.now_s() + FUNCTION_TIMEOUT_S
        answer = await self.services.idempotency.run(keyed, Attempt(new_id, deadline_s, produce, disown))
        return Response(unsealed(answer.body, secret, keyed.scope), answer.status, dict(answer.headers))

    def _counting(self, create: Create) -> Create:
        """The creation, counted first: its repeats are only read."""

        async def make() -> Mapping[str, Any]:
            counting = count_request(self.caller, self.services)
            self.request.state.account = await _passed(counting)
            return await create()

        return make


async def creating(request: Request, services: Services, caller: Caller) -> _CreatedOnce:
    """Reads the caller and the Idempotency-Key of a creating request."""
    return _CreatedOnce(request, services, caller)


CreatedOnce = Annotated[_CreatedOnce, Depends(creating)]


class _JsonRequest(Request):
    """A request whose body is a JSON object as every path reads it, its numbers exact where they are money."""

    async def json(self) -> Any:
        """Numbers that are no integers are `Decimal`, from the document's own text: a float would have lost them."""
        if not hasattr(self, "_json"):
            body = await self.body()
            values = document.parse(body).as_object()
            texts = json_edit.members(body) if float in map(type, values.values()) else {}
            self._json = {
                name: _decimal(texts[name], name) if type(value) is float else value for name, value in values.items()
            }
        return self._json


class _Route(APIRoute):
    """Reads the body before FastAPI does, since FastAPI answers a wrong one with a 400 that gives no reason."""

    def get_route_handler(self) -> Serve:
        serve = super().get_route_handler()
        if self.body_field is None:
            return serve

        async def serve_json(request: Request) -> Response:
            _refuse_other_types(request.headers.get("content-type", JSON_TYPE))
            read = _JsonRequest(request.scope, request.receive)
            await read.json()
            return await serve(read)

        return serve_json


def _refuse_other_types(content_type: str) -> None:
    kind = content_type.partition(";")[0].strip().lower()
    if kind != JSON_TYPE and not (kind.startswith("application/") and kind.endswith("+json")):
        raise UnsupportedMediaType(f"The body should be {JSON_TYPE}, not {kind[:80]!r}.")


def _decimal(text: bytes, name: str) -> Decimal:
    try:
        return Decimal(text.decode())
    except InvalidOperation:
        raise InvalidRequest("The number is out of range.", param=name, code="invalid_value") from None


class _Separate:
    """Gives the app each header as it came, as the streaming app does: Mangum joins those of one name by commas."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        await self._app({**scope, "headers": header_fields(scope["aws.event"])}, receive, send)


class _Uncoded:
    """Gives the app each body without the coding that its `content-encoding` names."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request, or refuses its coding."""
        coding = Headers(scope=scope).get("content-encoding") if scope["type"] == "http" else None
        if coding is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            body = uncoded(await request.body(), coding)
        except GatewayError as error:
            await (await _answer(request, error))(scope, receive, send)
            return

        async def read() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, read, send)


async def _bear_standing(request: Request, call_next: Serve) -> Response:
    response = await call_next(request)
    response.headers.update(_standing(request))
    return response


def _standing(request: Request) -> Mapping[str, str]:
    """The headers that every answer bears; the window is a new key's where the caller's is not known."""
    account: AccountState | None = getattr(request.state, "account", None)
    refusing: Mapping[str, str] | None = getattr(request.state, "window", None)
    services = request.app.dependency_overrides.get(control_services, control_services)()
    window = untouched(services.clock.now_s()) if account is None else account.window
    return {"X-Trace-ID": trace_id(request), **(refusing or window.headers)}


async def _answer(request: Request, error: GatewayError, headers: Mapping[str, str] | None = None) -> Response:
    if error.window is not None:
        # A refused order's, too: the account was read before it.
        request.state.window = error.window
    told = {**_standing(request), **(headers or {})}
    if error.status in {429, 503} or error.retry_after_s is not None:
        told["Retry-After"] = str(max(1, error.retry_after_s or 1))
    if isinstance(error, MethodNotAllowed) and error.allowed:
        told["Allow"] = ", ".join(error.allowed)
    if error.should_retry is not None:
        told["x-should-retry"] = str(error.should_retry).lower()
    body = _encoder(request)(error)
    return Response(body, status_code=error.status, headers=told, media_type=JSON_TYPE)


def _is_geminis(path: str) -> bool:
    """True for the paths of Gemini's clients, under `/v1` too."""
    return path.startswith(GEMINI_PATHS) or _is_generating(path)


def _is_generating(path: str) -> bool:
    return path.rpartition(":")[2] in GENERATING


def _encoder(request: Request) -> Callable[[GatewayError], bytes]:
    """The wire that the request speaks: Gemini's by its path, Anthropic's by the header that it insists on."""
    if _is_geminis(request.url.path):
        gemini: Callable[[GatewayError], bytes] = part("gemini.errors").encode_error
        return gemini
    if "anthropic-version" in request.headers:
        return partial(part("anthropic_messages.errors").encode_error, request_id=trace_id(request))
    return openai_error


async def _refuse_validation(request: Request, error: RequestValidationError) -> Response:
    first = error.errors()[0]
    kind, path = str(first["type"]), _json_path(first["loc"][1:])
    message = str(first["msg"]).removeprefix("Value error, ")
    code = CODES.get(kind, "invalid_type" if kind.endswith("_type") else "invalid_value")
    told = f"{message}." if path is None else f"Invalid '{path}': {message}."
    return await _answer(request, InvalidRequest(told, param=path, code=code))


async def _refuse_http(request: Request, error: HTTPException) -> Response:
    asked = f"{request.method} {request.url.path}"[:PARAM_CHARACTERS_MAX]
    if error.status_code == 405:
        return await _answer(request, MethodNotAllowed(f"Unknown method: {asked}.", allowed=_allowed(request)))
    return await _answer(request, NotFound(f"Unknown path: {asked}.", code="unknown_url"))


def _allowed(request: Request) -> list[str]:
    """The methods of a path, of which Gemini's generating ones are another function's."""
    if _is_generating(request.url.path):
        return ["POST"]
    return [method for method in METHODS if _is_served(request, method)]


def _is_served(request: Request, method: str) -> bool:
    scope = {**request.scope, "method": method}
    return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)


async def _refuse_unforeseen(request: Request, error: Exception) -> Response:
    log.error("unforeseen", exc_info=error, extra={"request_id": trace_id(request)})
    return await _answer(request, GatewayError(UNFORESEEN))


def _json_path(location: tuple[int | str, ...]) -> str | None:
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return path.removeprefix(".")[:PARAM_CHARACTERS_MAX] or None
