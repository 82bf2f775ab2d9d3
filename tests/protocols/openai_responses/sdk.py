"""Reads our bytes with the official SDK over a socket, as callers do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import openai
from pydantic import TypeAdapter

STREAM = "text/event-stream"
# The union of events is a named type alias, which type checkers do not accept as an argument.
EVENT: TypeAdapter[Any] = TypeAdapter(openai.types.responses.ResponseStreamEvent)


@dataclass
class Reading:
    """The SDK's reading of an answer. `usage` is input, cached, output, reasoning tokens."""

    text: str = ""
    refusal: str = ""
    thinking: list[str] = field(default_factory=list)
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    status: str = "completed"
    reason: str | None = None
    usage: tuple[int, int, int, int] | None = None


class Server:
    """A server that answers every request with the body that was set last."""

    def __init__(self, port: int) -> None:
        self.answer = (b"", STREAM)
        self.client = openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="k", max_retries=0)

    def stream(self, body: bytes) -> Reading:
        """Returns the final state of the SDK's stream helper, which requires a well-formed sequence."""
        self.answer = (body, STREAM)
        last = None
        with self.client.responses.stream(model="m", input="hi") as events:
            for event in events:
                last = getattr(event, "response", last)
        return read(last)

    def raw_stream(self, body: bytes) -> list[Any]:
        """Returns the events as they come."""
        self.answer = (body, STREAM)
        return list(self.client.responses.create(model="m", input="hi", stream=True))

    def whole(self, body: bytes) -> Any:
        """Returns the response of an answer that is not a stream."""
        self.answer = (body, "application/json")
        return self.client.responses.create(model="m", input="hi")


def read(response: Any) -> Reading:
    """Returns the parts of a response that a caller uses."""
    found = Reading(text=response.output_text, status=response.status)
    found.reason = response.incomplete_details and response.incomplete_details.reason
    for item in response.output:
        if item.type == "reasoning":
            found.thinking += [part.text for part in item.summary]
        elif item.type == "function_call":
            found.calls.append((item.call_id, item.name, item.arguments))
        elif item.type == "custom_tool_call":
            found.calls.append((item.call_id, item.name, item.input))
        elif item.type == "message":
            found.refusal += "".join(part.refusal for part in item.content if part.type == "refusal")
    if response.usage is not None:
        into, out = response.usage.input_tokens_details, response.usage.output_tokens_details
        counts = response.usage.input_tokens, into.cached_tokens, response.usage.output_tokens, out.reasoning_tokens
        found.usage = counts
    return found


@contextmanager
def serving() -> Iterator[Server]:
    """Yields a server on a free port of 127.0.0.1 with the SDK's client of it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # Head and body are sent in one packet; otherwise the second waits for an acknowledgement.

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            body, content_type = shared.answer
            self.send_response(200)
            self.send_header("content-type", content_type)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Logs nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    shared = Server(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield shared
    finally:
        shared.client.close()
        server.shutdown()
        thread.join()
        server.server_close()
