"""The head of a streaming answer: JSON and eight NUL bytes, before the body.

https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import orjson

Fields = Iterable[tuple[bytes, bytes]]

_DELIMITER = b"\x00" * 8
# API Gateway looks for the delimiter in the first 16 KB and fails the request without it.
_PRELUDE_BYTES_MAX = 16 * 1024

# RFC 9110 section 7.6.1: fields about one hop's connection, which API Gateway handles.
_HOP_BY_HOP = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)


@lru_cache(maxsize=256)
def _name(name: bytes) -> str:
    return name.decode("latin-1").lower()


def described_head(status: int, headers: Fields) -> dict[str, Any]:
    """Status and fields in API Gateway's form, as every proxy integration gives them.

    A repeated field, such as set-cookie, goes into `multiValueHeaders`, each value on a line of its own.
    """
    fields = [(lower, value.decode("latin-1")) for name, value in headers if (lower := _name(name)) not in _HOP_BY_HOP]
    single, repeated = dict(fields), dict[str, list[str]]()
    if len(single) < len(fields):
        for name in tuple(single):
            values = [value for each, value in fields if each == name]
            if len(values) > 1:
                del single[name]
                repeated[name] = values
    return {"statusCode": status, "headers": single, "multiValueHeaders": repeated}


def prelude(status: int, headers: Fields) -> bytes:
    """The head of a streaming answer; ValueError if its fields do not fit."""
    head = orjson.dumps(described_head(status, headers))
    if len(head) + len(_DELIMITER) > _PRELUDE_BYTES_MAX:
        raise ValueError(f"response headers of {len(head)} bytes")
    return head + _DELIMITER
