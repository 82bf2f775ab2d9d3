"""Tests of /v1/keys: an account's keys, from their creation to their revocation."""

from __future__ import annotations

import pytest

from gateway.auth.principal import key_hash
from tests.control_plane.harness import (
    ACCOUNT,
    FULL_KEY,
    MANAGER_ID,
    MANAGER_KEY,
    NOW_S,
    OTHER_KEY,
    AppUnderTest,
    refusal,
)

pytestmark = pytest.mark.anyio

DEFAULTS: dict[str, object] = {
    "object": "key",
    "name": "made",
    "created_at": "2026-11-21T06:40:10Z",
    "expires_at": None,
    "disabled": False,
    "revoked": False,
    "can_manage_keys": False,
    "monthly_spend_cap_usd": None,
    "rpm_limit": None,
    "tpm_limit": None,
    "max_parallel": None,
    "user_rpm_limit": None,
    "parent_key_id": MANAGER_ID,
    "user_id": None,
    "org_id": None,
    "allowed_ips": [],
    "allowed_models": [],
    "region_policy": "any",
    "alert_webhook_url": None,
    "cache": "off",
    "cache_threshold": None,
}
SETTINGS = {
    "name": "prod-2026 ✓",
    "expires_at": "2030-01-31T00:00:00Z",
    "disabled": True,
    "can_manage_keys": True,
    "monthly_spend_cap_usd": "100.5",
    "rpm_limit": 5,
    "tpm_limit": 1000,
    "max_parallel": 3,
    "user_rpm_limit": 4,
    "allowed_ips": ["203.0.113.0/24", "2001:db8::/32"],
    "allowed_models": ["gpt-4o", "claude-*", "nexevo/fast"],
    "region_policy": "cn-only",
    "alert_webhook_url": "https://your-app.example/billing-alert",
    "cache": "semantic",
    "cache_threshold": 0.825,
}


async def test_a_new_key_is_shown_once_with_its_settings(nexgate: AppUnderTest) -> None:
    made = await nexgate.create()
    shown = made["key"]
    assert FULL_KEY.fullmatch(made["full_key"])
    assert shown == DEFAULTS | {"key_id": shown["key_id"], "last4": made["full_key"][-4:]}
    assert "full_key" not in (await nexgate.ask("GET", f"/v1/keys/{shown['key_id']}")).json()


async def test_a_new_key_is_found_by_its_hash(nexgate: AppUnderTest) -> None:
    made = await nexgate.create()
    record = await nexgate.keys.find(key_hash(made["full_key"]))
    assert record is not None
    assert (record.account_id, record.key_id) == (ACCOUNT, made["key"]["key_id"])


async def test_no_two_keys_are_alike(nexgate: AppUnderTest) -> None:
    made = [await nexgate.create() for _ in range(20)]
    assert len({one["full_key"] for one in made}) == len({one["key"]["key_id"] for one in made}) == 20


async def test_every_setting_can_be_given_at_creation(nexgate: AppUnderTest) -> None:
    made = await nexgate.create(**SETTINGS)
    assert {name: made["key"][name] for name in SETTINGS} == SETTINGS


async def test_every_setting_can_be_changed_later(nexgate: AppUnderTest) -> None:
    key_id = (await nexgate.create())["key"]["key_id"]
    answer = await nexgate.ask("PATCH", f"/v1/keys/{key_id}", SETTINGS)
    assert {name: answer.json()[name] for name in SETTINGS} == SETTINGS
    assert (await nexgate.ask("GET", f"/v1/keys/{key_id}")).json() == answer.json()


async def test_the_audit_log_tells_a_fraction_as_a_text(nexgate: AppUnderTest) -> None:
    key_id = (await nexgate.create(cache="semantic", cache_threshold=0.825))["key"]["key_id"]
    # Entries of one millisecond have no order.
    nexgate.clock.at_s += 1
    await nexgate.ask("PATCH", f"/v1/keys/{key_id}", {"cache_threshold": 0.9})
    made, changed = nexgate.audit.of(ACCOUNT)[-2:]
    assert made.after["cache_threshold"] == "0.825"
    assert (changed.before, changed.after) == ({"cache_threshold": "0.825"}, {"cache_threshold": "0.9"})


async def test_what_a_change_does_not_name_stays(nexgate: AppUnderTest) -> None:
    key_id = (await nexgate.create(**SETTINGS))["key"]["key_id"]
    answer = await nexgate.ask("PATCH", f"/v1/keys/{key_id}", {"rpm_limit": 7})
    assert {name: answer.json()[name] for name in SETTINGS} == SETTINGS | {"rpm_limit": 7}


