"""Tests of `GET /v1/audit`: what it shows, of which account, and to whom."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gateway.audit.entries import KEPT_S, entry_of
from gateway.ports.audit import Actor
from gateway.ports.organizations import account_of
from tests.control_plane.harness import ACCOUNT, CALLER_IP, MANAGER_ID, MANAGER_KEY, NOW_S, OTHER_KEY
from tests.organizations.harness import Office
from tests.people.harness import House

pytestmark = pytest.mark.anyio


async def listed(house: House, query: str = "", key: str = MANAGER_KEY) -> dict[str, Any]:
    answer = await house.ask("GET", f"/v1/audit{query}", token=key)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def write(house: House, action: str, at_s: float = NOW_S) -> None:
    await house.nexgate.audit.write(entry_of(ACCOUNT, action, at_s, actor=Actor(operator="jane"), note="by mail"))


async def test_a_key_leaves_entries_of_what_was_done_to_it(house: House) -> None:
    made = (await house.nexgate.create(rpm_limit=5, allowed_ips=["192.0.2.0/24"]))["key"]["key_id"]
    await house.ask("PATCH", f"/v1/keys/{made}", {"rpm_limit": 7, "name": "Jane's"}, MANAGER_KEY)
    await house.ask("DELETE", f"/v1/keys/{made}", token=MANAGER_KEY)
    page = await listed(house)
    shared = {"object": "audit_entry", "outcome": "done", "user_id": None, "key_id": MANAGER_ID, "operator": None}
    shared |= {"source": CALLER_IP, "target": made, "note": None, "created_at": "2026-11-21T06:40:10Z"}
    created = {"rpm_limit": 5, "parent_key_id": MANAGER_ID, "allowed_ips": "changed", "region_policy": "any"}
    created["cache"] = "off"
    expected: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "key.created": ({}, created),
        "key.changed": ({"rpm_limit": 5}, {"rpm_limit": 7, "name": "changed"}),
        "key.revoked": ({"revoked": False}, {"revoked": True}),
    }
    assert {one["action"]: one for one in page["data"]} == {
        action: {**shared, "id": one["id"], "action": action, "before": before, "after": after}
        for (action, (before, after)), one in zip(expected.items(), sorted(page["data"], key=by_action), strict=True)
    }


def by_action(shown: dict[str, Any]) -> int:
    return ["key.created", "key.changed", "key.revoked"].index(shown["action"])


async def test_a_key_that_follows_another_says_so(house: House) -> None:
    first = await house.nexgate.create(can_manage_keys=True)
    child = await house.ask("POST", "/v1/keys", {"name": "child"}, first["full_key"])
    assert child.status_code == 201, child.text
    await house.ask("DELETE", f"/v1/keys/{first['key']['key_id']}", token=MANAGER_KEY)
    page = await listed(house, "?action=key.revoked")
    notes = {one["target"]: one["note"] for one in page["data"]}
    assert notes == {first["key"]["key_id"]: None, child.json()["key"]["key_id"]: first["key"]["key_id"]}


async def test_a_refused_change_leaves_no_entry(house: House) -> None:
    assert (await house.ask("DELETE", f"/v1/keys/{MANAGER_ID}", token=MANAGER_KEY)).status_code == 409
    assert (await listed(house))["data"] == []


async def test_entries_are_listed_from_the_newest_page_by_page(house: House) -> None:
    for number in range(5):
        await write(house, f"plan.{'abcde'[number]}", NOW_S - 10 + number)
    first = await listed(house, "?limit=2")
    second = await listed(house, f"?limit=2&cursor={first['next_cursor']}")
    third = await listed(house, f"?limit=2&cursor={second['next_cursor']}")
    shown = [one["action"] for page in (first, second, third) for one in page["data"]]
    assert shown == ["plan.e", "plan.d", "plan.c", "plan.b", "plan.a"]
    assert [page["has_more"] for page in (first, second, third)] == [True, True, False]


async def test_a_page_is_of_an_action_since_a_time_and_within_400_days(house: House) -> None:
    await write(house, "plan.old", NOW_S - KEPT_S - 1)
    await write(house, "plan.kept", NOW_S - KEPT_S + 10)
    await write(house, "plan.new", NOW_S - 60)
    await write(house, "role.new", NOW_S)
    shown = [one["action"] for one in (await listed(house, "?action=plan"))["data"]]
    assert shown == ["plan.new", "plan.kept"]
    since = [one["action"] for one in (await listed(house, "?since=2026-11-21T06:39:10Z"))["data"]]
    assert since == ["role.new", "plan.new"]
    assert (await listed(house, "?since=1900-01-01"))["data"][-1]["action"] == "plan.kept"


async def test_another_account_sees_nothing_of_it(house: House) -> None:
    await write(house, "plan.new")
    assert (await listed(house, key=OTHER_KEY))["data"] == []


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "action=KEY", "action=a.b.c", "since=yesterday", "cursor=%20"]
)
async def test_a_query_that_cannot_be_read_is_refused(house: House, query: str) -> None:
    answer = await house.ask("GET", f"/v1/audit?{query}", token=MANAGER_KEY)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, query.partition("=")[0])


async def test_an_organization_shows_its_log_to_owners_and_admins_alone() -> None:
    office = Office()
    await office.settle()
    header = {"X-Nexevo-Organization": office.org_id}

    async def asked(who: str) -> httpx.Response:
        return await office.house.ask("GET", "/v1/audit?action=member", token=office.token[who], **header)

    for who in ("owner", "admin"):
        joined = {one["user_id"] for one in (await asked(who)).json()["data"] if one["action"] == "member.joined"}
        assert joined == {office.user_id["admin"], office.user_id["developer"]}
    assert [(await asked(who)).status_code for who in ("developer", "stranger")] == [403, 404]
    own = await office.house.ask("GET", "/v1/audit?action=member", token=office.token["admin"])
    assert own.json()["data"] == []


async def test_a_removed_members_keys_are_told_as_revoked() -> None:
    office = Office()
    await office.settle()
    made = await office.key_of("developer")
    removed = await office.on("owner", "DELETE", f"/members/{office.user_id['developer']}")
    assert removed.status_code == 200, removed.text
    account_id = account_of(office.org_id)
    entries = {one.action: one for one in office.house.nexgate.audit.of(account_id)}
    assert entries["member.removed"].target == entries["key.revoked"].note == office.user_id["developer"]
    assert entries["key.revoked"].target == made["key"]["key_id"]
    assert entries["key.revoked"].actor.user_id == office.user_id["owner"]


async def test_strangers_and_plain_keys_are_refused(house: House) -> None:
    plain = (await house.nexgate.create())["full_key"]
    assert (await house.ask("GET", "/v1/audit", token=plain)).status_code == 403
    assert (await house.ask("GET", "/v1/audit")).status_code == 401
