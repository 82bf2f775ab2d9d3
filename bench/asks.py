"""The requests that are measured, some 2 KB each: every wire with a provider of its own wire, and with another's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

EVENTS = Path(__file__).resolve().parent.parent / "events"
PROMPT = "What follows is about as long as a short conversation. " * 36
KEY = "sk-xc-bench"
MAX_TOKENS = 4_000
NOTHING: Mapping[str, Any] = {}
CARRIERS = ("Authorization", "x-api-key", "x-goog-api-key")


@dataclass(frozen=True, slots=True)
class Ask:
    """A family and a model. The name says which wire is written for which provider."""

    name: str
    family: str
    model: str

    def event(self, prompt: str, *, stream: bool = False, key: str = KEY, more: Mapping[str, Any] = NOTHING) -> bytes:
        """The API Gateway event of a request that ends in `prompt`; `more` are members of its body."""
        sample = orjson.loads((EVENTS / f"{self.family}.json").read_bytes())
        content, changed = _WRITTEN[self.family](self.model, prompt, stream)
        content |= more
        kept = {name: value for name, value in sample["multiValueHeaders"].items() if name not in CARRIERS}
        headers = {**kept, "Authorization": [f"Bearer {key}"]}
        return orjson.dumps({**sample, "multiValueHeaders": headers, "body": orjson.dumps(content).decode(), **changed})


Written = tuple[dict[str, Any], dict[str, Any]]


def order(count: int, chunk_bytes: int = 5, pause_ms: int = 0) -> str:
    """The prompt that asks the bench's provider for a stream."""
    return f"{count} chunks of {chunk_bytes} bytes every {pause_ms} ms"


def chat_body(prompt: str, **more: Any) -> dict[str, Any]:
    """The JSON of a request on OpenAI's chat wire."""
    messages = [{"role": "system", "content": PROMPT}, {"role": "user", "content": prompt}]
    return {"model": "gpt-4o", "messages": messages, "max_tokens": MAX_TOKENS, **more}


def _chat(model: str, prompt: str, stream: bool) -> Written:
    streaming = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    return chat_body(prompt, model=model, **streaming), {}


def _messages(model: str, prompt: str, stream: bool) -> Written:
    messages = [{"role": "user", "content": prompt}]
    streaming = {"stream": True} if stream else {}
    return {"model": model, "system": PROMPT, "messages": messages, "max_tokens": MAX_TOKENS, **streaming}, {}


def _gemini(model: str, prompt: str, stream: bool) -> Written:
    content = {
        "systemInstruction": {"parts": [{"text": PROMPT}]},
        "contents": [{"role": "user", "parts": [{"text": prompt}]}],
        "generationConfig": {"maxOutputTokens": MAX_TOKENS},
    }
    verb = "streamGenerateContent" if stream else "generateContent"
    query = {"alt": "sse"} if stream else None
    many = {name: [value] for name, value in query.items()} if query else None
    path = f"/v1beta/models/{model}:{verb}"
    return content, {"path": path, "queryStringParameters": query, "multiValueQueryStringParameters": many}


_WRITTEN: Mapping[str, Callable[[str, str, bool], Written]] = {
    "chat": _chat,
    "messages": _messages,
    "gemini": _gemini,
}

CHAT = Ask("chat", "chat", "gpt-4o")
SAME_WIRE = (CHAT, Ask("messages", "messages", "claude-haiku-4-5"), Ask("gemini", "gemini", "gemini-2.5-flash"))
BRIDGED = (
    Ask("chat, bridged to messages", "chat", "claude-haiku-4-5"),
    Ask("messages, bridged to chat", "messages", "gpt-4o"),
    Ask("gemini, bridged to chat", "gemini", "gpt-4o"),
)
ASKS = (*SAME_WIRE, *BRIDGED)