@pytest.mark.parametrize(
    ("name", "cleared"),
    [
        ("monthly_spend_cap_usd", None),
        ("rpm_limit", None),
        ("tpm_limit", None),
        ("max_parallel", None),
        ("expires_at", None),
        ("alert_webhook_url", None),
        ("allowed_ips", []),
        ("allowed_models", []),
    ],
)
async def test_null_takes_a_limit_away(nexgate: AppUnderTest, name: str, cleared: object) -> None:
    key_id = (await nexgate.create(**SETTINGS))["key"]["key_id"]
    answer = await nexgate.ask("PATCH", f"/v1/keys/{key_id}", {name: None})
    assert answer.json()[name] == cleared


async def test_a_list_goes_from_the_newest_key_to_the_oldest_page_by_page(nexgate: AppUnderTest) -> None:
    names = []
    for number in range(5):
        nexgate.clock.at_s = NOW_S + number
        names.append((await nexgate.create(name=f"key {number}"))["key"]["name"])
    first = (await nexgate.ask("GET", "/v1/keys?limit=3")).json()
    second = (await nexgate.ask("GET", "/v1/keys", params={"limit": 3, "cursor": first["next_cursor"]})).json()
    shown = [key["name"] for page in (first, second) for key in page["data"]]
    assert sorted(shown) == sorted([*names, "first"])
    assert [name for name in shown if name != "first"] == names[::-1]
    assert (first["object"], first["has_more"], second["has_more"], second["next_cursor"]) == (
        "list",
        True,
        False,
        None,
    )


async def test_the_paths_answer_without_v1(nexgate: AppUnderTest) -> None:
    made = (await nexgate.ask("POST", "/keys", {"name": "short"})).json()
    answer = await nexgate.ask("PATCH", f"/keys/{made['key']['key_id']}/spend-cap", {"monthly_spend_cap_usd": "100"})
    assert answer.json()["monthly_spend_cap_usd"] == "100"


@pytest.mark.parametrize(("method", "suffix"), [("DELETE", ""), ("POST", "/revoke")])
async def test_a_revoked_key_stays_listed_and_is_refused(nexgate: AppUnderTest, method: str, suffix: str) -> None:
    made = await nexgate.create(can_manage_keys=True)
    answer = await nexgate.ask(method, f"/v1/keys/{made['key']['key_id']}{suffix}")
    assert answer.json() == made["key"] | {"revoked": True}
    assert refusal(await nexgate.ask("GET", "/v1/keys", key=made["full_key"])) == (401, "invalid_api_key", None)


async def test_a_key_is_revoked_twice_as_once(nexgate: AppUnderTest) -> None:
    key_id = (await nexgate.create())["key"]["key_id"]
    first = await nexgate.ask("DELETE", f"/v1/keys/{key_id}")
    assert (await nexgate.ask("DELETE", f"/v1/keys/{key_id}")).json() == first.json()


async def test_nothing_of_a_revoked_key_can_be_changed(nexgate: AppUnderTest) -> None:
    key_id = (await nexgate.create())["key"]["key_id"]
    await nexgate.ask("DELETE", f"/v1/keys/{key_id}")
    assert refusal(await nexgate.ask("PATCH", f"/v1/keys/{key_id}", {"name": "alive"})) == (409, "key_revoked", None)


async def test_a_spend_cap_is_set_and_cleared(nexgate: AppUnderTest) -> None:
    path = f"/v1/keys/{(await nexgate.create())['key']['key_id']}/spend-cap"
    capped = await nexgate.ask("PATCH", path, {"monthly_spend_cap_usd": "99.000000001"})
    cleared = await nexgate.ask("PATCH", path, {"clear": True})
    caps = [answer.json()["monthly_spend_cap_usd"] for answer in (capped, cleared)]
    assert caps == ["99.000000001", None]


@pytest.mark.parametrize(
    "body", [{}, {"clear": False}, {"monthly_spend_cap_usd": None}, {"monthly_spend_cap_usd": "1", "clear": True}]
)
async def test_a_spend_cap_is_either_given_or_cleared(nexgate: AppUnderTest, body: object) -> None:
    answer = await nexgate.ask("PATCH", f"/v1/keys/{MANAGER_ID}/spend-cap", body)
    assert refusal(answer) == (400, "invalid_value", None)


async def test_a_cap_counts_what_the_key_has_spent_this_month_already(nexgate: AppUnderTest) -> None:
    await nexgate.money.credit(ACCOUNT, 10**10, once="start", now_s=NOW_S)
    await nexgate.spend("3")
    answer = await nexgate.ask("PATCH", f"/v1/keys/{MANAGER_ID}/spend-cap", {"monthly_spend_cap_usd": "5"})
    assert answer.status_code == 200
    assert nexgate.money._accounts[ACCOUNT].key_spent == {MANAGER_ID: 3 * 10**9}


