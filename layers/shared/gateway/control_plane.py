"""The FastAPI side of the buffered doors: principal, errors in the OpenAI shape, one Lambda handler."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from mangum import Mangum
from starlette.exceptions import HTTPException

from gateway.auth.principal import Principal, admit_key, key_hash, key_in
from gateway.bootstrap import ControlServices, control_services
from gateway.errors import GatewayError, InvalidRequest, MethodNotAllowed, NotFound
from gateway.protocols import openai_chat

UNFORESEEN = "The gateway failed while serving the request."
log = logging.getLogger(__name__)


def control_app(title: str) -> FastAPI:
    """An app whose every failure leaves in the contract's shape."""
    app = FastAPI(title=title, openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.exception_handler(GatewayError)(_answer)
    app.exception_handler(RequestValidationError)(_refuse_validation)
    app.exception_handler(HTTPException)(_refuse_http)
    app.exception_handler(Exception)(_refuse_unforeseen)
    app.middleware("http")(_bear_trace_id)
    return app


def lambda_handler(app: FastAPI) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """The managed runtime's handler; its event loop lives as long as the process, and so do kept connections."""
    asyncio.set_event_loop(asyncio.new_event_loop())
    return Mangum(app, lifespan="off")


async def principal(request: Request, services: Annotated[ControlServices, Depends(control_services)]) -> Principal:
    """Who is asking; raises the refusal."""
    record = await services.keys.find(key_hash(key_in(request.headers, request.query_params)))
    source_ip = request.client.host if request.client else ""
    return admit_key(record, source_ip, services.clock.now_s())


Caller = Annotated[Principal, Depends(principal)]


def trace_id(request: Request) -> str:
    """API Gateway's id of the request, which its access log has too."""
    found: str = request.scope["aws.event"]["requestContext"]["requestId"]
    return found


async def _bear_trace_id(request: Request, call_next: Callable[[Request], Any]) -> Response:
    response: Response = await call_next(request)
    response.headers["X-Trace-ID"] = trace_id(request)
    return response


async def _answer(request: Request, error: GatewayError) -> Response:
    headers = {"Retry-After": str(max(1, error.retry_after_s or 1))} if error.status in {429, 503} else {}
    return Response(
        openai_chat.CLIENT.encode_error(error, trace_id(request)),
        status_code=error.status,
        headers=headers,
        media_type="application/json",
    )


async def _refuse_validation(request: Request, error: RequestValidationError) -> Response:
    first = error.errors()[0]
    return await _answer(request, InvalidRequest(first["msg"], param=_json_path(first["loc"][1:])))


async def _refuse_http(request: Request, error: HTTPException) -> Response:
    if error.status_code == 405:
        return await _answer(request, MethodNotAllowed(f"{request.url.path} does not take {request.method}."))
    return await _answer(request, NotFound(f"Unknown path: {request.method} {request.url.path}.", code="unknown_url"))


async def _refuse_unforeseen(request: Request, error: Exception) -> Response:
    log.error("unforeseen", exc_info=error, extra={"request_id": trace_id(request)})
    return await _answer(request, GatewayError(UNFORESEEN))


def _json_path(location: tuple[int | str, ...]) -> str:
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return path.removeprefix(".")
