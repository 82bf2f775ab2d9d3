"""The FastAPI side of the buffered doors: principal, bodies, errors in the OpenAI shape, one Lambda handler.

Calls to the control plane count in no window: they bear what is left of the key's and the account's, and a full one
never keeps an owner from revoking a key. API Gateway's own throttle bounds them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from mangum import Mangum
from pydantic import AfterValidator
from starlette.exceptions import HTTPException
from starlette.routing import Match

from gateway.accounts import keyring
from gateway.accounts.sealing import sealed, unsealed
from gateway.auth.principal import Principal, admit_key, key_hash, key_in
from gateway.bootstrap import ControlServices, control_services
from gateway.canonical.money import AccountState
from gateway.errors import GatewayError, InvalidRequest, MethodNotAllowed, NotFound, UnsupportedMediaType
from gateway.framing import document, splice
from gateway.idempotency import Answer, Attempt, keyed_request
from gateway.limits.windows import KEY_RPM_LIMIT
from gateway.protocols import openai_chat

UNFORESEEN = "The gateway failed while serving the request."
JSON_TYPE = "application/json"
METHODS = ("GET", "HEAD", "POST", "PATCH", "DELETE")
PARAM_CHARACTERS_MAX = 200
# The functions' timeout: API Gateway lets nobody wait longer for a buffered answer.
FUNCTION_TIMEOUT_S = 29.0
# Pydantic's kinds of errors by the codes of OpenAI's API; all that is not named is a value out of its range.
# https://docs.pydantic.dev/latest/errors/validation_errors/
CODES = {"missing": "missing_required_parameter", "extra_forbidden": "unknown_parameter"}
log = logging.getLogger(__name__)

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
    return app


def lambda_handler(app: FastAPI) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """The managed runtime's handler; its event loop lives as long as the process, and so do kept connections."""

    @cache
    def serving() -> Mangum:
        # Mangum takes the loop it finds; made at the first event, so that importing an app opens nothing.
        asyncio.set_event_loop(asyncio.new_event_loop())
        return Mangum(app, lifespan="off")

    def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
        return serving()(event, context)

    return handle


def router() -> APIRouter:
    """Routes that read their bodies as the gateway does."""
    return APIRouter(route_class=_Route)


# Where `?key=` carries a key, as Gemini's clients send it.
GEMINI_PATHS = "/v1beta/"
Services = Annotated[ControlServices, Depends(control_services)]


async def principal(request: Request, services: Services) -> Principal:
    """Who is asking; raises the refusal. Leaves the account's state for the answer's headers."""
    allow_query = request.url.path.startswith(GEMINI_PATHS)
    record = await services.keys.find(key_hash(key_in(request.headers, request.query_params, allow_query=allow_query)))
    now_s = services.clock.now_s()
    found = admit_key(record, source_ip(request), now_s)
    rpm_limit = KEY_RPM_LIMIT if found.key.rpm_limit is None else found.key.rpm_limit
    request.state.account = await services.money.state(found.account_id, found.key.key_id, rpm_limit, now_s)
    return found


Caller = Annotated[Principal, Depends(principal)]


async def manager(request: Request, caller: Caller) -> keyring.Caller:
    """Who is asking, where they may manage the account; raises the refusal."""
    return keyring.Caller(caller, source_ip(request))


Manager = Annotated[keyring.Caller, Depends(manager)]


async def keys_of(services: Services) -> keyring.Keyring:
    """Accounts' keys, to be managed."""
    return keyring.Keyring(services.key_store, services.money, services.clock)


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


@dataclass(frozen=True, slots=True)
class _CreatedOnce:
    """Creates under the request's Idempotency-Key, if it has one.

    What is kept is sealed by the caller's API key, so each API key has idempotency keys of its own.
    """

    request: Request
    services: ControlServices
    caller: Principal

    async def __call__(
        self,
        new_id: str,
        create: Callable[[], Awaitable[Mapping[str, Any]]],
        disown: Callable[[str], Awaitable[None]],
        *,
        status: int = 201,
    ) -> Response:
        """What `create` answers, or has answered to the same key before; `disown` removes what has an id."""
        headers = self.request.headers
        secret = key_in(headers, self.request.query_params)
        keyed = keyed_request(
            headers.get("idempotency-key"),
            f"{self.caller.account_id}#{self.caller.key.key_id}",
            self.request.method,
            self.request.url.path,
            headers.get("content-type", JSON_TYPE),
            await self.request.body(),
        )

        async def produce() -> Answer:
            return Answer(status, {"content-type": JSON_TYPE}, sealed(orjson.dumps(await create()), secret))

        deadline_s = self.services.clock.now_s() + FUNCTION_TIMEOUT_S
        answer = await self.services.idempotency.run(keyed, Attempt(new_id, deadline_s, produce, disown))
        return Response(unsealed(answer.body, secret), answer.status, dict(answer.headers))


async def creating(request: Request, services: Services, caller: Caller) -> _CreatedOnce:
    """Whoever creates, with the request's key."""
    return _CreatedOnce(request, services, caller)


CreatedOnce = Annotated[_CreatedOnce, Depends(creating)]


class _JsonRequest(Request):
    """A request whose body is a JSON object as every door reads it, its numbers exact where they are money."""

    async def json(self) -> Any:
        """Numbers that are no integers are `Decimal`, from the document's own text: a float would have lost them."""
        if not hasattr(self, "_json"):
            body = await self.body()
            values = document.parse(body).as_object()
            texts = splice.members(body) if float in map(type, values.values()) else {}
            self._json = {
                name: _decimal(texts[name], name) if type(value) is float else value for name, value in values.items()
            }
        return self._json


class _Route(APIRoute):
    """Reads the body before FastAPI does, for which whatever is wrong with one is a 400 without a reason."""

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


async def _bear_standing(request: Request, call_next: Serve) -> Response:
    response = await call_next(request)
    account: AccountState | None = getattr(request.state, "account", None)
    response.headers.update({"X-Trace-ID": trace_id(request)} | (account.window.headers if account else {}))
    return response


async def _answer(request: Request, error: GatewayError, headers: Mapping[str, str] | None = None) -> Response:
    told = {"X-Trace-ID": trace_id(request), **(headers or {})}
    if error.status in {429, 503} or error.retry_after_s is not None:
        told["Retry-After"] = str(max(1, error.retry_after_s or 1))
    if error.should_retry is not None:
        told["x-should-retry"] = str(error.should_retry).lower()
    body = openai_chat.CLIENT.encode_error(error, trace_id(request))
    return Response(body, status_code=error.status, headers=told, media_type=JSON_TYPE)


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
        allowed = ", ".join(method for method in METHODS if _is_served(request, method))
        return await _answer(request, MethodNotAllowed(f"Unknown method: {asked}."), {"Allow": allowed})
    return await _answer(request, NotFound(f"Unknown path: {asked}.", code="unknown_url"))


def _is_served(request: Request, method: str) -> bool:
    scope = {**request.scope, "method": method}
    return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)


async def _refuse_unforeseen(request: Request, error: Exception) -> Response:
    log.error("unforeseen", exc_info=error, extra={"request_id": trace_id(request)})
    return await _answer(request, GatewayError(UNFORESEEN))


def _json_path(location: tuple[int | str, ...]) -> str | None:
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return path.removeprefix(".")[:PARAM_CHARACTERS_MAX] or None
