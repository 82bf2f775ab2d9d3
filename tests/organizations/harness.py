"""An organization of four people over the memory stores, as the tests of its endpoints act in it."""

from __future__ import annotations

from typing import Any

import httpx

from functions.organizations.app import app as organizations_app
from gateway.http import organizations as served
from gateway.organizations.inviting import Inviting
from gateway.organizations.roster import Roster
from gateway.wiring.organizations import Organizations
from tests.control_plane.harness import CALLER_IP, as_from_api_gateway
from tests.hangs import HANGS_AFTER_S
from tests.people.harness import House

PEOPLE = ("owner", "admin", "developer", "stranger")


class Office:
    """An organization with an owner, an admin and a developer, and a person who is a stranger to it."""

    def __init__(self) -> None:
        self.house = House()
        on = self.house.nexgate
        roster = Roster(on.organizations, on.money, on.keys, on.clock, self.house.erasures)
        inviting = Inviting(roster, self.house.mail, self.house.people.attempts, on.clock, "https://console.test")
        made = Organizations(on.people, roster, inviting)
        vars(served)["organizations"] = lambda: made
        organizations_app._services = on.services
        self.token: dict[str, str] = {}
        self.user_id: dict[str, str] = {}
        self.org_id = ""

    async def ask(self, who: str, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
        if not path.startswith("/v1/organizations"):
            return await self.house.nexgate.ask(method, path, body, self.token.get(who, who), headers=headers)
        app = as_from_api_gateway(organizations_app)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(CALLER_IP, 1))
        given = {"Authorization": f"Bearer {self.token.get(who, who)}", **headers}
        sent: dict[str, Any] = {} if body is None else {"json": body}
        async with httpx.AsyncClient(
            transport=transport, base_url="https://gateway.test", timeout=HANGS_AFTER_S
        ) as client:
            return await client.request(method, path, headers=given, **sent)

    async def on(self, who: str, method: str, path: str, body: object = None) -> httpx.Response:
        return await self.ask(who, method, f"/v1/organizations/{self.org_id}{path}", body)

    async def settle(self) -> None:
        await self.house.nexgate.settle_in()
        for name in PEOPLE:
            self.user_id[name] = (await self.house.registered(f"{name}@example.com"))["user_id"]
            self.token[name] = (await self.house.signed_in(f"{name}@example.com"))["access_token"]
        created = await self.ask("owner", "POST", "/v1/organizations", {"name": "Acme Inc"})
        assert created.status_code == 201, created.text
        self.org_id = created.json()["organization"]["org_id"]
        for role in ("admin", "developer"):
            await self.joined(role)

    async def invited(self, role: str) -> str:
        answer = await self.on("owner", "POST", "/invitations", {"email": f"{role}@example.com", "role": role})
        assert answer.status_code == 201, answer.text
        return self.house.mailed_token()

    async def joined(self, role: str) -> None:
        token = await self.invited(role)
        answer = await self.ask(role, "POST", "/v1/organizations/invitations/accept", {"token": token})
        assert answer.json()["organization"]["role"] == role, answer.text

    async def key_of(self, who: str, **settings: Any) -> dict[str, Any]:
        wanted = {"name": who, **settings}
        answer = await self.ask(who, "POST", "/v1/keys", wanted, **{"X-Nexevo-Organization": self.org_id})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]
