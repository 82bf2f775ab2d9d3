"""Tests the console as an attacker meets it: names that are markup, forms of other sites, secrets that pages keep."""

import re
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.console.pages import PAGES
from gateway.console.state import State
from tests.console.harness import FORM, SIGNED_IN, Browser
from tests.console.samples import KEY, SAMPLES

pytestmark = pytest.mark.anyio

IN_ORGANIZATION = replace(SIGNED_IN, org="org_1", org_name="<img src=x onerror=alert(1)>")
MARKUP = """"'><img src=x onerror=alert(1)>"""
# Members that pages decide by, and what they reckon with.
DECIDING = {"kind", "status", "role", "outcome", "tier", "object", "next_cursor"}
RECKONED = re.compile(r"-?[0-9.]+|20[0-9]{2}-.*")
TO_READ = [page for page in PAGES if page.method == "GET"]
TO_SEND = [page for page in PAGES if page.method == "POST"]
# What a page shows once, or hands to no one.
SECRETS = (SIGNED_IN.key, SIGNED_IN.access, SIGNED_IN.refresh, "sk-xc-secret")


def path_of(path: str) -> str:
    return "/console" + re.sub(r"{\w+_id}", lambda id_: {"{key_id}": "key_2"}.get(id_[0], "job_1"), path.rstrip("/"))


def hostile(value: Any, name: str = "") -> Any:
    """Makes every text of an answer markup, but for those that pages decide by."""
    if isinstance(value, dict):
        return {key: hostile(each, key) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(hostile(each, name) for each in value)
    is_free = isinstance(value, str) and name not in DECIDING and not RECKONED.fullmatch(value)
    return MARKUP if is_free else value


@pytest.mark.parametrize("page", TO_READ, ids=lambda page: page.path)
async def test_no_text_of_an_answer_or_of_a_query_becomes_markup(page: Any) -> None:
    browser = Browser(IN_ORGANIZATION)
    browser.api.script = {path: hostile(answer) for path, answer in SAMPLES.items()}
    names = ("q", "kind", "provider", "model", "next", "said", "topup", "action", "cursor", "days", "by", "invitation")
    query = "&".join(f"{name}=<img src=x>" for name in names).replace("img src=", "img src%3D")
    shown = await browser.get(f"{path_of(page.path)}?{query}")
    assert shown.status == 200
    if shown.headers["content-type"].startswith("text/html"):
        assert "<img src=x" not in shown.text
        assert "<img src%3D" not in shown.text
        assert not re.search(r'(?:href|src|action)="(?!/prod|https?://|#|otpauth:|\?)', shown.text)


async def test_what_was_typed_into_a_refused_form_is_shown_as_text() -> None:
    refusal = {"message": MARKUP, "code": MARKUP, "param": MARKUP}
    for page in TO_SEND:
        browser = Browser(IN_ORGANIZATION)
        refused = {path: (400, {"error": refusal}) for path in SAMPLES if not path.startswith("GET ")}
        browser.api.script |= refused
        fields = ("name", "email", "full_name", "prompt", "model", "amount_usd", "next", "token", "allowed_models")
        shown = await browser.post(path_of(page.path), dict.fromkeys(fields, MARKUP))
        assert "<img src=x" not in shown.text, page.path


@pytest.mark.parametrize("page", TO_SEND, ids=lambda page: page.path)
async def test_no_form_counts_that_another_site_sends_or_that_lacks_its_token(page: Any) -> None:
    browser = Browser(IN_ORGANIZATION)
    for headers in ({"sec_fetch_site": "cross-site"}, {"sec_fetch_site": "", "origin": "https://evil.test"}):
        assert (await browser.post(path_of(page.path), {}, **headers)).status == 403
    assert (await browser.post(path_of(page.path), {"form": "another"})).status == 403
    assert browser.api.asked == []


@pytest.mark.parametrize("page", TO_READ, ids=lambda page: page.path)
async def test_a_page_has_its_token_in_each_form_and_no_secret_of_the_session(page: Any) -> None:
    browser = Browser(IN_ORGANIZATION)
    text = (await browser.get(path_of(page.path))).text
    for form in re.findall(r'<form method="post".*?</form>', text, re.DOTALL):
        assert f'name="form" value="{FORM}"' in form
    assert not [secret for secret in SECRETS if secret in text]


async def test_a_key_is_in_the_answer_to_its_own_form_alone() -> None:
    browser = Browser()
    made = await browser.post("/console/keys/new", {"name": "a"})
    assert ("sk-xc-secret" in made.text, made.headers["cache-control"]) == (True, "no-store")
    for path in ("/console/keys", f"/console/keys/{KEY['key_id']}", "/console/audit"):
        assert "sk-xc-secret" not in (await browser.get(path)).text


@pytest.mark.parametrize("onward", ["/\tevil", "/\r\nSet-Cookie: a=b", "/\x00", "javascript:alert(1)", "//evil.test/"])
async def test_a_form_leads_to_no_address_with_something_hidden_in_it(onward: str) -> None:
    shown = await Browser(State(form=FORM)).post("/console/language", {"next": onward})
    assert (shown.status, shown.headers["location"]) == (303, "/prod/console")


async def test_a_session_is_not_taken_over_from_the_browser_that_signs_in() -> None:
    planted = State(
        access="nxa_evil", refresh="nxr_evil", org="org_evil", key="sk-evil", form=FORM, key_until_s=1 << 40
    )
    shown = await Browser(planted).post("/console/sign-in", {"email": "a@b.test", "password": "p"})
    state = shown.state
    assert (state.access, state.refresh, state.org, state.key) == ("nxa_2", "nxr_2", "", "")
    assert state.form != FORM
