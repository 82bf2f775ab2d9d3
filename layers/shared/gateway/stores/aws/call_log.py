"""Writes down which AWS calls a process makes, never their content; a stack checks its functions' roles by it.

Off unless `AWS_CALLS_LOG` names a file, which no template of AWS does.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from typing import Any

import orjson

from gateway.transport import Client, Headers, Origin, Response, parse_url

# The members of a request that name what it is about; all others are left out.
NAMES = ("IndexName", "KeyId", "QueueName", "QueueUrl", "SecretId", "TableName", "executionArn", "stateMachineArn")


class LoggedClient(Client):
    """A client that appends a JSON line for each request below one of the given base URLs."""

    def __init__(self, path: str, function: str, endpoints: Collection[str]) -> None:
        super().__init__()
        self._path = path
        self._function = function
        self._bases = [(origin.authority, base) for origin, base in map(parse_url, endpoints)]

    async def request(
        self, method: str, origin: Origin, target: str, headers: Headers = (), body: bytes = b"", **options: Any
    ) -> Response:
        """Sends a request, as every client does, once it is written down."""
        base = next((base for host, base in self._bases if host == origin.authority and target.startswith(base)), None)
        if base is not None:
            operation = next((value.decode() for name, value in headers if name == b"x-amz-target"), "")
            line = {
                "function": self._function,
                "method": method,
                "target": target.removeprefix(base) or "/",
                "operation": operation,
            }
            _append(self._path, orjson.dumps(line | ({"names": _names(body)} if operation else {})))
        return await super().request(method, origin, target, headers, body, **options)


def _append(path: str, line: bytes) -> None:
    """Appends in one write, so that lines of several processes stay whole."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, line + b"\n")
    finally:
        os.close(file)


def _names(body: bytes) -> dict[str, Any]:
    question: Mapping[str, Any] = orjson.loads(body)
    named: dict[str, Any] = {name: question[name] for name in NAMES if name in question}
    if "RequestItems" in question:
        named["tables"] = sorted(question["RequestItems"])
    if "TransactItems" in question:
        parts = [part for item in question["TransactItems"] for part in item.items()]
        named["parts"] = [[operation, of["TableName"]] for operation, of in parts]
    return named
