"""Tests how a browser gets in: the cookie, forms of other sites, the session's tokens, and where a sign-in leads."""

import re

import pytest
from msgspec.structs import replace

from gateway.console.state import BYTES_MAX, State
from tests.console.harness import FORM, HOST, SIGNED_IN, Browser, cookie_of
from tests.control_plane.harness import CALLER_IP, NOW_S

pytestmark = pytest.mark.anyio

STRANGER = State(form=FORM)
LOGIN = {"email": "jane@example.com", "password": " with spaces "}
EXPIRED = (401, {"error": {"message": "The session's token is over.", "code": "expired_session"}})


async def test_a_sign_in_keeps_the_session_where_no_script_and_no_other_site_can_use_it() -> None:
    browser = Browser(STRANGER)
    shown = await browser.post("/console/sign-in", {**LOGIN, "next": "/keys"})
    assert (shown.status, shown.headers["location"]) == (303, "/prod/console/keys")
    assert cookie_of(shown) == "__Host-nexgate; Path=/; Max-Age=2592000; HttpOnly; Secure; SameSite=Strict"
    assert (shown.state.access, shown.state.refresh) == ("nxa_2", "nxr_2")
    # A form token that was planted before the sign-in is worth nothing after it.
    assert shown.state.form != FORM
    assert browser.api.sent("/v1/auth/login") == LOGIN


async def test_a_form_without_a_password_is_left_for_the_api_to_refuse() -> None:
    browser = Browser(STRANGER)
    refusal = {"message": "Give a password.", "code": "invalid_value"}
    browser.api.script["POST /v1/auth/login"] = (400, {"error": refusal})
    shown = await browser.post("/console/sign-in", {"email": LOGIN["email"]})
    assert (shown.status, browser.api.sent("/v1/auth/login")) == (400, {"email": LOGIN["email"], "password": ""})


async def test_the_api_is_asked_from_the_visitors_address_and_for_its_organization() -> None:
    browser = Browser(replace(SIGNED_IN, org="org_1"))
    await browser.get("/console/keys", user_agent="Firefox")
    family, event = browser.api.asked[0]
    assert (family, event["requestContext"]["identity"]["sourceIp"]) == ("keys", CALLER_IP)
    assert event["multiValueHeaders"]["authorization"] == ["Bearer nxa_1"]
    assert event["multiValueHeaders"]["x-nexevo-organization"] == ["org_1"]
    assert event["multiValueHeaders"]["user-agent"] == ["Firefox"]
    assert event["requestContext"]["path"] == "/prod/v1/keys"


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "none"},
        {"sec_fetch_site": "", "origin": "https://evil.test"},
        {"sec_fetch_site": "", "origin": "null"},
        {"sec_fetch_site": ""},
    ],
)
async def test_a_form_that_another_site_sends_is_refused(headers: dict[str, str]) -> None:
    browser = Browser()
    shown = await browser.post("/console/keys/new", {"name": "a"}, **headers)
    assert (shown.status, "form_refused" in shown.text, browser.api.asked) == (403, True, [])


async def test_a_form_needs_the_token_of_its_own_visitor() -> None:
    browser = Browser()
    for token in ("", "another", FORM + "x"):
        assert (await browser.post("/console/keys/new", {"name": "a", "form": token})).status == 403
    assert browser.api.asked == []


async def test_a_form_of_an_older_browser_is_told_by_its_origin() -> None:
    shown = await Browser().post("/console/keys/new", {"name": "a"}, sec_fetch_site="", origin=f"https://{HOST}")
    assert shown.status == 200


@pytest.mark.parametrize("onward", ["//evil.test", "https://evil.test", "/\\evil.test", "evil", "/模型"])
async def test_a_sign_in_leads_to_no_other_site_and_to_no_path_that_a_header_cannot_carry(onward: str) -> None:
    shown = await Browser(STRANGER).post("/console/sign-in", {**LOGIN, "next": onward})
    assert shown.headers["location"] == "/prod/console"


async def test_a_second_factor_is_asked_for_once_the_password_was_right() -> None:
    browser = Browser(STRANGER)
    browser.api.script["POST /v1/auth/login"] = (401, {"error": {"message": "x", "code": "two_factor_required"}})
    assert 'name="code"' not in (await browser.get("/console/sign-in")).text
    shown = await browser.post("/console/sign-in", LOGIN)
    assert 'name="code"' in shown.text
    assert LOGIN["password"] not in shown.text
    await browser.post("/console/sign-in", {**LOGIN, "code": "123 456"})
    assert browser.api.sent("/v1/auth/login")["code"] == "123456"


async def test_pages_that_meet_an_expired_token_at_once_send_one_refresh_key() -> None:
    browser = Browser()
    browser.api.script["GET /v1/keys"] = [EXPIRED, browser.api.script["GET /v1/keys"]] * 2
    # Both bring the cookie of before, as two tabs do.
    shown = [await browser.get("/console/keys") for _ in range(2)]
    assert {(one.status, one.state.refresh) for one in shown} == {(200, "nxr_3")}
    refreshes = [event for _, event in browser.api.asked if event["path"] == "/v1/auth/refresh"]
    assert len({event["multiValueHeaders"]["idempotency-key"][0] for event in refreshes}) == 1
    # The tokens name the session, so the key is none of them.
    assert "nxr_1" not in refreshes[0]["multiValueHeaders"]["idempotency-key"][0]


