"""Converts a request to the proxy event (format 1.0) that API Gateway REST gives a function.

Source: docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html, Input format of a
Lambda function for proxy integration. `path` stays percent-encoded in REST APIs and path parameters are decoded:
github.com/middleapi/standard-server/pull/93 and github.com/dherault/serverless-offline/issues/638.
"""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qsl

from local.resource_names import ACCOUNT_ID
from local.routes import Match

API_ID = "local00api"
# API Gateway does not pass these on; .../developerguide/api-gateway-known-issues.html lists dropped and renamed
# headers.
NOT_PASSED_ON = frozenset(
    (
        *("connection", "content-length", "expect", "keep-alive", "proxy-authenticate", "proxy-connection"),
        *("te", "trailer", "transfer-encoding", "upgrade"),
    )
)
NO_IDENTITY = dict.fromkeys(
    (
        *("accessKey", "accountId", "caller", "cognitoAuthenticationProvider", "cognitoAuthenticationType"),
        *("cognitoIdentityId", "cognitoIdentityPoolId", "principalOrgId", "user", "userArn"),
    )
)

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Request:
    """One client request. `path` is percent-encoded and without the stage; `stage_path` is as it was sent."""

    request_id: str
    trace_id: str
    received_at: datetime
    method: str
    path: str
    stage_path: str
    query: str
    protocol: str
    source_ip: str
    headers: Pairs
    body: bytes

    def header(self, name: str) -> str | None:
        """Returns the last value of a header, given its name in lower case."""
        return next((value for key, value in reversed(self.headers) if key.lower() == name), None)


def proxy_event(request: Request, match: Match, stage: str, binary_types: Iterable[str]) -> dict[str, Any]:
    """Builds the event. A body of one of the API's binary types is base64, any other is text."""
    headers = [
        *((name, value) for name, value in request.headers if name.lower() not in NOT_PASSED_ON),
        ("X-Amzn-Trace-Id", request.trace_id),
        ("X-Forwarded-For", request.source_ip),
        ("X-Forwarded-Port", "443"),
        ("X-Forwarded-Proto", "https"),
    ]
    query = parse_qsl(request.query, keep_blank_values=True)
    binary = is_binary(request.header("content-type"), binary_types)
    return {
        "resource": match.route.path,
        "path": request.path,
        "httpMethod": request.method,
        "headers": _last(headers),
        "multiValueHeaders": _all(headers),
        "queryStringParameters": _last(query),
        "multiValueQueryStringParameters": _all(query),
        "pathParameters": dict(match.parameters) or None,
        "stageVariables": None,
        "requestContext": _request_context(request, match, stage),
        "body": _body(request.body, binary),
        "isBase64Encoded": binary and bool(request.body),
    }


def is_binary(media_type: str | None, binary_types: Iterable[str]) -> bool:
    """True if the first media type of a Content-Type or Accept value is one of the API's binary types."""
    essence = (media_type or "").split(",")[0].split(";")[0].strip().lower()
    return any(fnmatchcase(essence, pattern) for pattern in binary_types)


def _body(body: bytes, binary: bool) -> str | None:
    if not body:
        return None
    # On AWS too, text that is not UTF-8 reaches a function damaged; BinaryMediaTypes exists for that reason.
    return base64.b64encode(body).decode() if binary else body.decode(errors="replace")


def _last(pairs: Pairs) -> dict[str, str] | None:
    return dict(pairs) or None


def _all(pairs: Pairs) -> dict[str, list[str]] | None:
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values or None


def _request_context(request: Request, match: Match, stage: str) -> dict[str, Any]:
    domain = (request.header("host") or "localhost").rsplit(":", 1)[0]
    return {
        "accountId": ACCOUNT_ID,
        "apiId": API_ID,
        "deploymentId": "local",
        "domainName": domain,
        "domainPrefix": domain.split(".")[0],
        "extendedRequestId": request.request_id[:13] + "=",
        "httpMethod": request.method,
        "identity": {
            **NO_IDENTITY,
            "sourceIp": request.source_ip,
            "userAgent": request.header("user-agent"),
        },
        "path": request.stage_path,
        "protocol": request.protocol,
        "requestId": request.request_id,
        "requestTime": request.received_at.astimezone(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "requestTimeEpoch": int(request.received_at.timestamp() * 1000),
        "resourceId": "local",
        "resourcePath": match.route.path,
        "stage": stage,
    }
