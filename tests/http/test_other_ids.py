"""Tests that ids of one account or organization are unknown to every caller of another, at every endpoint with an id.

The endpoints are those of the apps, and their callers those of `gateway/http/callers.py`, so a new one is asked at
once; one whose path names an id that has no example here fails.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.conversations.kept import Conversations
from gateway.http.callers import TABLE, Kind
from gateway.http.json_app import JsonApp
from gateway.people.tokens import hashed
from gateway.ports.keys import KeyRecord
from gateway.ports.organizations import account_of
from gateway.ports.people import User
from tests.control_plane.harness import CALLER_IP, NOW_S, as_from_api_gateway
from tests.fakes.conversations import MemoryConversationRecords
from tests.fakes.objects import MemoryObjects
from tests.fuzz.samples import samples_of
from tests.generation.studio import ACCOUNT, DOLLAR, KEY, OTHER_ACCOUNT, OTHER_KEY, Studio
from tests.hangs import HANGS_AFTER_S
from tests.http.endpoints import Endpoint, endpoints
from tests.http.wired import wire_people

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).parents[2]
PLAIN = "sk-xc-plain-of-two"
# Names of models, which are no one's, and what a provider's signature vouches for.
PUBLIC = {"model_id", "call", "resource", "provider", "attempt"}
# Ids of streaming families, and the names that accounts give to memories, by the tests that ask for them as another
# account.
ELSEWHERE = {
    "key": ("conversations/test_memory", "test_a_memory_is_deleted_under_any_key"),
    "response_id": ("responses_store/test_stored_responses", "test_another_accounts_response_is_as_unknown_as_none"),
    "task_id": ("agent_runs/test_runs", "test_a_run_of_another_account_is_not_found"),
}
# What answers alike whether there was something to end or not.
QUIET = {"DELETE /v1/auth/sessions/{session_id}": 200}


@dataclass(frozen=True)
class Caller:
    """A caller of another account or organization; `may_be_refused` where its role has no say in its own either."""

    kind: Kind
    token: str
    org_id: str = ""
    may_be_refused: bool = False


@dataclass
class Town:
    """Jane's account and organization, with one of each thing that a path can name; and Eve's, whose callers ask."""

    studio: Studio = field(default_factory=Studio)
    conversations: MemoryConversationRecords = field(default_factory=MemoryConversationRecords)
    objects: MemoryObjects = field(default_factory=MemoryObjects)
    ids: dict[str, str] = field(default_factory=dict)
    token: dict[str, str] = field(default_factory=dict)

    def wire(self, patch: pytest.MonkeyPatch) -> None:
        kept = Conversations(self.conversations, self.objects, self.studio.clock)
        self.society = wire_people(patch, self.studio, kept)
        self.studio.keys.organizations = self.society.roles

    async def ask(self, family: str, method: str, path: str, caller: Caller, body: object = None) -> httpx.Response:
        app = as_from_api_gateway(Endpoint(family, method, path).app)
        headers = {"Authorization": f"Bearer {caller.token}"}
        headers |= {"X-Nexevo-Organization": caller.org_id} if caller.org_id else {}
        sent: dict[str, Any] = {} if body is None else {"json": body}
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(CALLER_IP, 1))
        async with httpx.AsyncClient(
            transport=transport, base_url="https://gateway.test", timeout=HANGS_AFTER_S
        ) as client:
            return await client.request(method, path, headers=headers, **sent)

    async def made(self, family: str, path: str, caller: Caller, body: object, method: str = "POST") -> Any:
        answer = await self.ask(family, method, path, caller, body)
        assert answer.is_success, answer.text
        return answer.json()

    async def person(self, name: str, account_id: str) -> Caller:
        user = User(f"user_{name:0>18}", account_id, f"{name}@example.com", f"hash of {name}", int(NOW_S))
        assert await self.society.store.add(user, hashed(user.email))
        opened = await self.society.people.sessions.open(user, CALLER_IP, "test")
        self.ids.setdefault("session_id", opened["session_id"])
        return Caller("session", opened["access_token"])

    async def organization(self, owner: Caller, members: Mapping[str, Caller]) -> str:
        made = await self.made("organizations", "/v1/organizations", owner, {"name": "Acme"})
        org_id: str = made["organization"]["org_id"]
        for name, member in members.items():
            wanted = {"email": f"{name}@example.com", "role": "admin" if name == "bob" else "developer"}
            await self.made("organizations", f"/v1/organizations/{org_id}/invitations", owner, wanted)
            (token,) = re.findall(r"[A-Za-z0-9_-]{43}", self.society.mail.letters[-1].text)
            await self.made("organizations", "/v1/organizations/invitations/accept", member, {"token": token})
        return org_id

    async def settle_in(self) -> list[Caller]:
        """Fills the stores; returns Eve's callers."""
        on, key = self.studio, Caller("manager", KEY)
        await on.settle_in()
        for account_id in (ACCOUNT, OTHER_ACCOUNT):
            await on.keys.change(account_id, f"key_of_{account_id}", {"can_manage_keys": True})
        await on.give_key(PLAIN, KeyRecord("key_plain", OTHER_ACCOUNT, "plain", "0000", int(NOW_S)))
        jane, ann = await self.person("jane", ACCOUNT), await self.person("ann", "acct_ann")
        eve = await self.person("eve", OTHER_ACCOUNT)
        others = {name: await self.person(name, f"acct_{name}") for name in ("bob", "dan")}
        for account_id in ("acct_ann", "acct_bob", "acct_dan"):
            await on.money.open_account(account_id, 1_000)
        org_id, other_id = await self.organization(jane, {"ann": ann}), await self.organization(eve, others)
        acting = replace_org(jane, org_id)
        at = f"/v1/organizations/{org_id}"
        invited = await self.made("organizations", f"{at}/invitations", jane, {"email": "new@example.com"})
        made = await self.made("keys", "/v1/keys", acting, {"name": "Jane's"})
        brought = {"provider": "openai", "api_key": "sk-own-0123456789", "verify": False}
        provider_key = await self.made("keys", "/v1/provider-keys", acting, brought)
        tools = {"name": "wiki", "url": "https://mcp.example.com/mcp"}
        mcp_server = await self.made("keys", "/v1/mcp/servers", acting, tools)
        talk = await self.made("conversations", "/v1/conversations", key, {"title": "Emma"})
        said = {"items": [{"role": "user", "content": "Who wrote Emma?"}]}
        items = await self.made("conversations", f"/v1/conversations/{talk['id']}/items", key, said)
        file = {"file": ("a.txt", b"a secret", "text/plain")}
        uploaded = await on.ask("POST", "/v1/files", files=file, data={"purpose": "user_data"})
        assert uploaded.is_success, uploaded.text
        video_id = await on.create()
        self.ids |= {
            "org_id": org_id,
            "invitation_id": invited["invitation"]["invitation_id"],
            "user_id": f"user_{'ann':0>18}",
            "key_id": made["key"]["key_id"],
            "provider_key_id": provider_key["id"],
            "mcp_server_id": mcp_server["id"],
            "conversation_id": talk["id"],
            "item_id": items["data"][0]["id"],
            "file_id": uploaded.json()["id"],
            "video_id": video_id,
            "job_id": await on.create_asset(),
        }
        theirs = replace_org(eve, other_id)
        await on.money.credit(account_of(other_id), DOLLAR, once="start", now_s=NOW_S)
        of_theirs = await self.made("keys", "/v1/keys", theirs, {"name": "Eve's", "can_manage_keys": True})
        return [
            Caller("manager", OTHER_KEY),
            Caller("key", PLAIN),
            Caller("manager", of_theirs["full_key"]),
            eve,
            theirs,
            replace_org(others["bob"], other_id),
            Caller("session", others["dan"].token, other_id, may_be_refused=True),
        ]

    def state(self) -> str:
        """Shows all that a caller of another account could have changed."""
        on, society = self.studio, self.society
        orgs, people, control = society.roles, society.store, society.control
        theirs = (on.keys, on.jobs, on.objects, on.file_records, self.conversations, self.objects)
        stores: tuple[Any, ...] = (*theirs, control.provider_keys().store, control.mcp_servers().store)
        rest = (orgs.organizations, orgs._members, orgs._invitations, people.users, people.stored_sessions)
        return repr([[one for one in vars(store).items() if one[0] != "reads"] for store in stores] + [*rest])


