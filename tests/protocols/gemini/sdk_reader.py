"""Reads our bytes with Google's own SDK over a socket, as a stream or as a whole answer."""

import http.server
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from google import genai
from google.genai import types


@dataclass
class Read:
    """The values that a user of the SDK has at the end."""

    text: str = ""
    thoughts: str = ""
    calls: list[tuple[str | None, str | None, dict[str, Any]]] = field(default_factory=list)
    signatures: list[bytes] = field(default_factory=list)
    finish: str | None = None
    usage: types.GenerateContentResponseUsageMetadata | None = None

    def add(self, response: types.GenerateContentResponse, choice: int = 0) -> None:
        """Adds one chunk, or a whole answer."""
        self.usage = response.usage_metadata or self.usage
        for candidate in response.candidates or []:
            if (candidate.index or 0) != choice:
                continue
            self.finish = candidate.finish_reason.name if candidate.finish_reason else self.finish
            for part in (candidate.content.parts if candidate.content else None) or []:
                self._add_part(part)

    def _add_part(self, part: types.Part) -> None:
        if part.thought:
            self.thoughts += part.text or ""
        else:
            self.text += part.text or ""
        if part.function_call:
            self.calls.append((part.function_call.id, part.function_call.name, part.function_call.args or {}))
        if part.thought_signature:
            self.signatures.append(part.thought_signature)


class _Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    body = b""
    status = 200

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.status)
        kind = "text/event-stream" if "alt=sse" in self.path else "application/json"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: Any) -> None:
        pass


class Reader:
    """A client whose server gives the answer that was set last."""

    def __init__(self, client: genai.Client) -> None:
        self._client = client

    def chunks(self, body: bytes) -> Iterator[types.GenerateContentResponse]:
        """Yields the chunks of a stream."""
        _Answers.body, _Answers.status = body, 200
        yield from self._client.models.generate_content_stream(model="m", contents="hi")

    def stream(self, body: bytes, choice: int = 0) -> Read:
        """Reads a stream to its end."""
        read = Read()
        for chunk in self.chunks(body):
            read.add(chunk, choice)
        return read

    def whole(self, body: bytes, status: int = 200) -> Read:
        """Reads a whole answer."""
        _Answers.body, _Answers.status = body, status
        read = Read()
        read.add(self._client.models.generate_content(model="m", contents="hi"))
        return read

    def chat(self, body: bytes) -> list[types.Content]:
        """Returns the history that a chat keeps of one streamed turn."""
        _Answers.body, _Answers.status = body, 200
        chat = self._client.chats.create(model="m")
        for _ in chat.send_message_stream("hi"):
            pass
        return list(chat.get_history(curated=True))


@contextmanager
def reader() -> Iterator[Reader]:
    """Yields a reader with its server on 127.0.0.1."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        options = types.HttpOptions(base_url=f"http://127.0.0.1:{server.server_port}")
        client = genai.Client(api_key="k", http_options=options)
        try:
            yield Reader(client)
        finally:
            client.close()
            server.shutdown()
            server.server_close()
            thread.join()
