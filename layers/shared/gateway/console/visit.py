"""One visit of a page: what the browser asks, what the API answers to its session, and the page that is made of both.

The console has no rights of its own: each call goes to the API's function as the visitor's session, or by a key that
the session has made, and from the visitor's address. So every rule of the API holds, limits of attempts by address too.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Protocol

import orjson
from msgspec import Struct, field

from gateway.accounts.pages import iso_utc
from gateway.console.state import State
from gateway.framing.percent import encoded, query_fields
from gateway.http.request import JSON_TYPE, Request
from gateway.ports.clock import Clock
from gateway.ports.families import Families

# The family of each path that pages ask: a test holds it to the template.
FAMILY_OF = {
    "/v1/auth": "account",
    "/v1/audit": "account",
    "/v1/billing": "billing",
    "/v1/keys": "keys",
    "/v1/organizations": "organizations",
    "/v1/webhooks": "webhooks",
    "/v1/models": "models",
    "/v1/videos": "videos",
    "/v1/generation": "generation",
    # No path of the API: the console alone asks it.
    "/operator": "operator",
}
LOGIN = "/v1/auth/login"
KEY_NAME = "Console"
KEY_LASTS_S, KEY_SPARE_S = 12 * 3600, 600


class Refused(Exception):
    """An answer of the API that is no success; `message` is written for its caller."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class SignedOut(Exception):
    """The page is for people who are signed in, and the visitor is not, or not any more."""