def replace_org(caller: Caller, org_id: str) -> Caller:
    """Returns a session that acts for an organization."""
    return Caller(caller.kind, caller.token, org_id)


def named_in(path: str) -> set[str]:
    """Names the ids in a path."""
    return {name.removesuffix("...") for name in re.findall(r"\{([\w.]+)\}", path)}


@pytest.fixture
def town(monkeypatch: pytest.MonkeyPatch) -> Town:
    made = Town()
    made.wire(monkeypatch)
    return made


async def test_every_id_that_a_path_names_has_an_example(town: Town) -> None:
    await town.settle_in()
    named = set().union(*map(named_in, TABLE))
    assert named - town.ids.keys() - PUBLIC - ELSEWHERE.keys() == set()
    for file, name in ELSEWHERE.values():
        assert f"def {name}(" in (ROOT / "tests" / f"{file}.py").read_text()


async def test_an_id_of_another_account_or_organization_is_unknown_at_every_endpoint_to_every_role(town: Town) -> None:
    callers = await town.settle_in()
    before, found, tried = town.state(), {}, 0
    for endpoint in endpoints():
        names = named_in(endpoint.path)
        if not names or not names <= town.ids.keys() or not isinstance(endpoint.app, JsonApp):
            continue
        path = re.sub(r"\{(\w+)\}", lambda name: town.ids[name[1]], endpoint.path)
        body = samples_of(endpoint)[0] if endpoint.method in {"POST", "PATCH", "PUT"} else None
        for number, caller in enumerate(callers):
            if caller.kind in endpoint.callers:
                answer = await town.ask(endpoint.family, endpoint.method, path, caller, body)
                expected = {QUIET.get(endpoint.row, 404)} | ({403} if caller.may_be_refused else set())
                tried += 1
                if answer.status_code not in expected:
                    found[endpoint.row, number] = (answer.status_code, answer.text)
    assert found == {}
    assert tried > 150
    assert town.state() == before
