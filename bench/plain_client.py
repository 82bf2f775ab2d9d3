"""A blocking socket that sends the function's requests, to measure the servers' time without a client's own."""

import re
import socket
from types import TracebackType
from typing import Self

import orjson

from bench.asks import chat_body, order

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
READ_BYTES = 65536
# About the length of a settlement: an update of the account and an entry of the ledger.
SETTLEMENT = orjson.dumps({"TransactItems": [{"Update": {"TableName": "x" * 900}}, {"Put": {"Item": "x" * 900}}]})


class PlainClient:
    """One kept connection."""

    def __init__(self, url: str) -> None:
        host, port = url.removeprefix("http://").removesuffix("/v1").split(":")
        self._socket = socket.create_connection((host, int(port)))
        self._completion = chat_body("Say something.")
        self._one_chunk = chat_body(order(1), stream=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def transact(self) -> None:
        """Makes a write to DynamoDB and waits for its answer's end."""
        self._send("/", SETTLEMENT, "x-amz-target: DynamoDB_20120810.TransactWriteItems\r\n")
        self._read_sized()

    def completion(self) -> None:
        """Requests a whole completion of the provider."""
        self._send("/v1/chat/completions", orjson.dumps(self._completion))
        self._read_sized()

    def first_chunk(self) -> None:
        """Requests a stream of one chunk from the provider; its end comes with it."""
        self._send("/v1/chat/completions", orjson.dumps(self._one_chunk))
        data = b""
        while not data.endswith(b"0\r\n\r\n"):
            data += self._socket.recv(READ_BYTES)

    def _send(self, path: str, body: bytes, fields: str = "") -> None:
        head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n{fields}\r\n"
        self._socket.sendall(head.encode() + body)

    def _read_sized(self) -> None:
        data = self._socket.recv(READ_BYTES)
        length = LENGTH.search(data)
        whole = data.index(b"\r\n\r\n") + 4 + (int(length[1]) if length else 0)
        while len(data) < whole:
            data += self._socket.recv(READ_BYTES)
