"""The floor: a runtime of two blocking sockets that calls the provider and then only receives and sends.

    python -m bench.relay        (AWS_LAMBDA_RUNTIME_API and PROVIDER_URL as in the environment)

The bytes after the provider's head are passed on unchanged, the framing of its chunks included, until its last chunk.
"""

import os
import re
import socket

import orjson

# Enough for any chunk; a larger buffer would cost the floor two page faults a read.
READ_BYTES = 64 * 1024
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
REQUEST_ID = re.compile(rb"\r\nlambda-runtime-aws-request-id: *(\S+)", re.IGNORECASE)
PATH = b"/2018-06-01/runtime/invocation/"
HEAD_END = b"\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"
PRELUDE = b'{"statusCode":200,"headers":{"content-type":"text/event-stream; charset=utf-8"}}' + b"\x00" * 8


def main() -> None:
    """Serves invocation after invocation, until the Runtime API closes."""
    runtime, provider = _connect(os.environ["AWS_LAMBDA_RUNTIME_API"]), _connect(os.environ["PROVIDER_URL"])
    while True:
        runtime.sendall(b"GET " + PATH + b"next HTTP/1.1\r\nhost: runtime\r\n\r\n")
        head, event = _read_sized(runtime)
        request_id = REQUEST_ID.search(head)
        if request_id is None:
            return
        _ask(provider, orjson.loads(event)["body"].encode())
        head, first = _read_head(provider)
        runtime.sendall(
            b"POST " + PATH + request_id[1] + b"/response HTTP/1.1\r\nhost: runtime\r\ntransfer-encoding: chunked\r\n"
            b"lambda-runtime-function-response-mode: streaming\r\n\r\n"
            b"%x\r\n%b\r\n%b" % (len(PRELUDE), PRELUDE, first)
        )
        _relay(provider, runtime, first)
        _read_sized(runtime)


def _relay(provider: socket.socket, runtime: socket.socket, data: bytes) -> None:
    tail = data[-len(LAST_CHUNK) :]
    while tail != LAST_CHUNK:
        data = provider.recv(READ_BYTES)
        runtime.sendall(data)
        tail = (tail + data[-len(LAST_CHUNK) :])[-len(LAST_CHUNK) :]


def _ask(provider: socket.socket, body: bytes) -> None:
    provider.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body)


def _connect(address: str) -> socket.socket:
    host, port = address.split(":")
    return socket.create_connection((host, int(port)))


def _read_head(peer: socket.socket) -> tuple[bytes, bytes]:
    """The head, empty if the peer has closed, and the part of the body that came with it."""
    data = b""
    while HEAD_END not in data:
        more = peer.recv(READ_BYTES)
        if not more:
            return b"", b""
        data += more
    head, _, rest = data.partition(HEAD_END)
    return head + HEAD_END, rest


def _read_sized(peer: socket.socket) -> tuple[bytes, bytes]:
    head, body = _read_head(peer)
    length = LENGTH.search(head)
    while length and len(body) < int(length[1]):
        body += peer.recv(READ_BYTES)
    return head, body


if __name__ == "__main__":
    main()
