"""Finds the providers' answers: real traffic beside the checkout, and our goldens.

Recordings belong to others, so they are read in place. A checkout without them uses the goldens.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.protocols.bedrock_converse.streams import event
from tests.recorded import ROOT, files, read_recording
from tests.recorded import body as answer_body

GOLDENS = ROOT / "tests" / "golden"

# The wire of each provider's API. An API that is not listed is no chat, or a wire that is not ours.
WIRES = {
    "chat": "openai_chat",
    "responses": "openai_responses",
    "messages": "anthropic_messages",
    "generateContent": "gemini",
    "converse": "bedrock_converse",
    "converse-stream": "bedrock_converse",
    "cohere-chat": "cohere_chat",
}
# Paths below an API that answer something else: a count of tokens, the first version of Cohere's wire.
NO_ANSWERS = ("/input_tokens", "/v1/chat")
EVENT_STREAM = "application/vnd.amazon.eventstream"
SSE = "text/event-stream"
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Recording:
    """One answer as it came. `row` is the matrix's: provider and api, or the golden's wire."""

    id: str
    row: str
    wire: str
    stream: bool
    status: int
    body: bytes

    @property
    def content_type(self) -> str:
        """Returns the content type with which an SDK reads the body."""
        if not self.stream:
            return JSON
        return EVENT_STREAM if self.wire == "bedrock_converse" else SSE


def recorded(within: Path = ROOT.parent) -> Iterator[Recording]:
    """Yields every recording of our wires, in a fixed order. `within` may be the sample's folder."""
    for path in files("*/*/*.json"):
        spoken = path.parent.name in WIRES and within in path.parents
        value = read_recording(path) if spoken else None
        if value is not None and not value["request"]["path"].endswith(NO_ANSWERS):
            yield _recording(path, value)


def goldens() -> Iterator[Recording]:
    """Yields our own answers: `answer*.json` whole, `*.sse` and `*.jsonl` as streams."""
    for wire in sorted(set(WIRES.values())):
        for path in sorted((GOLDENS / wire).glob("*")):
            if path.suffix in _GOLDEN_STREAMS:
                yield _golden(path, stream=True, body=_GOLDEN_STREAMS[path.suffix](path.read_bytes()))
            elif path.stem.startswith("answer"):
                yield _golden(path, stream=False, body=path.read_bytes())


def _golden(path: Path, *, stream: bool, body: bytes) -> Recording:
    return Recording(path.stem, f"golden/{path.parent.name}", path.parent.name, stream, 200, body)


def _as_event_stream(lines: bytes) -> bytes:
    events = [json.loads(line) for line in lines.splitlines()]
    return b"".join(event(kind, payload) for each in events for kind, payload in each.items())


def _as_it_is(stream: bytes) -> bytes:
    return stream


_GOLDEN_STREAMS: Mapping[str, Callable[[bytes], bytes]] = {".sse": _as_it_is, ".jsonl": _as_event_stream}


def _recording(path: Path, value: dict[str, Any]) -> Recording:
    provider, api = path.parts[-3:-1]
    body = answer_body(value)
    stream = value["stream"] or api == "converse-stream"
    if api == "generateContent" and body.startswith(b"["):
        stream, body = True, _as_sse(body)
    return Recording(path.stem, f"{provider}/{api}", WIRES[api], stream, value["response"]["status"], body)


def _as_sse(array: bytes) -> bytes:
    """Converts Gemini's other framing of the same stream, sent without `alt=sse`. The gateway always asks with it."""
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n" for chunk in json.loads(array))