async def test_an_alert_webhook_is_set_and_cleared(nexgate: AppUnderTest) -> None:
    path = f"/v1/keys/{(await nexgate.create())['key']['key_id']}/alert-webhook"
    told = await nexgate.ask("PATCH", path, {"url": "https://your-app.com/billing-alert"})
    silent = await nexgate.ask("PATCH", path, {"url": None})
    urls = [answer.json()["alert_webhook_url"] for answer in (told, silent)]
    assert urls == ["https://your-app.com/billing-alert", None]


async def test_a_region_policy_is_set(nexgate: AppUnderTest) -> None:
    answer = await nexgate.ask("PATCH", f"/v1/keys/{MANAGER_ID}/region-policy", {"region_policy": "overseas-only"})
    assert answer.json()["region_policy"] == "overseas-only"


@pytest.mark.parametrize(
    ("method", "suffix", "body"),
    [
        ("GET", "", None),
        ("DELETE", "", None),
        ("PATCH", "", {"name": "mine"}),
        ("POST", "/revoke", None),
        ("PATCH", "/spend-cap", {"clear": True}),
        ("PATCH", "/alert-webhook", {"url": None}),
        ("PATCH", "/region-policy", {"region_policy": "any"}),
    ],
)
async def test_a_key_of_another_account_is_not_there(
    nexgate: AppUnderTest, method: str, suffix: str, body: dict[str, object] | None
) -> None:
    key_id = (await nexgate.create())["key"]["key_id"]
    answer = await nexgate.ask(method, f"/v1/keys/{key_id}{suffix}", body, key=OTHER_KEY)
    assert refusal(answer) == (404, "key_not_found", "key_id")


async def test_a_list_shows_no_key_of_another_account(nexgate: AppUnderTest) -> None:
    await nexgate.create()
    answer = await nexgate.ask("GET", "/v1/keys", key=OTHER_KEY)
    assert [key["name"] for key in answer.json()["data"]] == ["first"]


async def test_a_key_that_manages_no_keys_is_refused(nexgate: AppUnderTest) -> None:
    made = await nexgate.create()
    answer = await nexgate.ask("GET", "/v1/keys", key=made["full_key"])
    assert refusal(answer) == (403, "insufficient_role", None)


@pytest.mark.parametrize(
    ("method", "suffix", "body"),
    [
        ("DELETE", "", None),
        ("POST", "/revoke", None),
        ("PATCH", "", {"disabled": True}),
        ("PATCH", "", {"can_manage_keys": False}),
        ("PATCH", "", {"expires_at": "2030-01-01T00:00:00Z"}),
    ],
)
async def test_the_last_key_that_manages_an_account_goes_on_doing_so(
    nexgate: AppUnderTest, method: str, suffix: str, body: dict[str, object] | None
) -> None:
    # A second such key would expire by itself, and could not restore access.
    await nexgate.create(can_manage_keys=True, expires_at="2027-01-01T00:00:00Z")
    answer = await nexgate.ask(method, f"/v1/keys/{MANAGER_ID}{suffix}", body)
    assert refusal(answer) == (409, "last_managing_key", None)
    assert (await nexgate.ask("GET", f"/v1/keys/{MANAGER_ID}")).json()["revoked"] is False


async def test_a_managing_key_may_revoke_itself_where_another_one_stays(nexgate: AppUnderTest) -> None:
    await nexgate.create(can_manage_keys=True)
    kept = await nexgate.ask("DELETE", f"/v1/keys/{MANAGER_ID}?keep_made=true")
    assert kept.json()["revoked"] is True


@pytest.mark.parametrize(("others", "status"), [(1, 200), (0, 409)])
async def test_another_managing_key_is_looked_for_behind_any_number_of_keys(
    nexgate: AppUnderTest, others: int, status: int
) -> None:
    for _ in range(others):
        await nexgate.create(can_manage_keys=True)
    for _ in range(101):
        # No more than the key's window admits in a minute.
        nexgate.clock.at_s += 2
        await nexgate.create()
    assert (await nexgate.ask("DELETE", f"/v1/keys/{MANAGER_ID}?keep_made=true")).status_code == status


async def test_a_key_does_not_shut_out_the_address_it_is_used_from(nexgate: AppUnderTest) -> None:
    answer = await nexgate.ask("PATCH", f"/v1/keys/{MANAGER_ID}", {"allowed_ips": ["198.51.100.0/24"]})
    assert refusal(answer) == (409, "address_shut_out", None)


async def test_a_key_may_be_bound_to_the_address_it_is_used_from(nexgate: AppUnderTest) -> None:
    answer = await nexgate.ask("PATCH", f"/v1/keys/{MANAGER_ID}", {"allowed_ips": ["203.0.113.7"]})
    assert answer.json()["allowed_ips"] == ["203.0.113.7/32"]
    assert (await nexgate.ask("GET", "/v1/keys", key=MANAGER_KEY)).status_code == 200
