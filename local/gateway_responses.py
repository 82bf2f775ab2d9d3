"""Renders the answers of API Gateway itself: its response types, with the template's texts for them.

Source: docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from local.template import GatewayResponse

VARIABLE = re.compile(r"\$context\.((?:\w+\.)*\w+)|\$\{context\.((?:\w+\.)*\w+)\}")


@dataclass(frozen=True, slots=True)
class Refusal:
    """One way in which API Gateway refuses or fails. `kind` is its response type, `error` its x-amzn-ErrorType.

    A refusal without a kind is sent before the API is reached, so the template cannot change it.
    """

    kind: str | None
    status: int
    message: str
    error: str


MISSING_ROUTE = Refusal(
    "MISSING_AUTHENTICATION_TOKEN", 403, "Missing Authentication Token", "MissingAuthenticationTokenException"
)
REQUEST_TOO_LARGE = Refusal("REQUEST_TOO_LARGE", 413, "Request Too Long", "RequestTooLargeException")
# API Gateway treats a missing route as a call signed for AWS, and any other Authorization as a wrong signature.
INCOMPLETE_SIGNATURE = Refusal(
    "DEFAULT_4XX", 403, "Authorization header is no AWS signature.", "IncompleteSignatureException"
)
HEADERS_TOO_LARGE = Refusal(None, 431, "HTTP header is larger than 10240 bytes.", "BadRequestException")
BODY_CUT = Refusal("BAD_REQUEST_BODY", 400, "Invalid request body", "BadRequestException")
INTEGRATION_TIMEOUT = Refusal("INTEGRATION_TIMEOUT", 504, "Endpoint request timed out", "InternalServerErrorException")
# A function that failed, or an answer that is not in the proxy format.
FUNCTION_FAILED = Refusal("DEFAULT_5XX", 502, "Internal server error", "InternalServerErrorException")
# Lambda's own 429 is never shown as 429: it is an INTEGRATION_FAILURE, whose status is 500 unless the template says
# otherwise. Source: repost.aws/questions/QUfI6bsdd0SOiPeyimzxSkfQ and QUL-z6rJbmR4meafB7MzYXxw.
FUNCTION_THROTTLED = Refusal("INTEGRATION_FAILURE", 500, "Internal server error", "InternalServerErrorException")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A gateway response that is ready to send."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def render(refusal: Refusal, customised: Mapping[str, GatewayResponse], context: Mapping[str, str]) -> Rendered:
    """Renders a refusal with the template's text, or API Gateway's own. `context` resolves $context.NAME."""
    known = {
        **context,
        "error.message": refusal.message,
        "error.messageString": orjson.dumps(refusal.message).decode(),
        "error.responseType": refusal.kind or "",
    }
    chosen = _customised(refusal, customised) or GatewayResponse(None, {}, {})
    media_type, template = next(
        iter(chosen.templates.items()), ("application/json", '{"message":$context.error.messageString}')
    )
    body = VARIABLE.sub(lambda match: known.get(match[1] or match[2], ""), template).encode()
    headers = {name: _header_value(value, known) for name, value in chosen.headers.items()}
    return Rendered(
        status=chosen.status or refusal.status,
        headers=[("Content-Type", media_type), ("x-amzn-ErrorType", refusal.error), *headers.items()],
        body=body,
    )


def _customised(refusal: Refusal, customised: Mapping[str, GatewayResponse]) -> GatewayResponse | None:
    if refusal.kind is None:
        return None
    default = "DEFAULT_4XX" if refusal.status < 500 else "DEFAULT_5XX"
    return customised.get(refusal.kind) or customised.get(default)


def _header_value(expression: str, context: Mapping[str, str]) -> str:
    """Evaluates a parameter expression: 'a literal' in quotes, or context.NAME."""
    if expression.startswith("'"):
        return expression.strip("'")
    return context.get(expression.removeprefix("context."), "")
