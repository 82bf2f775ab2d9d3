"""Tests of the export of a person's data, and of its erasure: what goes, what stays, and what a cut-off end leaves."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.ports.provider_keys import Envelope, ProviderKey
from tests.control_plane.harness import refusal
from tests.people.harness import JANE, PASSWORD, House

pytestmark = pytest.mark.anyio


def provider_key(account_id: str) -> ProviderKey:
    return ProviderKey(account_id, "openai", "pvk_1", "mine", "first", "abcd", 1, 1, 1, Envelope("w", "t"))


async def settled(house: House) -> tuple[dict[str, Any], str, str]:
    """Registers a person who has a key of its own and one of a provider; returns it, its session's token, its key."""
    made = await house.registered()
    token = (await house.signed_in())["access_token"]
    wanted = {"name": "Jane's laptop", "allowed_ips": ["203.0.113.0/24"]}
    key = (await house.nexgate.ask("POST", "/v1/keys", wanted, token)).json()
    assert (key["key"]["user_id"], key["key"]["org_id"]) == (made["user_id"], None)
    await house.provider_keys.add(provider_key(made["account_id"]))
    return made, token, key["full_key"]


async def test_an_export_has_all_that_is_stored_and_no_secret(house: House) -> None:
    made, token, full_key = await settled(house)
    answer = await house.ask("GET", "/v1/auth/export", token=token)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    shown = answer.json()
    assert shown["user"] == made
    assert [row["name"] for row in shown["keys"]] == ["Jane's laptop"]
    assert [row["provider"] for row in shown["provider_keys"]] == ["openai"]
    assert [row["amount_usd"] for row in shown["transactions"]["data"]] == ["5"]
    assert shown["balance"]["balance_usd"] == "5"
    assert len(shown["sessions"]) == 1
    (user,) = house.store.users.values()
    for secret in (token, full_key, user.password_hash):
        assert secret.encode() not in answer.content


async def test_a_person_who_leaves_is_erased_and_the_ledger_stays_under_its_ids(house: House) -> None:
    made, token, full_key = await settled(house)
    answer = await house.post("deactivate", {"password": PASSWORD}, token)
    assert answer.json() == {
        "object": "user",
        "user_id": made["user_id"],
        "account_id": made["account_id"],
        "deactivated": True,
    }
    stored = orjson.dumps([repr(house.store.users), repr(house.store.addresses), repr(house.store.stored_sessions)])
    for gone in (JANE, "hash of", "203.0.113.7", "sess_"):
        assert gone.encode() not in stored
    assert (await house.ask("GET", "/v1/auth/me", token=token)).status_code == 401
    assert (await house.post("login", {"email": JANE, "password": PASSWORD})).status_code == 401
    assert (await house.nexgate.ask("GET", "/v1/keys", key=full_key)).status_code == 401
    (key,) = await house.nexgate.keys.page(made["account_id"], limit=10)
    assert (key.revoked, key.name, key.allowed_ips) == (True, "deactivated", ())
    assert house.erasures.begun == [made["account_id"]]
    assert house.store.calls["erase"] == 1
    account = await house.nexgate.money.read_account(made["account_id"])
    assert account is not None
    assert (account.disabled, [entry.amount_nanousd for entry in account.entries]) == (True, [5 * 10**9])


async def test_leaving_needs_the_password(house: House) -> None:
    await house.registered()
    token = (await house.signed_in())["access_token"]
    refused = await house.post("deactivate", {"password": "not the password"}, token)
    assert refusal(refused) == (403, "invalid_credentials", "password")
    assert (await house.ask("GET", "/v1/auth/me", token=token)).status_code == 200


async def test_the_address_of_a_person_who_left_can_be_registered_anew(house: House) -> None:
    first = await house.registered()
    token = (await house.signed_in())["access_token"]
    await house.post("deactivate", {"password": PASSWORD}, token)
    second = await house.registered()
    assert {first["user_id"], first["account_id"]}.isdisjoint({second["user_id"], second["account_id"]})


async def test_an_end_that_was_cut_off_can_be_asked_for_again(house: House) -> None:
    made, token, _ = await settled(house)
    house.erasures.is_down = True
    assert (await house.post("deactivate", {"password": PASSWORD}, token)).status_code == 503
    assert house.store.users[made["user_id"]].deactivated is False
    house.erasures.is_down = False
    assert (await house.post("deactivate", {"password": PASSWORD}, token)).status_code == 200
    assert house.store.users[made["user_id"]].deactivated is True
