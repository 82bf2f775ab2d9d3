"""Tests that pages lead a member of an organization to what its role may see, and to nothing that is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from gateway.console.menu import MENU
from gateway.errors import ServiceUnavailable
from gateway.organizations.permissions import may, permission_for
from gateway.ports.organizations import Role
from tests.console.harness import SIGNED_IN, Api, Browser, Shown
from tests.console.samples import EMPTY, ORGANIZATION, listed

pytestmark = pytest.mark.anyio

OF_ACCOUNTS = ("keys", "billing", "webhooks", "audit")
AT = "GET /v1/organizations/org_1"


class JudgingApi(Api):
    """Refuses what a member of its role may not do, as the API does."""

    role: Role = "developer"

    async def ask(self, family: str, event: Mapping[str, Any]) -> Mapping[str, Any]:
        path, method = event["path"], event["httpMethod"]
        if path.split("/")[2] in OF_ACCOUNTS and not may(self.role, permission_for(method, path)):
            refusal = {"message": "Your role does not allow this.", "code": "insufficient_role"}
            return {"statusCode": 403, "body": orjson.dumps({"error": refusal}).decode()}
        return await super().ask(family, event)


def member(role: Role, known_as: str) -> Browser:
    """A browser of a member of that role, whose cookie has another one where that was changed since."""
    browser = Browser(replace(SIGNED_IN, org="org_1", role=known_as))
    browser.api = JudgingApi()
    browser.api.role = role
    browser.api.script |= {
        AT: (200, {"organization": {**ORGANIZATION, "role": role}}),
        "GET /v1/organizations": listed({**ORGANIZATION, "role": role}),
    }
    return browser


def links(shown: Shown) -> set[str]:
    """The pages that a page leads to."""
    found = re.findall(r'href="/prod/console((?:/[^"?]*)?)[^"]*"', shown.text)
    return {to for to in found if not to.startswith("/assets/")}


def in_menu(shown: Shown) -> set[str]:
    return set(re.findall(r'<li><a href="/prod/console([^"]*)"', shown.text.partition("</nav>")[0]))


@pytest.mark.parametrize("empty", [False, True])
@pytest.mark.parametrize("role", ["developer", "admin", "owner"])
async def test_no_page_leads_a_member_to_one_that_is_refused(role: Role, empty: bool) -> None:
    browser = member(role, role)
    browser.api.script |= EMPTY if empty else {}
    browser.api.script["GET /v1/organizations"] = listed({**ORGANIZATION, "role": role})
    seen: dict[str, int] = {}
    to_see = {""}
    while to_see:
        path = to_see.pop()
        shown = await browser.get(f"/console{path}")
        seen[path] = shown.status
        to_see |= {to for to in links(shown) if to not in seen and not re.search(r"job_|csv|json", to)}
    assert {path for path, _, _ in MENU if role != "developer"} <= seen.keys()
    assert {path: status for path, status in seen.items() if status != 200} == {}


@pytest.mark.parametrize("role", ["developer", "admin", "owner"])
async def test_the_menu_lacks_what_the_role_may_not_see_and_nothing_else(role: Role) -> None:
    browser = member(role, role)
    seen = {path for path, _, _ in MENU if (await browser.get(f"/console{path}")).status == 200}
    assert in_menu(await browser.get("/console/account")) == seen
    assert len(seen) == (7 if role == "developer" else len(MENU))


async def test_the_menu_of_the_person_itself_has_every_page() -> None:
    shown = await Browser(replace(SIGNED_IN, role="developer")).get("/console/account")
    assert in_menu(shown) == {path for path, _, _ in MENU}


async def test_a_refusal_shows_the_menu_of_the_role_that_was_changed() -> None:
    browser = member("developer", "admin")
    shown = await browser.get("/console/usage")
    assert (shown.status, "/usage" in in_menu(shown)) == (403, False)
    assert "insufficient_role" in shown.text
    assert shown.state.role == "developer"


@pytest.mark.parametrize(
    "answer", [(404, {"error": {"code": "organization_not_found"}}), (0, ServiceUnavailable("Try again."))]
)
async def test_a_refusal_is_shown_where_the_role_cannot_be_learned(answer: Any) -> None:
    browser = member("developer", "admin")
    browser.api.script[AT] = answer
    shown = await browser.get("/console/usage")
    assert (shown.status, "insufficient_role" in shown.text) == (403, True)


async def test_who_was_removed_from_the_organization_acts_for_itself_again() -> None:
    browser = Browser(replace(SIGNED_IN, org="org_1", org_name="Acme", role="developer"))
    gone = (404, {"error": {"code": "organization_not_found", "message": "There is no organization 'org_1'."}})
    browser.api.script |= {"GET /v1/billing/balance": gone, AT: gone, "DELETE /v1/keys/key_1": gone}
    shown = await browser.get("/console/billing")
    assert (shown.status, "organization_not_found" in shown.text) == (404, True)
    assert (shown.state.org, shown.state.org_name, shown.state.role, shown.state.key) == ("", "", "", "")


@pytest.mark.parametrize("path", ["/members", "/organizations"])
async def test_a_page_of_the_organization_shows_the_menu_of_a_role_that_was_changed(path: str) -> None:
    browser = member("admin", "developer")
    shown = await browser.get(f"/console{path}")
    assert "/usage" in in_menu(shown)
    assert shown.state.role == "admin"


async def test_acting_for_an_organization_brings_its_role_and_acting_for_oneself_none() -> None:
    browser = Browser()
    browser.api.script[AT] = (200, {"organization": {**ORGANIZATION, "role": "developer"}})
    browser.api.script["DELETE /v1/keys/key_1"] = (200, {})
    assert (await browser.post("/console/organizations/switch", {"org": "org_1"})).state.role == "developer"
    browser.state = replace(SIGNED_IN, org="org_1", role="developer")
    assert (await browser.post("/console/organizations/switch", {"org": ""})).state.role == ""
