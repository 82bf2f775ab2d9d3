"""Tests that a key gives no other more than it has itself, cannot widen itself, and takes its keys along at its end."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.accounts.lineage import narrowed, wider_setting
from gateway.auth.principal import key_hash
from gateway.ports.keys import KeyRecord
from tests.control_plane.harness import ACCOUNT, MANAGER_ID, MANAGER_KEY, AppUnderTest, refusal

pytestmark = pytest.mark.anyio

BOUNDS: dict[str, Any] = {
    "monthly_spend_cap_usd": "10",
    "rpm_limit": 30,
    "tpm_limit": 1_000,
    "max_parallel": 3,
    "user_rpm_limit": 5,
    "expires_at": "2027-06-01T00:00:00Z",
    "allowed_models": ["gpt-4o*", "nexevo/fast"],
    "allowed_ips": ["203.0.113.0/24"],
    "region_policy": "overseas-only",
}
WIDER = [
    ("monthly_spend_cap_usd", "10.000000001"),
    ("monthly_spend_cap_usd", None),
    ("rpm_limit", 31),
    ("rpm_limit", None),
    ("tpm_limit", 1_001),
    ("tpm_limit", None),
    ("max_parallel", 4),
    ("max_parallel", None),
    ("user_rpm_limit", None),
    ("expires_at", "2027-06-01T00:00:01Z"),
    ("expires_at", None),
    ("allowed_models", ["gpt-4*"]),
    ("allowed_models", ["gpt-4o", "claude-opus-4-7"]),
    ("allowed_models", None),
    ("allowed_models", []),
    ("allowed_ips", ["203.0.113.0/23"]),
    ("allowed_ips", ["2001:db8::/32"]),
    ("allowed_ips", []),
    ("region_policy", "any"),
    ("region_policy", "cn-only"),
]
FORBIDDEN = (403, "insufficient_role", None)


async def bounded(nexgate: AppUnderTest) -> dict[str, Any]:
    """Creates a bounded key that manages keys."""
    return await nexgate.create(can_manage_keys=True, **BOUNDS)


@pytest.mark.parametrize(("name", "value"), WIDER)
async def test_a_key_creates_none_that_is_wider_than_itself(nexgate: AppUnderTest, name: str, value: object) -> None:
    maker = (await bounded(nexgate))["full_key"]
    answer = await nexgate.ask("POST", "/v1/keys", {"name": "wider", name: value}, key=maker)
    assert refusal(answer) == FORBIDDEN
    assert name in answer.json()["error"]["message"]


@pytest.mark.parametrize(("name", "value"), WIDER)
async def test_a_key_cannot_widen_itself(nexgate: AppUnderTest, name: str, value: object) -> None:
    made = await bounded(nexgate)
    answer = await nexgate.ask("PATCH", f"/v1/keys/{made['key']['key_id']}", {name: value}, key=made["full_key"])
    assert refusal(answer) == FORBIDDEN


@pytest.mark.parametrize(
    ("suffix", "body"),
    [
        ("/spend-cap", {"clear": True}),
        ("/spend-cap", {"monthly_spend_cap_usd": "11"}),
        ("/region-policy", {"region_policy": "any"}),
    ],
)
async def test_no_path_widens_a_key_by_itself(nexgate: AppUnderTest, suffix: str, body: dict[str, object]) -> None:
    made = await bounded(nexgate)
    answer = await nexgate.ask("PATCH", f"/v1/keys/{made['key']['key_id']}{suffix}", body, key=made["full_key"])
    assert refusal(answer) == FORBIDDEN


async def test_a_key_that_is_given_no_bounds_has_its_makers(nexgate: AppUnderTest) -> None:
    maker = await bounded(nexgate)
    made = (await nexgate.ask("POST", "/v1/keys", {"name": "same"}, key=maker["full_key"])).json()["key"]
    assert {name: made[name] for name in BOUNDS} == BOUNDS
    assert made["parent_key_id"] == maker["key"]["key_id"]


async def test_a_key_may_be_narrower_than_its_maker(nexgate: AppUnderTest) -> None:
    maker = (await bounded(nexgate))["full_key"]
    narrow = {"allowed_models": ["gpt-4o-mini"], "allowed_ips": ["203.0.113.7/32"], "monthly_spend_cap_usd": "1"}
    answer = await nexgate.ask("POST", "/v1/keys", {"name": "narrow", **narrow}, key=maker)
    assert {name: answer.json()["key"][name] for name in narrow} == narrow


async def test_a_key_does_not_change_or_revoke_one_that_is_wider(nexgate: AppUnderTest) -> None:
    maker, wide = (await bounded(nexgate))["full_key"], (await nexgate.create())["key"]["key_id"]
    for key_id in (wide, MANAGER_ID):
        assert refusal(await nexgate.ask("PATCH", f"/v1/keys/{key_id}", {"name": "mine"}, key=maker)) == FORBIDDEN
        assert refusal(await nexgate.ask("DELETE", f"/v1/keys/{key_id}", key=maker)) == FORBIDDEN


async def test_an_owner_cannot_widen_a_key_beyond_its_maker(nexgate: AppUnderTest) -> None:
    maker = (await bounded(nexgate))["full_key"]
    made = (await nexgate.ask("POST", "/v1/keys", {"name": "same"}, key=maker)).json()["key"]["key_id"]
    assert refusal(await nexgate.ask("PATCH", f"/v1/keys/{made}", {"tpm_limit": None})) == FORBIDDEN


async def family(nexgate: AppUnderTest) -> list[dict[str, Any]]:
    """Creates a key that makes a key that makes a key."""
    found = [await bounded(nexgate)]
    for _ in range(2):
        body = {"name": "made", "can_manage_keys": True}
        found.append((await nexgate.ask("POST", "/v1/keys", body, key=found[-1]["full_key"])).json())
    return found


async def test_the_keys_that_a_key_has_made_end_with_it(nexgate: AppUnderTest) -> None:
    first, *others = await family(nexgate)
    bystander = await nexgate.create(can_manage_keys=True)
    await nexgate.ask("DELETE", f"/v1/keys/{first['key']['key_id']}")
    for made in others:
        assert refusal(await nexgate.ask("GET", "/v1/keys", key=made["full_key"])) == (401, "invalid_api_key", None)
    assert (await nexgate.ask("GET", "/v1/keys", key=bystander["full_key"])).status_code == 200


async def test_the_keys_of_a_disabled_key_are_disabled(nexgate: AppUnderTest) -> None:
    first, _, last = await family(nexgate)
    await nexgate.ask("PATCH", f"/v1/keys/{first['key']['key_id']}", {"disabled": True})
    assert (await nexgate.ask("GET", f"/v1/keys/{last['key']['key_id']}")).json()["disabled"] is True


async def test_the_keys_of_a_narrowed_key_are_narrowed(nexgate: AppUnderTest) -> None:
    first, _, last = await family(nexgate)
    narrow = {"allowed_models": ["gpt-4o-mini"], "monthly_spend_cap_usd": "2", "expires_at": "2027-01-01T00:00:00Z"}
    await nexgate.ask("PATCH", f"/v1/keys/{first['key']['key_id']}", narrow)
    shown = (await nexgate.ask("GET", f"/v1/keys/{last['key']['key_id']}")).json()
    assert {name: shown[name] for name in narrow} == narrow


async def test_a_default_bounds_a_key_that_another_has_made(nexgate: AppUnderTest) -> None:
    made = await nexgate.create(can_manage_keys=True)
    path, key = f"/v1/keys/{made['key']['key_id']}", made["full_key"]
    assert refusal(await nexgate.ask("PATCH", path, {"rpm_limit": 61}, key=key)) == FORBIDDEN
    assert refusal(await nexgate.ask("POST", "/v1/keys", {"name": "wider", "rpm_limit": 61}, key=key)) == FORBIDDEN
    assert (await nexgate.ask("POST", "/v1/keys", {"name": "same", "rpm_limit": 60}, key=key)).status_code == 201
    assert (await nexgate.ask("PATCH", path, {"rpm_limit": 900})).json()["rpm_limit"] == 900
    unset = await nexgate.ask("POST", "/v1/keys", {"name": "unset", "rpm_limit": None}, key=key)
    assert unset.json()["key"]["rpm_limit"] is None


async def test_a_default_does_not_bound_the_owners_key(nexgate: AppUnderTest) -> None:
    answer = await nexgate.ask("PATCH", f"/v1/keys/{MANAGER_ID}", {"rpm_limit": 900})
    assert answer.json()["rpm_limit"] == 900


async def test_the_keys_of_one_that_manages_no_more_manage_none(nexgate: AppUnderTest) -> None:
    first, *others = await family(nexgate)
    await nexgate.ask("PATCH", f"/v1/keys/{first['key']['key_id']}", {"can_manage_keys": False})
    for made in others:
        path = f"/v1/keys/{made['key']['key_id']}"
        assert (await nexgate.ask("GET", path)).json()["can_manage_keys"] is False
        assert refusal(await nexgate.ask("POST", "/v1/keys", {"name": "one"}, key=made["full_key"])) == FORBIDDEN
        assert refusal(await nexgate.ask("PATCH", path, {"can_manage_keys": True})) == FORBIDDEN


async def test_a_key_that_was_wider_than_its_maker_before_can_be_changed(nexgate: AppUnderTest) -> None:
    maker, made, _ = await family(nexgate)
    path = f"/v1/keys/{made['key']['key_id']}"
    await nexgate.keys.change(ACCOUNT, maker["key"]["key_id"], {"can_manage_keys": False})
    await nexgate.keys.change(ACCOUNT, made["key"]["key_id"], {"rpm_limit": 31})
    assert (await nexgate.ask("PATCH", path, {"name": "new"})).json()["name"] == "new"
    assert refusal(await nexgate.ask("PATCH", path, {"rpm_limit": 32})) == FORBIDDEN
    assert (await nexgate.ask("DELETE", path)).status_code == 200


async def test_a_revocation_that_was_cut_off_is_completed_by_its_repeat(nexgate: AppUnderTest) -> None:
    first, *_, last = await family(nexgate)
    await nexgate.keys.change(ACCOUNT, first["key"]["key_id"], {"revoked": True})
    await nexgate.ask("DELETE", f"/v1/keys/{first['key']['key_id']}")
    assert (await nexgate.ask("GET", "/v1/keys", key=last["full_key"])).status_code == 401


async def test_an_owner_may_keep_the_keys_that_a_revoked_key_has_made(nexgate: AppUnderTest) -> None:
    first, second, last = await family(nexgate)
    await nexgate.ask("POST", f"/v1/keys/{first['key']['key_id']}/revoke?keep_made=true")
    shown = (await nexgate.ask("GET", f"/v1/keys/{second['key']['key_id']}")).json()
    assert (shown["revoked"], shown["parent_key_id"]) == (False, MANAGER_ID)
    assert (await nexgate.ask("GET", "/v1/keys", key=last["full_key"])).status_code == 200


async def test_a_key_that_another_has_made_keeps_none(nexgate: AppUnderTest) -> None:
    first, second, _ = await family(nexgate)
    path = f"/v1/keys/{second['key']['key_id']}?keep_made=true"
    assert refusal(await nexgate.ask("DELETE", path, key=first["full_key"])) == FORBIDDEN


async def test_a_key_does_not_take_the_last_managing_key_along(nexgate: AppUnderTest) -> None:
    await nexgate.create(can_manage_keys=True)
    answer = await nexgate.ask("DELETE", f"/v1/keys/{MANAGER_ID}")
    assert refusal(answer) == (409, "last_managing_key", None)
    assert (await nexgate.ask("GET", "/v1/keys", key=MANAGER_KEY)).status_code == 200


async def test_a_key_whose_maker_changed_meanwhile_is_not_made(nexgate: AppUnderTest) -> None:
    maker = await bounded(nexgate)
    stale = await nexgate.keys.get(ACCOUNT, maker["key"]["key_id"])
    await nexgate.keys.change(ACCOUNT, maker["key"]["key_id"], {"tpm_limit": 7})
    record = KeyRecord("key_late", ACCOUNT, "late", "late", 0)
    with pytest.raises(Exception, match="changed meanwhile"):
        await nexgate.keys.add(key_hash("late"), record, made_by=stale)


@pytest.mark.parametrize("expires_at", ["9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59Z", "2500-01-01T00:00:00Z"])
async def test_an_expiry_is_a_date_that_can_be_shown(nexgate: AppUnderTest, expires_at: str) -> None:
    answer = await nexgate.ask("POST", "/v1/keys", {"name": "far", "expires_at": expires_at})
    assert refusal(answer) == (400, "invalid_value", "expires_at")


async def test_a_stored_expiry_beyond_all_dates_does_not_break_the_list(nexgate: AppUnderTest) -> None:
    made = await nexgate.create()
    await nexgate.keys.change(ACCOUNT, made["key"]["key_id"], {"expires_at_s": 253_402_387_139})
    answer = await nexgate.ask("GET", "/v1/keys")
    assert "9999-12-31T23:59:59Z" in [key["expires_at"] for key in answer.json()["data"]]


def record(**settings: Any) -> KeyRecord:
    """Builds a key with these settings."""
    return KeyRecord("key_a", ACCOUNT, "a", "aaaa", 0, **settings)


MADE = record(parent_key_id="key_b")


@pytest.mark.parametrize(
    ("key", "maker", "changes"),
    [
        (record(), record(allowed_models=("gpt-*",)), {"allowed_models": ("gpt-*",)}),
        (record(allowed_models=("*",)), record(allowed_models=("gpt-4o",)), {"allowed_models": ("gpt-4o",)}),
        (record(allowed_models=("o1", "gpt-4o")), record(allowed_models=("o1",)), {"allowed_models": ("o1",)}),
        (record(allowed_models=("o1",)), record(allowed_models=("o3",)), {"disabled": True}),
        (record(allowed_ips=("10.0.0.0/8",)), record(allowed_ips=("10.1.0.0/16",)), {"allowed_ips": ("10.1.0.0/16",)}),
        (record(), record(region_policy="cn-only"), {"region_policy": "cn-only"}),
        (record(region_policy="overseas-only"), record(region_policy="cn-only"), {"disabled": True}),
        (record(tpm_limit=9), record(tpm_limit=5), {"tpm_limit": 5}),
        (record(tpm_limit=9), record(revoked=True, tpm_limit=5), {"revoked": True}),
        (record(tpm_limit=5), record(tpm_limit=9), {}),
        (record(rpm_limit=999), MADE, {"rpm_limit": 60}),
        (record(rpm_limit=999), record(), {}),
        (record(), record(rpm_limit=30), {"rpm_limit": 30}),
        (record(), record(rpm_limit=900), {}),
        (record(can_manage_keys=True), record(), {"can_manage_keys": False}),
    ],
)
def test_a_key_is_brought_within_its_maker(key: KeyRecord, maker: KeyRecord, changes: dict[str, object]) -> None:
    assert narrowed(key, maker) == changes
    if not {"disabled", "revoked"} & set(changes):
        assert wider_setting(record(**changes) if changes else key, maker) is None