async def test_a_file_is_given_to_a_session_whose_token_was_over() -> None:
    browser = Browser()
    browser.api.script["GET /v1/auth/export"] = [EXPIRED, browser.api.script["GET /v1/auth/export"]]
    shown = await browser.get("/console/account/export.json")
    assert (shown.status, "jane@example.com" in shown.text, shown.state.access) == (200, True, "nxa_3")


async def test_a_session_that_has_ended_leads_to_the_sign_in_and_is_forgotten() -> None:
    browser = Browser()
    browser.api.script |= {"GET /v1/keys": EXPIRED, "POST /v1/auth/refresh": (401, {})}
    shown = await browser.get("/console/keys")
    assert (shown.status, shown.headers["location"]) == (303, "/prod/console/sign-in?next=%2Fkeys")
    assert (shown.state.access, shown.state.refresh, shown.state.key) == ("", "", "")


async def test_a_visit_that_another_site_led_to_is_made_again_and_leaves_the_visitors_cookie() -> None:
    browser = Browser(None)
    for path in ("billing?topup=done", "verify-email?a=x", "accept-invitation?a=b"):
        shown = await browser.get(f"/console/{path}", sec_fetch_site="cross-site")
        assert (shown.status, "set-cookie" in shown.headers) == (200, False)
        (onward,) = re.findall(r'data-onward="/prod([^"]+)"', shown.text)
        assert onward == f"/console/{path}&amp;here=1"
        assert "script-src 'self'" in shown.headers["content-security-policy"]
    # A visitor who has no cookie at all is not sent on and on.
    again = await browser.get("/console/billing?topup=done&here=1", sec_fetch_site="cross-site")
    assert again.status == 303
    # One that brings its cookie needs no second visit.
    assert "data-onward" not in (await Browser().get("/console/keys", sec_fetch_site="cross-site")).text


async def test_a_sign_out_ends_the_session_and_the_consoles_key() -> None:
    browser = Browser()
    shown = await browser.post("/console/sign-out", {})
    asked = [f"{event['httpMethod']} {event['path']}" for _, event in browser.api.asked]
    assert asked == ["DELETE /v1/keys/key_1", "POST /v1/auth/logout"]
    assert (shown.state.signed_in, shown.state.key) == (False, "")


async def test_the_consoles_key_is_made_once_and_ends_by_itself() -> None:
    browser = Browser(replace(SIGNED_IN, key="", key_id="", key_until_s=0))
    shown = await browser.get("/console/models")
    assert browser.api.sent("/v1/keys")["expires_at"] > "2"
    assert shown.state.key == "sk-xc-secret"
    assert NOW_S + 11 * 3600 < shown.state.key_until_s <= NOW_S + 12 * 3600
    browser.state = shown.state
    await browser.get("/console/models")
    assert len([event for _, event in browser.api.asked if event["httpMethod"] == "POST"]) == 1


async def test_a_person_begins_for_the_organization_of_its_profile() -> None:
    browser = Browser(STRANGER)
    status, me = browser.api.script["GET /v1/auth/me"]
    browser.api.script["GET /v1/auth/me"] = (status, {**me, "default_organization": "org_1"})
    shown = await browser.post("/console/sign-in", LOGIN)
    assert (shown.state.org, shown.state.org_name) == ("org_1", "Acme")


async def test_an_end_of_the_account_forgets_the_session() -> None:
    browser = Browser()
    shown = await browser.post("/console/account/deactivate", {"password": "p", "code": "1 2"})
    assert browser.api.sent("/v1/auth/deactivate") == {"password": "p", "code": "12"}
    assert not shown.state.signed_in


async def test_another_organization_is_not_asked_with_the_last_ones_key() -> None:
    shown = await Browser().post("/console/organizations/switch", {"org": "org_1"})
    assert (shown.state.org, shown.state.key, shown.state.key_until_s) == ("org_1", "", 0)


@pytest.mark.parametrize("cookie", ["", "x", "{}", "eyJmb3JtIjoxfQ", "W10", "é", "a" * 5000])
async def test_a_cookie_that_cannot_be_read_is_that_of_a_stranger(cookie: str) -> None:
    browser = Browser(None)
    shown = await browser.get("/console/keys", cookie=f"other=1; __Host-nexgate={cookie}")
    assert shown.status == 303


async def test_the_cookie_is_one_that_browsers_take() -> None:
    token = "x" * 150
    full = State(access=token, refresh=token, org="o" * 40, registration=token, key=token, key_id="k" * 40)
    assert len(full.written().partition(";")[0]) < BYTES_MAX


async def test_an_address_that_was_confirmed_need_not_be_typed_again() -> None:
    browser = Browser(STRANGER)
    confirmed = await browser.post("/console/verify-email", {"token": "t"})
    browser.state = confirmed.state
    shown = await browser.get("/console/sign-in?said=verified")
    assert 'name="email" type="email" value="jane@example.com"' in shown.text
    assert (await browser.post("/console/sign-in", LOGIN)).state.email == ""
