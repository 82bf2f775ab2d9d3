"""Does each thing that changes an account, as a caller does it: one request to each endpoint, by its row.

A new endpoint that changes something needs a row here, with the action that it leaves in the audit log.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pyotp

from gateway.http.callers import KEYS, TABLE
from gateway.ports.audit import AuditEntry
from gateway.stores.audit import DynamoAudit
from tests.billing.harness import Till
from tests.billing.test_automatic import TERMS
from tests.control_plane.harness import ACCOUNT
from tests.organizations.harness import Office
from tests.people.harness import NEW_PASSWORD, PASSWORD

MCP_SERVER = {"name": "wiki", "url": "https://mcp.example.com/?secret=1", "token": "sk-canary-1234567890-wxyz"}
PROVIDER_KEY = {"provider": "openai", "api_key": "sk-canary-1234567890-wxyz"}
Act = Callable[[Any], Awaitable[httpx.Response]]
# What a key does with its account's money is told by the ledger and the logs of requests.
CHANGING = [row for row, who in TABLE.items() if not row.startswith(("GET ", "HEAD ")) and who != KEYS]
# Rows that leave no entry, with the reason.
UNTOLD = {
    "POST /v1/auth/register": "there is no account yet, and a registered address is not to be told apart",
    "POST /v1/auth/refresh": "the session goes on; a token that is used twice ends it, which is told",
    "POST /v1/provider-keys/{provider_key_id}/test": "the key stays as it is",
    "POST /v1/callbacks/{provider}/{job_id}/{attempt}": "a provider tells of a job, which the ledger has",
}


class Estate(Office):
    """People, one of them without an organization, who is the caller where no organization is needed."""

    EMAIL = "stranger@example.com"

    async def me(self, method: str, path: str, body: object = None) -> httpx.Response:
        path = path if path.startswith("/v1/") else f"/v1/auth/{path}"
        if path.startswith("/v1/auth/"):
            return await self.house.ask(method, path, body, self.token["stranger"])
        return await self.ask("stranger", method, path, body)

    async def key(self, method: str, path: str = "", body: object = None) -> httpx.Response:
        """Does something to a key that was made for it."""
        made = (await self.me("POST", "/v1/keys", {"name": "made"})).json()["key"]["key_id"]
        self.house.later(1)
        return await self.me(method, f"/v1/keys/{made}{path}", body)

    async def provider_key(self, method: str, body: object = None) -> httpx.Response:
        made = (await self.me("POST", "/v1/provider-keys", PROVIDER_KEY)).json()["id"]
        return await self.me(method, f"/v1/provider-keys/{made}", body)

    async def mcp_server(self, method: str, path: str = "") -> httpx.Response:
        made = (await self.me("POST", "/v1/mcp/servers", MCP_SERVER)).json()["id"]
        return await self.me(method, f"/v1/mcp/servers/{made}{path}")

    async def reset(self) -> httpx.Response:
        await self.house.post("forgot-password", {"email": self.EMAIL})
        return await self.house.post(
            "reset-password", {"token": self.house.mailed_token(), "new_password": NEW_PASSWORD}
        )

    async def verified(self) -> httpx.Response:
        answer = await self.house.post("register", {"email": "new@example.com", "password": PASSWORD})
        assert answer.status_code == 202
        return await self.house.post("verify-email", {"token": self.house.mailed_token()})

    async def second_factor(self, *, off: bool = False) -> httpx.Response:
        secret = (await self.me("POST", "2fa/setup", {"password": PASSWORD})).json()["secret"]
        code = pyotp.TOTP(secret).at(int(self.house.nexgate.clock.now_s()))
        answer = await self.me("POST", "2fa/enable", {"code": code})
        if not off:
            return answer
        self.house.later(30)
        code = pyotp.TOTP(secret).at(int(self.house.nexgate.clock.now_s()))
        return await self.me("POST", "2fa/disable", {"password": PASSWORD, "code": code})

    async def answered(self, how: str) -> httpx.Response:
        """Answers an invitation."""
        await self.on("owner", "POST", "/invitations", {"email": self.EMAIL, "role": "developer"})
        token = self.house.mailed_token()
        return await self.me("POST", f"/v1/organizations/invitations/{how}", {"token": token})

    async def uninvited(self) -> httpx.Response:
        made = await self.on("owner", "POST", "/invitations", {"email": self.EMAIL, "role": "developer"})
        return await self.on("owner", "DELETE", f"/invitations/{made.json()['invitation']['invitation_id']}")

    async def member(self, method: str, path: str, body: object = None) -> httpx.Response:
        return await self.on("owner", method, path.format(of=self.user_id["developer"]), body)

    def told(self) -> list[AuditEntry]:
        return list(self.house.nexgate.audit.entries.values())


class TillWithLog(Till):
    """A till whose audit log is in the simulated ledger and in memory."""

    async def settle(self) -> None:
        await self.nexgate.settle_in()

    async def told(self) -> list[AuditEntry]:
        log: Any = DynamoAudit
        page = await log(self.dynamodb, "ledger").page(ACCOUNT, limit=100)
        return list(page.entries)

    async def topped_up(self, path: str) -> httpx.Response:
        return await self.ask("POST", path, {"amount_usd": "20", "idempotency_key": "one"})

    async def automatic(self) -> httpx.Response:
        self.pay(await self.checkout("5", "first", save_payment_method=True))
        await self.deliver_all()
        return await self.ask("PUT", "auto-topup", TERMS)

    async def delivered(self) -> httpx.Response:
        self.pay(await self.checkout())
        return [await self.deliver(event) for event in self.new_events()][-1]


MEMBER = "/members/{of}"
OF_PEOPLE: dict[str, tuple[str, Callable[[Estate], Awaitable[httpx.Response]]]] = {
    "POST /v1/auth/verify-email": ("account.created", Estate.verified),
    "POST /v1/auth/login": (
        "session.opened",
        lambda on: on.house.post("login", {"email": on.EMAIL, "password": PASSWORD}),
    ),
    "POST /v1/auth/forgot-password": (
        "password.reset_requested",
        lambda on: on.house.post("forgot-password", {"email": on.EMAIL}),
    ),
    "POST /v1/auth/reset-password": ("password.reset", Estate.reset),
    "POST /v1/auth/change-password": (
        "password.changed",
        lambda on: on.me("POST", "change-password", {"current_password": PASSWORD, "new_password": NEW_PASSWORD}),
    ),
    "POST /v1/auth/logout": ("session.ended", lambda on: on.me("POST", "logout")),
    "DELETE /v1/auth/sessions/{session_id}": ("session.ended", lambda on: on.me("DELETE", "sessions/sess_1")),
    "POST /v1/auth/deactivate": (
        "account.deactivated",
        lambda on: on.me("POST", "deactivate", {"password": PASSWORD}),
    ),
    "PATCH /v1/auth/profile": ("profile.changed", lambda on: on.me("PATCH", "profile", {"full_name": "Jane Roe"})),
    "POST /v1/auth/2fa/setup": ("two_factor.offered", lambda on: on.me("POST", "2fa/setup", {"password": PASSWORD})),
    "POST /v1/auth/2fa/enable": ("two_factor.enabled", Estate.second_factor),
    "POST /v1/auth/2fa/disable": ("two_factor.disabled", lambda on: on.second_factor(off=True)),
    "POST /v1/keys": ("key.created", lambda on: on.me("POST", "/v1/keys", {"name": "made"})),
    "PATCH /v1/keys/{key_id}": ("key.changed", lambda on: on.key("PATCH", "", {"rpm_limit": 5})),
    "PATCH /v1/keys/{key_id}/spend-cap": (
        "key.changed",
        lambda on: on.key("PATCH", "/spend-cap", {"monthly_spend_cap_usd": "5"}),
    ),
    "PATCH /v1/keys/{key_id}/alert-webhook": (
        "key.changed",
        lambda on: on.key("PATCH", "/alert-webhook", {"url": "https://hooks.example.com/?secret=1"}),
    ),
    "PATCH /v1/keys/{key_id}/region-policy": (
        "key.changed",
        lambda on: on.key("PATCH", "/region-policy", {"region_policy": "cn-only"}),
    ),
    "DELETE /v1/keys/{key_id}": ("key.revoked", lambda on: on.key("DELETE")),
    "POST /v1/keys/{key_id}/revoke": ("key.revoked", lambda on: on.key("POST", "/revoke")),
    "POST /v1/provider-keys": ("provider_key.created", lambda on: on.me("POST", "/v1/provider-keys", PROVIDER_KEY)),
    "PATCH /v1/provider-keys/{provider_key_id}": (
        "provider_key.changed",
        lambda on: on.provider_key("PATCH", {"mode": "only"}),
    ),
    "DELETE /v1/provider-keys/{provider_key_id}": ("provider_key.removed", lambda on: on.provider_key("DELETE")),
    "POST /v1/mcp/servers": ("mcp_server.created", lambda on: on.me("POST", "/v1/mcp/servers", MCP_SERVER)),
    "POST /v1/mcp/servers/{mcp_server_id}/refresh": (
        "mcp_server.refreshed",
        lambda on: on.mcp_server("POST", "/refresh"),
    ),
    "DELETE /v1/mcp/servers/{mcp_server_id}": ("mcp_server.removed", lambda on: on.mcp_server("DELETE")),
    "POST /v1/webhooks/secret/rotate": (
        "webhook_secret.rotated",
        lambda on: on.me("POST", "/v1/webhooks/secret/rotate"),
    ),
    "POST /v1/organizations": (
        "organization.created",
        lambda on: on.me("POST", "/v1/organizations", {"name": "Other"}),
    ),
    "PATCH /v1/organizations/{org_id}": (
        "organization.changed",
        lambda on: on.on("owner", "PATCH", "", {"name": "Other"}),
    ),
    "DELETE /v1/organizations/{org_id}": ("organization.deleted", lambda on: on.on("owner", "DELETE", "")),
    "POST /v1/organizations/{org_id}/transfer-ownership": (
        "organization.transferred",
        lambda on: on.on("owner", "POST", "/transfer-ownership", {"new_owner_user_id": on.user_id["admin"]}),
    ),
    "POST /v1/organizations/{org_id}/leave": ("member.left", lambda on: on.on("developer", "POST", "/leave")),
    "POST /v1/organizations/{org_id}/invitations": (
        "invitation.created",
        lambda on: on.on("owner", "POST", "/invitations", {"email": on.EMAIL, "role": "admin"}),
    ),
    "DELETE /v1/organizations/{org_id}/invitations/{invitation_id}": ("invitation.revoked", Estate.uninvited),
    "POST /v1/organizations/invitations/accept": ("member.joined", lambda on: on.answered("accept")),
    "POST /v1/organizations/invitations/decline": ("invitation.declined", lambda on: on.answered("decline")),
    "PATCH /v1/organizations/{org_id}/members/{user_id}": (
        "member.changed",
        lambda on: on.member("PATCH", MEMBER, {"role": "admin", "monthly_spend_cap_usd": "5"}),
    ),
    "DELETE /v1/organizations/{org_id}/members/{user_id}": (
        "member.removed",
        lambda on: on.member("DELETE", MEMBER),
    ),
}
OF_MONEY: dict[str, tuple[str, Callable[[TillWithLog], Awaitable[httpx.Response]]]] = {
    "POST /v1/billing/topup": ("billing.checkout_opened", lambda on: on.topped_up("topup")),
    "POST /v1/billing/checkout": ("billing.checkout_opened", lambda on: on.topped_up("checkout")),
    "PUT /v1/billing/auto-topup": ("billing.auto_topup_changed", TillWithLog.automatic),
    "PUT /v1/billing/alerts": (
        "billing.alerts_changed",
        lambda on: on.ask("PUT", "alerts", {"low_balance_usd": "5", "webhook_url": "https://hooks.example.com/?s=1"}),
    ),
    "POST /v1/billing/webhook": ("billing.credit", TillWithLog.delivered),
}