class Answer(Struct):
    """An answer to the browser."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class Rendering(Protocol):
    """Port of that which makes pages of templates."""

    def page(self, visit: Visit, name: str, **values: Any) -> Answer: ...


class Visit:
    """One request of a browser."""

    def __init__(self, request: Request, state: State, families: Families, clock: Clock, renderer: Rendering) -> None:
        self.renderer = renderer
        self.request = request
        self.state = state
        self.clock = clock
        self.path: Mapping[str, str] = {}
        self.error: Refused | None = None
        self.media_origins: set[str] = set()
        self._families = families
        self._form: list[tuple[str, str]] | None = None

    @property
    def root(self) -> str:
        """The path of the console, below which every page is."""
        return f"{self.request.base_path}/console"

    @property
    def lang(self) -> str:
        """The language of the page: the chosen one, or the browser's first."""
        wished = self.state.lang or self.request.headers.get("accept-language", "")
        return "zh" if wished.lower().startswith("zh") else "en"

    @property
    def now(self) -> str:
        """The time, as the API writes times."""
        return iso_utc(int(self.clock.now_s()))

    @property
    def form(self) -> dict[str, str]:
        """The fields of the form that was sent; the last one of a name counts."""
        return {name: value.strip() for name, value in self._fields()}

    def typed(self, name: str) -> str:
        """A field as it was typed: a password may begin or end with a space. Empty where the form lacks it."""
        return dict(self._fields()).get(name, "")

    def _fields(self) -> Sequence[tuple[str, str]]:
        if self._form is None:
            self._form = query_fields(self.request.body.decode("utf-8", "replace"))
        return self._form

    def page(self, name: str, **values: Any) -> Answer:
        """The page of a template."""
        return self.renderer.page(self, name, **values)

    def onward(self, path: str, said: str = "") -> Answer:
        """Leads the browser to another page after a form was taken, which says so."""
        at = "" if path == "/" else path
        told = f"{'&' if '?' in at else '?'}said={said}" if said else ""
        return Answer(status=303, headers={"Location": f"{self.root}{at}{told}"})

    async def get(self, path: str, *, by_key: bool = False, **query: object) -> Any:
        """Returns what the API shows at a path; a query's fields that are empty are left out."""
        return await self.call("GET", path, query=query, by_key=by_key)

    async def get_unless(self, status: int, path: str, **query: int) -> Any:
        """Returns what the API shows at a path, or None where it refuses with that status."""
        try:
            return await self.get(path, by_key=False, **query)
        except Refused as refused:
            if refused.status != status:
                raise
            return None

    async def learn_role(self) -> None:
        """Asks for the person's role in the organization that the console acts for, where one has changed it.

        Who is no member any more acts for itself from now on.
        """
        if not self.state.org:
            return
        found = await self.get_unless(404, f"/v1/organizations/{encoded(self.state.org)}")
        if found is None:
            await self.act_for(None)
        else:
            self.state.role = found["organization"]["role"]

    async def act_for(self, organization: Mapping[str, Any] | None) -> None:
        """Acts for an organization from now on, or for the person itself; the key of the last one ends."""
        await self.drop_key()
        self.state.org = organization["org_id"] if organization else ""
        self.state.org_name = organization["name"][:60] if organization else ""
        self.state.role = organization["role"] if organization else ""

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, object] | None = None,
        by_key: bool = False,
        once: str = "",
    ) -> Any:
        """The document of the API's answer; raises `Refused`, or `SignedOut`."""
        told = await self._answered(method, path, body, query or {}, by_key=by_key, once=once)
        return _document(told)

    async def text(self, path: str, **query: object) -> bytes:
        """An answer that is no JSON, as it came; raises `Refused`, or `SignedOut`."""
        told = await self._answered("GET", path, None, query, by_key=False, once="")
        return str(told["body"]).encode()

    async def _answered(
        self, method: str, path: str, body: object, query: Mapping[str, object], *, by_key: bool, once: str
    ) -> Mapping[str, Any]:
        """The API's answer. A session whose access token is over is refreshed once."""
        bearer = await self.key() if by_key else self.state.access
        try:
            return await self._told(method, path, body, query, bearer, once)
        except Refused as refused:
            if refused.status != 401 or by_key or not self.state.signed_in or path == LOGIN:
                raise
        await self._refresh()
        return await self._told(method, path, body, query, self.state.access, once)

    async def _refresh(self) -> None:
        """Replaces the session's tokens. Pages that ask for it at once send one key, and so get the same tokens."""
        key = sha256(self.state.refresh.encode()).hexdigest()[:32]
        body = {"refresh_token": self.state.refresh}
        try:
            tokens = _document(await self._told("POST", "/v1/auth/refresh", body, {}, "", key))
        except Refused as refused:
            if refused.status not in {400, 401}:
                raise
            self.state = self.state.left()
            raise SignedOut from refused
        self.state.access, self.state.refresh = tokens["access_token"], tokens["refresh_token"]

    async def key(self) -> str:
        """A key of the account that lasts for some hours, for what the API gives to keys alone; made at first use."""
        if self.state.key_until_s < self.clock.now_s() + KEY_SPARE_S:
            until_s = int(self.clock.now_s()) + KEY_LASTS_S
            wanted = {"name": KEY_NAME, "expires_at": iso_utc(until_s)}
            made = await self.call("POST", "/v1/keys", wanted, once=secrets.token_hex(8))
            self.state.key, self.state.key_id = made["full_key"], made["key"]["key_id"]
            self.state.key_until_s = until_s
        return self.state.key

    async def drop_key(self) -> None:
        """Ends that key, where there is one."""
        key_id, self.state.key, self.state.key_id, self.state.key_until_s = self.state.key_id, "", "", 0
        if key_id:
            try:
                await self.call("DELETE", f"/v1/keys/{encoded(key_id)}")
            except Refused:
                # It ends by itself within hours.
                return

    async def _told(
        self, method: str, path: str, body: object, query: Mapping[str, object], bearer: str, once: str
    ) -> Mapping[str, Any]:
        """The answer of the function behind a path; raises `Refused` for one that is no success."""
        family = next(family for prefix, family in FAMILY_OF.items() if f"{path}/".startswith(f"{prefix}/"))
        told = await self._families.ask(family, self._event(method, path, body, query, bearer, once))
        if told["statusCode"] >= 400:
            raise _refused(told)
        return told

    def _event(
        self, method: str, path: str, body: object, query: Mapping[str, object], bearer: str, once: str
    ) -> dict[str, Any]:
        """The event that API Gateway would send for a call of the visitor's."""
        request = self.request
        headers = {
            "user-agent": request.headers.get("user-agent", "")[:500],
            "x-nexevo-organization": self.state.org or "personal",
        }
        if method != "GET":
            headers["content-type"] = JSON_TYPE
        if bearer:
            headers["authorization"] = f"Bearer {bearer}"
        if once:
            headers["idempotency-key"] = once
        asked = {name: [str(value)] for name, value in query.items() if value not in {None, ""}}
        context = {**request.event_context, "httpMethod": method, "path": request.base_path + path}
        return {
            "resource": path,
            "path": path,
            "httpMethod": method,
            "multiValueHeaders": {name: [value] for name, value in headers.items()},
            "multiValueQueryStringParameters": asked or None,
            "requestContext": context,
            "body": None if body is None else orjson.dumps(body).decode(),
            "isBase64Encoded": False,
        }


def _document(told: Mapping[str, Any]) -> Any:
    """The JSON of an answer, or nothing."""
    return orjson.loads(told["body"]) if told.get("body") else {}


def _refused(told: Mapping[str, Any]) -> Refused:
    """The refusal that an answer tells."""
    try:
        error = orjson.loads(told.get("body") or "{}")["error"]
    except (orjson.JSONDecodeError, KeyError):
        error = {}
    message = str(error.get("message") or "The request was refused.")
    if error.get("param"):
        message = f"{error['param']}: {message}"
    return Refused(told["statusCode"], str(error.get("code") or ""), message)
