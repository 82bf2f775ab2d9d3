"""Tests every endpoint of every family as every kind of caller, by the table of `gateway/http/callers.py`.

Keys that may not be used and another tenant's are asked with too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

import orjson
import pytest
from msgspec.structs import replace

from gateway.auth.principal import key_hash
from gateway.conversations.kept import Conversations
from gateway.http.callers import TABLE, Kind
from gateway.http.calls import Call, Shown
from gateway.http.endpoints import Endpoints
from gateway.http.json_app import JsonApp
from gateway.people.tokens import hashed
from gateway.ports.keys import KeyRecord
from gateway.ports.people import User
from tests.control_plane.harness import CALLER_IP, NOW_S, as_from_api_gateway
from tests.fakes.answers import MemoryAnswers
from tests.fakes.conversations import MemoryConversationRecords
from tests.fakes.feedback import MemoryFeedback
from tests.fakes.memories import MemoryMemories
from tests.fakes.objects import MemoryObjects
from tests.fakes.questions import MemoryQuestions
from tests.generation.studio import ACCOUNT, KEY, OTHER_ACCOUNT, Studio, routes
from tests.http.endpoints import NOWHERE, Endpoint, endpoints
from tests.http.wired import wire_people
from tests.template.families import routed

# Keys that may not be used, by what is wrong with them, and the refusal.
REFUSED: dict[str, tuple[dict[str, Any] | None, int, str]] = {
    "none": (None, 401, "invalid_api_key"),
    "unknown": (None, 401, "invalid_api_key"),
    "revoked": ({"revoked": True}, 401, "invalid_api_key"),
    "disabled": ({"disabled": True}, 401, "invalid_api_key"),
    "expired": ({"expires_at_s": int(NOW_S) - 1}, 401, "expired_api_key"),
    "elsewhere": ({"allowed_ips": ("198.51.100.0/24",)}, 403, "ip_not_allowed"),
}
PLAIN, OTHER = "sk-xc-plain", "sk-xc-manager-of-two"
# A person of each account, and the access tokens of their sessions.
JANE = User("user_000000000000000001", ACCOUNT, "jane@example.com", "hash of jane", int(NOW_S))
EVE = User("user_000000000000000002", OTHER_ACCOUNT, "eve@example.com", "hash of eve", int(NOW_S))
SESSIONS_OF: dict[str, str] = {}


def none_due() -> None:
    """Finds no look at the operator's document due."""


@dataclass(frozen=True)
class StreamingServices:
    """The part of the streaming families' services that a caller meets before an operation."""

    clock: Any
    keys: Any
    money: Any
    look: Any = none_due


def keyed() -> list[Endpoint]:
    """Lists the endpoints that take a key."""
    return [endpoint for endpoint in endpoints() if endpoint.takes_key]


@pytest.fixture
async def studio(monkeypatch: pytest.MonkeyPatch) -> Studio:
    """Builds two accounts; the first has a job, a managing key, a plain one, and one of each kind that is refused."""
    made = Studio()
    await made.settle_in()
    records = {PLAIN: KeyRecord("key_plain", ACCOUNT, "plain", "0000", int(NOW_S))}
    records[OTHER] = KeyRecord("key_other", OTHER_ACCOUNT, "other", "0000", int(NOW_S), can_manage_keys=True)
    for kind, (settings, _, _) in REFUSED.items():
        if settings is not None:
            record = KeyRecord(f"key_{kind}", ACCOUNT, kind, "0000", int(NOW_S), can_manage_keys=True)
            records[f"sk-xc-{kind}"] = replace(record, **settings)
    for text, record in records.items():
        await made.keys.add(key_hash(text), record)
    await made.keys.change(ACCOUNT, f"key_of_{ACCOUNT}", {"can_manage_keys": True})
    kept = Conversations(MemoryConversationRecords(), MemoryObjects(), made.clock)
    society = wire_people(monkeypatch, made, kept)
    for person in (JANE, EVE):
        await society.store.add(person, hashed(person.email))
        opened = await society.people.sessions.open(person, CALLER_IP, "test")
        SESSIONS_OF[person.user_id] = opened["access_token"]
    streaming = StreamingServices(made.clock, made.keys, made.money)
    for endpoint in endpoints():
        if not isinstance(endpoint.app, JsonApp):
            monkeypatch.setattr(endpoint.app, "_services", lambda: streaming)
    monkeypatch.setattr("gateway.http.memory.memories", MemoryMemories)
    monkeypatch.setattr("gateway.http.feedback.feedback_store", MemoryFeedback)
    monkeypatch.setattr("gateway.http.cache.answers", MemoryAnswers)
    monkeypatch.setattr("gateway.http.cache.questions", MemoryQuestions)
    return made


@dataclass(frozen=True)
class Answer:
    """An app's answer, read from it directly; a client between would take most of the time of so many requests."""

    status: int
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(self.body)["error"]
        return found


class Context:
    """The part of Lambda's context that streaming apps read."""

    deadline_ms = int(NOW_S + 900) * 1000


async def asked(endpoint: Endpoint, key: str | None, ids: Mapping[str, str] | None = None, query: str = "") -> Answer:
    """Sends one request to the endpoint, with an empty object where it takes a body."""
    path = endpoint.path
    for name, value in ids.items() if ids else ():
        path = path.replace(f"{{{name}}}", value)
    body = b"{}" if endpoint.method in {"POST", "PATCH"} else b""
    headers = [(b"content-type", b"application/json")] if body else []
    headers += [(b"authorization", f"Bearer {key}".encode())] if key else []
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": endpoint.method,
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": headers,
        "client": (CALLER_IP, 1),
        "server": ("gateway.test", 443),
        "aws.context": Context,
    }
    app: Any = as_from_api_gateway(endpoint.app)
    await app(scope, receive, send)
    return Answer(sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:]))


pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("role", REFUSED)
async def test_a_key_that_may_not_be_used_is_refused_at_every_endpoint(studio: Studio, role: str) -> None:
    _, status, code = REFUSED[role]
    found = {}
    for endpoint in keyed():
        answer = await asked(endpoint, None if role == "none" else f"sk-xc-{role}")
        found[f"{endpoint.method} {endpoint.path}"] = answer.status
        if isinstance(endpoint.app, JsonApp) and endpoint.method != "HEAD" and "beta" not in endpoint.path:
            assert answer.error["code"] == code, endpoint
    assert len(found) > 60
    assert {name: found[name] for name in found if found[name] != status} == {}
    assert studio.executions.started == []


def shown_by(kind: Kind) -> str | None:
    """Returns what a caller of a kind shows."""
    return {"stranger": None, "key": PLAIN, "manager": KEY, "session": SESSIONS_OF[JANE.user_id]}[kind]


@pytest.mark.usefixtures("studio")
@pytest.mark.parametrize("kind", get_args(Kind))
async def test_every_endpoint_takes_the_callers_of_its_row_and_no_other(kind: Kind) -> None:
    # The statuses of a refusal: a key or a session of the wrong kind is known, and what is no key is not.
    refusals = {"stranger": {401}, "key": {403}, "manager": {403}, "session": {401}}[kind]
    found = {True: 0, False: 0}
    # The end of the session comes last.
    for endpoint in sorted(endpoints(), key=lambda one: one.path.endswith("/logout")):
        if endpoint.path == NOWHERE or (kind in endpoint.callers and not isinstance(endpoint.app, JsonApp)):
            # A streaming family goes on to an operation, which tests of its own have.
            continue
        answer = await asked(endpoint, shown_by(kind), {"key_id": "key_plain"})
        is_taken = kind in endpoint.callers
        if "stranger" in endpoint.callers:
            # What a stranger may ask is not refused to one that shows more.
            is_taken = True
        else:
            assert (answer.status in refusals) is not is_taken, (endpoint, answer)
        # A store that is not wired here would be looked for on AWS.
        assert answer.status not in {500, 503}, (endpoint, answer)
        found[is_taken] += 1
    assert found[True] > 10
    assert found[False] > 0


@pytest.mark.usefixtures("studio")
async def test_a_session_that_has_ended_is_refused_at_every_endpoint() -> None:
    token = SESSIONS_OF[JANE.user_id]
    for text in (token[:-1] + ("A" if token[-1] != "A" else "B"), "nxa_", token.replace("nxa_", "nxr_")):
        for endpoint in keyed():
            assert (await asked(endpoint, text)).status == 401, endpoint


def test_every_row_of_the_table_is_an_endpoints() -> None:
    assert set(TABLE) - {endpoint.row for endpoint in endpoints()} == set()


async def nothing(_: Call) -> Shown:
    """Answers nothing."""
    return {}


def test_an_endpoint_without_a_row_is_refused_before_it_serves() -> None:
    lost = Endpoints(Call, "/v1/lost")
    lost.on("GET", "/things")(nothing)
    with pytest.raises(LookupError, match="GET /v1/lost/things has no row"):
        JsonApp(lost)


async def test_another_tenants_ids_are_unknown_at_every_endpoint(studio: Studio) -> None:
    job_id = await studio.create(KEY)
    ids = {"key_id": f"key_of_{ACCOUNT}", "job_id": job_id, "video_id": job_id, "model_id": "no-such-model"}
    tried = 0
    for endpoint in keyed():
        if isinstance(endpoint.app, JsonApp) and any(f"{{{name}" in endpoint.path for name in ids):
            for kind, key in (("manager", OTHER), ("session", SESSIONS_OF[EVE.user_id])):
                if kind in endpoint.callers:
                    answer = await asked(endpoint, key, ids)
                    assert answer.status in {400, 404}, endpoint
                    tried += 1
    assert tried > 25
    assert (await studio.job(job_id)).decided is False
    record = await studio.keys.get(ACCOUNT, f"key_of_{ACCOUNT}")
    assert record is not None
    assert (record.revoked, record.disabled) == (False, False)


def test_every_route_of_the_template_has_an_endpoint() -> None:
    found = set()
    for endpoint in endpoints():
        match = routes().match(endpoint.method, re.sub(r"\{\w+\}", "x", endpoint.path))
        assert match is not None, endpoint
        found.add((match.route.method, match.route.path))
    # The console has pages, which tests/console asks for.
    assert found == {(route.method, route.path) for route in routed() if route.family != "console"}


@pytest.mark.usefixtures("studio")
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1beta/models", 200),
        ("/v1beta/models/gpt-4o:generateContent", 405),
        ("/v1/models/gpt-4o:generateContent", 405),
        ("/v1/models", 401),
    ],
)
async def test_a_key_in_the_query_counts_on_geminis_paths_alone(path: str, status: int) -> None:
    answer = await asked(Endpoint("models", "GET", path), None, query=f"key={KEY}")
    assert answer.status == status
