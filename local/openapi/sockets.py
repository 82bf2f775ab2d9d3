"""Writes the WebSockets, which OpenAPI has no word for: a handshake each, with the events of both sides beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from gateway.realtime.client_events import CLIENT_TYPES
from local.openapi.shapes.answers import ResponseEvent
from local.openapi.shapes.base import Json, Shape
from local.openapi.shapes.requests import ResponseRequest


class RealtimeClientEvent(Shape, kw_only=True):
    """An event of OpenAI's Realtime API that a client sends; its further members are OpenAI's."""

    type: Literal[CLIENT_TYPES]  # type: ignore[valid-type]  # the types that the gateway knows
    event_id: str | UnsetType = UNSET


class RealtimeServerEvent(Shape, kw_only=True):
    """An event of OpenAI's Realtime API that a client is sent; its further members are OpenAI's."""

    type: str
    event_id: str


class ResponseCreateEvent(ResponseRequest, kw_only=True):
    """A request for a response over a socket; without `generate` it is kept to go on from, and nothing is made."""

    type: Literal["response.create"]
    generate: bool = True
    stream_id: str | None = None


class ResponseSocketEvent(ResponseEvent, kw_only=True):
    """An event of a response, or the error of a request, over a socket."""

    stream_id: str | UnsetType = UNSET
    status: int | UnsetType = UNSET


class Socket(Struct, frozen=True):
    """A WebSocket: the operation of its handshake, its query, and the shapes of the events to either side."""

    id: str
    summary: str
    description: str
    sent: Any
    received: Any
    query: Mapping[str, str] = {}
    # Errors of its own beside those of every handshake.
    errors: tuple[str, ...] = ()


SOCKETS: Mapping[str, Socket] = {
    "GET /v1/realtime": Socket(
        "realtime.connect",
        "Opens a realtime session.",
        "A WebSocket with the events of OpenAI's Realtime API, for its clients: the key or a client secret stands in "
        "Authorization, or beside `realtime` as the subprotocol `openai-insecure-api-key.KEY`.",
        RealtimeClientEvent,
        RealtimeServerEvent,
        {
            "model": "The model of the session; a client secret has its own.",
            "intent": "`transcription` for a session that only transcribes, which may name its model later.",
        },
        ("404",),
    ),
    "GET /v1/responses": Socket(
        "responses.connect",
        "Opens a socket for responses.",
        "A WebSocket for many responses, one after another, as OpenAI's clients and Codex open it. Each request is "
        "judged and paid for as one of POST /v1/responses; a refused one is an event with its status.",
        ResponseCreateEvent,
        ResponseSocketEvent,
    ),
}
_EVERY = ("400", "401", "402", "403", "429", "default")
PROTOCOL = "websocket_protocol"
SECURITY: Mapping[str, Json] = {
    PROTOCOL: {
        "type": "apiKey",
        "in": "header",
        "name": "Sec-WebSocket-Protocol",
        "description": "For pages: `openai-insecure-api-key.` with a key or a client secret, beside `realtime`.",
    }
}
_SERVERS = [
    {
        "url": "{realtime_url}",
        "description": "The deployment's output RealtimeUrl, or the local stack's realtime_url.",
        "variables": {"realtime_url": {"default": "wss://realtime.example.com"}},
    }
]


def shapes() -> list[Any]:
    """Lists the shapes of all events."""
    return [each for socket in SOCKETS.values() for each in (socket.sent, socket.received)]


def entry(socket: Socket, errors: Mapping[str, Json], reference: str) -> Json:
    """Writes the operation of a handshake. `x-websocket` has the events that its two sides send."""
    events = {"sent": socket.sent, "received": socket.received}
    return {
        "operationId": socket.id,
        "tags": [socket.id.split(".")[0]],
        "summary": socket.summary,
        "description": socket.description,
        "servers": _SERVERS,
        "parameters": [
            {"name": name, "in": "query", "required": False, "schema": {"type": "string"}, "description": said}
            for name, said in socket.query.items()
        ],
        "responses": {
            "101": {"description": "The socket is open."},
            **{status: errors[status] for status in sorted({*_EVERY, *socket.errors})},
        },
        "security": [{"key": []}, {"x_api_key": []}, {PROTOCOL: []}],
        "x-websocket": {side: {"$ref": reference.format(name=kind.__name__)} for side, kind in events.items()},
        "x-sdk": None,
        "x-why-not-sdk": "A WebSocket: OpenAI's clients open it.",
    }
