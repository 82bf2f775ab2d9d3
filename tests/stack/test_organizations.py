"""Organizations on the whole stack by plain HTTP: from an invitation by mail to the key of a member who was removed."""

import secrets
from typing import Any

import httpx

from tests.hangs import comes_true
from tests.stack.conftest import Stack
from tests.stack.test_accounts import mailed_token, registered, signed_in


class Person:
    """A person who is signed in, and may act for an organization."""

    def __init__(self, stack: Stack, client: httpx.Client) -> None:
        self.client = client
        self.email = registered(stack, client)
        self.session = signed_in(client, self.email)
        self.user_id = self.ask("GET", "auth/me")["user_id"]

    def ask(self, method: str, path: str, body: object = None, status: int = 200, **headers: str) -> Any:
        sent: dict[str, Any] = {} if body is None else {"json": body}
        answer = self.client.request(method, path, headers=self.session | headers, **sent)
        assert answer.status_code == status, answer.text
        return answer.json()


def test_an_organization_from_its_first_member_to_its_end(stack: Stack, client: httpx.Client) -> None:
    owner, member = Person(stack, client), Person(stack, client)
    once = {"Idempotency-Key": secrets.token_hex(8)}
    owner.ask("POST", "organizations", {"name": 1}, 400, **once)
    first, again = (owner.ask("POST", "organizations", {"name": "Acme Inc"}, 201, **once) for _ in range(2))
    assert first == again
    org_id = first["organization"]["org_id"]
    at = f"organizations/{org_id}"
    member.ask("GET", at, status=404)
    assert owner.ask("PATCH", at, {"name": "Acme"})["organization"]["name"] == "Acme"
    assert [one["org_id"] for one in owner.ask("GET", "organizations")["data"]] == [org_id]

    spare = owner.ask("POST", f"{at}/invitations", {"email": "eve@example.com", "role": "developer"}, 201)
    owner.ask("DELETE", f"{at}/invitations/{spare['invitation']['invitation_id']}")
    owner.ask("POST", f"{at}/invitations", {"email": member.email, "role": "developer"}, 201)
    member.ask("POST", "organizations/invitations/decline", {"token": mailed_token(stack, member.email)})
    owner.ask("POST", f"{at}/invitations", {"email": member.email, "role": "developer"}, 201)
    token = mailed_token(stack, member.email)
    owner.ask("POST", "organizations/invitations/accept", {"token": token}, 403)
    member.ask("POST", "organizations/invitations/accept", {"token": token})
    assert len(owner.ask("GET", f"{at}/invitations")["data"]) == 3

    acting = {"X-Nexevo-Organization": org_id}
    made = member.ask("POST", "keys", {"name": "the member's"}, 201, **acting)
    key = {"Authorization": f"Bearer {made['full_key']}"}
    assert client.get("models", headers=key).status_code == 200
    member.ask("GET", "billing/balance", status=403, **acting)
    assert owner.ask("GET", "billing/balance", **acting)["balance_usd"] == "0"
    owner.ask("PATCH", f"{at}/members/{member.user_id}", {"monthly_spend_cap_usd": "5"})
    owner.ask("POST", f"{at}/transfer-ownership", {"new_owner_user_id": member.user_id})
    member.ask("POST", f"{at}/transfer-ownership", {"new_owner_user_id": owner.user_id})
    roles = {one["user_id"]: one["role"] for one in owner.ask("GET", f"{at}/members")["data"]}
    assert roles[owner.user_id] == "owner"

    owner.ask("DELETE", f"{at}/members/{member.user_id}")
    assert comes_true(lambda: client.get("models", headers=key).status_code != 200)
    member.ask("GET", "keys", status=404, **acting)
    told = [one["action"] for one in owner.ask("GET", "audit?limit=100", **acting)["data"]]
    assert {"organization.created", "invitation.declined", "member.joined", "key.revoked", "member.removed"} <= {*told}
    owner.ask("DELETE", at)
    owner.ask("GET", at, status=404)
