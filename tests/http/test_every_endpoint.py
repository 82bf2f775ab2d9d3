"""Tests every endpoint of every family with every kind of key: none, one that may not be used, another tenant's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from functions.files.app import app as files_app
from gateway.auth.principal import key_hash
from gateway.http.json_app import JsonApp
from gateway.ports.keys import KeyRecord
from tests.control_plane.harness import CALLER_IP, NOW_S, as_from_api_gateway
from tests.fakes.webhooks import MemoryWebhookRecords
from tests.generation.studio import ACCOUNT, KEY, OTHER_ACCOUNT, Studio, routes
from tests.http.endpoints import Endpoint, endpoints
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
    control, streaming = files_app._services(), StreamingServices(made.clock, made.keys, made.money)
    for endpoint in keyed():
        services: Any = control if isinstance(endpoint.app, JsonApp) else streaming
        monkeypatch.setattr(endpoint.app, "_services", lambda services=services: services)
    monkeypatch.setattr("functions.webhooks.app.webhook_records", MemoryWebhookRecords)
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
    assert len(found) > 50
    assert {name: found[name] for name in found if found[name] != status} == {}
    assert studio.executions.started == []


@pytest.mark.usefixtures("studio")
async def test_a_key_that_does_not_manage_is_refused_where_accounts_are_managed_and_nowhere_else() -> None:
    for endpoint in keyed():
        if isinstance(endpoint.app, JsonApp):
            refused = (await asked(endpoint, PLAIN)).status == 403
            assert refused is endpoint.is_managed, endpoint


async def test_another_tenants_ids_are_unknown_at_every_endpoint(studio: Studio) -> None:
    job_id = await studio.create(KEY)
    ids = {"key_id": f"key_of_{ACCOUNT}", "job_id": job_id, "video_id": job_id, "model_id": "no-such-model"}
    tried = 0
    for endpoint in keyed():
        if isinstance(endpoint.app, JsonApp) and any(f"{{{name}" in endpoint.path for name in ids):
            answer = await asked(endpoint, OTHER, ids)
            assert answer.status in {400, 404}, endpoint
            tried += 1
    assert tried > 15
    assert (await studio.job(job_id)).decided is False
    record = await studio.keys.get(ACCOUNT, f"key_of_{ACCOUNT}")
    assert record is not None
    assert (record.revoked, record.disabled) == (False, False)


@pytest.mark.usefixtures("studio")
async def test_a_managing_key_is_refused_for_its_role_nowhere() -> None:
    for endpoint in keyed():
        if isinstance(endpoint.app, JsonApp):
            answer = await asked(endpoint, KEY, {"key_id": "key_plain"})
            assert answer.status not in {401, 403}, endpoint
            assert answer.status < 500, endpoint


def test_every_route_of_the_template_has_an_endpoint() -> None:
    found = set()
    for endpoint in endpoints():
        match = routes().match(endpoint.method, re.sub(r"\{\w+\}", "x", endpoint.path))
        assert match is not None, endpoint
        found.add((match.route.method, match.route.path))
    assert found == {(route.method, route.path) for route in routed()}


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
