"""A console whose API is scripted, and a browser's requests to it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import orjson
from msgspec.structs import replace

from functions.console.app import app as served
from gateway.console.app import ConsoleApp
from gateway.console.pages import PAGES
from gateway.console.state import COOKIE, State, read_state
from gateway.runtime.event import http_scope
from gateway.runtime.invocation import InvocationContext
from tests.console.samples import SAMPLES
from tests.control_plane.harness import CALLER_IP, NOW_S

HOST = "console.test"
FORM = "token-of-the-form"
SIGNED_IN = State(access="nxa_1", refresh="nxr_1", form=FORM, key="sk-1", key_id="key_1", key_until_s=int(NOW_S) + 9999)


class Clock:
    """A clock that stands."""

    def now_s(self) -> float:
        return NOW_S

    def monotonic_s(self) -> float:
        return 0.0


@dataclass
class Api:
    """`Families` that answer from a script, and note what they were asked."""

    script: dict[str, Any] = field(default_factory=lambda: dict(SAMPLES))
    asked: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    async def ask(self, family: str, event: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked.append((family, event))
        found = self.script[f"{event['httpMethod']} {event['path']}"]
        status, document = found.pop(0) if isinstance(found, list) else found
        if isinstance(document, Exception):
            raise document
        return {"statusCode": status, "body": orjson.dumps(document).decode()}

    def sent(self, path: str) -> dict[str, Any]:
        """Returns the body that was last sent to a path."""
        event = next(event for _, event in reversed(self.asked) if event["path"] == path)
        found: dict[str, Any] = orjson.loads(event["body"])
        return found


@dataclass(frozen=True)
class Shown:
    """An answer as a browser sees it."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """Returns the body as it is read."""
        return self.body.decode()

    @property
    def state(self) -> State:
        """Returns what the answer's cookie holds."""
        return read_state({"cookie": self.headers["set-cookie"]})


class Browser:
    """Asks a console for pages."""

    def __init__(self, state: State | None = SIGNED_IN) -> None:
        self.api = Api()
        self.state = None if state is None else replace(state)
        self.app = ConsoleApp(served.folder, PAGES, lambda: self.api, Clock)
        # Its templates are compiled once.
        self.app.renderer = served.renderer

    async def get(self, path: str, **headers: str) -> Shown:
        """Opens a page."""
        return await self.ask("GET", path, b"", headers)

    async def post(self, path: str, form: Mapping[str, str], **headers: str) -> Shown:
        """Sends a form as a page of the console does."""
        fields = {"form": FORM, **form}
        return await self.ask("POST", path, urlencode(fields).encode(), {"sec-fetch-site": "same-origin"} | headers)

    async def ask(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Shown:
        """Sends one request through API Gateway's event."""
        path, _, query = path.partition("?")
        sent = {
            "host": HOST,
            "accept-language": "en",
            **{name.replace("_", "-"): text for name, text in headers.items()},
        }
        if self.state is not None:
            sent["cookie"] = self.state.written().partition(";")[0]
        context = {"requestId": "r-1", "path": f"/prod{path}", "domainName": HOST, "identity": {"sourceIp": CALLER_IP}}
        event = {
            "httpMethod": method,
            "path": path,
            "headers": {name: value for name, value in sent.items() if value},
            "queryStringParameters": dict(pair.split("=") for pair in query.split("&")) if query else None,
            "requestContext": context,
        }
        answered: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            answered.append(message)

        deadline = InvocationContext("i", int(NOW_S + 29) * 1000, "", None, None, None, None)
        await self.app(http_scope(event, deadline), receive, send)
        headers_of = {name.decode().lower(): value.decode() for name, value in answered[0]["headers"]}
        return Shown(answered[0]["status"], headers_of, b"".join(one["body"] for one in answered[1:]))


def cookie_of(shown: Shown) -> str:
    """Returns the attributes of the cookie that an answer sets."""
    return re.sub(rf"^{COOKIE}=[^;]+", COOKIE, shown.headers["set-cookie"])
