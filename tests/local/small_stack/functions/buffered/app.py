"""A handler that does what its query's `do` says. Without `do` it answers with its event."""

import base64
import json
import os
import time
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]


def handler(event: Json, _context: object) -> Json:
    """Dispatches."""
    query = event.get("queryStringParameters") or {}
    return ANSWERS[query.get("do", "echo")](event, query)


def echo(event: Json, _query: Json) -> Json:
    seen = {"event": event, "environment": dict(os.environ), "pid": os.getpid()}
    return {"statusCode": 200, "headers": {"Content-Length": "3"}, "body": json.dumps(seen)}


def fail(_event: Json, _query: Json) -> Json:
    raise ValueError("on purpose")


def wait(_event: Json, query: Json) -> Json:
    time.sleep(float(query["s"]))
    return {"statusCode": 200, "body": "waited"}


def leave(_event: Json, _query: Json) -> Json:
    os._exit(3)


def binary(_event: Json, _query: Json) -> Json:
    body = base64.b64encode(bytes(range(256))).decode()
    return {"statusCode": 200, "headers": {"Content-Type": "image/png"}, "body": body, "isBase64Encoded": True}


ANSWERS: dict[str, Callable[[Json, Json], Json]] = {
    "echo": echo,
    "fail": fail,
    "wait": wait,
    "leave": leave,
    "binary": binary,
    "malformed": lambda _event, _query: {"status": 200},
    "large": lambda _event, query: {"statusCode": 200, "body": "x" * int(query["bytes"])},
}
