"""Judges the handshakes of sockets, for API Gateway's `$connect`, and mints what pages open sessions with."""

from typing import Any

from gateway.http.buffered import answered
from gateway.http.json_app import JsonApp
from gateway.http.realtime import realtime
from gateway.http.sockets import connect
from gateway.wiring.managed import managed

app = JsonApp(realtime)


async def serve(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answers a handshake, or a request of the REST API."""
    if event["requestContext"].get("eventType") == "CONNECT":
        return await connect(event, context)
    return await answered(app, event, context)


handler = managed(serve)
