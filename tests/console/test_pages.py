"""Tests every page: with content and without, where the API refuses, in both languages, under its policy."""

import re
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from gateway.catalog.listing import OPENAI
from gateway.catalog.listing import listed as listed_models
from gateway.console.pages import PAGES
from gateway.console.render import SAID, TOPUP_SAID
from gateway.errors import ServiceUnavailable
from gateway.wiring.models import CATALOG, OTHERS
from tests.console.harness import SIGNED_IN, Browser, Shown
from tests.console.samples import EMPTY, ENTRY, JOB, KEY, listed

pytestmark = pytest.mark.anyio

IN_ORGANIZATION = replace(SIGNED_IN, org="org_1")
GIVEN = {"{key_id}": "key_2", "{job_id}": "job_1"}
# Each page with a list of its own; the others are forms.
HAVE_AN_EMPTY_STATE = {
    *("/keys", "/usage", "/requests", "/jobs", "/webhooks", "/audit", "/models", "/playground", "/organizations"),
    *("/billing", "/members", "/operator"),
}
TO_READ = [page for page in PAGES if page.method == "GET"]
# What no page may have under a policy that allows no inline code: https://www.w3.org/TR/CSP3/#directive-script-src
INLINE = re.compile(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|javascript:")
OTHER_HOSTS = re.compile(r'(?:src|href|action)="(?:https?:)?//(?!media\.test|pay\.test)')


def path_of(path: str) -> str:
    for name, value in GIVEN.items():
        path = path.replace(name, value)
    return f"/console{path if path != '/' else ''}"


def is_page(shown: Shown) -> bool:
    return shown.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("page", TO_READ, ids=lambda page: page.path)
@pytest.mark.parametrize("empty", [False, True])
async def test_a_page_is_whole_in_both_languages(page: Any, empty: bool) -> None:
    browser = Browser(IN_ORGANIZATION)
    browser.api.script |= EMPTY if empty else {}
    for language, lang in (("en", "en"), ("zh-CN", "zh-CN")):
        shown = await browser.get(path_of(page.path), accept_language=language)
        assert shown.status == 200, shown.text
        if is_page(shown):
            assert f'<html lang="{lang}">' in shown.text
            assert shown.text.count("<h1>") == 1
            assert not INLINE.search(shown.text)
            assert not OTHER_HOSTS.search(shown.text)
            assert 'id="busy" class="busy" role="status" hidden' in shown.text
            assert not empty or page.path not in HAVE_AN_EMPTY_STATE or 'class="empty"' in shown.text
            assert "<b>prod" not in shown.text
        assert shown.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("page", [page for page in TO_READ if not page.for_strangers], ids=lambda page: page.path)
async def test_a_page_tells_of_an_api_that_refuses_and_of_one_that_is_down(page: Any) -> None:
    refused = (403, {"error": {"message": "Your role forbids it.", "code": "insufficient_role", "param": None}})
    for answer, status in ((refused, 403), ((0, ServiceUnavailable("Try again.")), 503), ((0, KeyError("x")), 500)):
        browser = Browser(IN_ORGANIZATION)
        browser.api.script = dict.fromkeys(browser.api.script, answer)
        shown = await browser.get(path_of(page.path))
        if browser.api.asked:
            assert (shown.status, 'role="alert"' in shown.text) == (status, True)
            assert "r-1" in shown.text
            chinese = await browser.get(path_of(page.path), accept_language="zh")
            told = {403: "您的角色无权执行此操作。", 503: "服务暂时繁忙，请稍后重试。", 500: "网关内部错误，请重试。"}
            assert (told[status] in chinese.text, "操作未成功。" in chinese.text, "r-1" in chinese.text) == (True,) * 3


@pytest.mark.parametrize("page", [page for page in TO_READ if not page.for_strangers], ids=lambda page: page.path)
async def test_a_page_is_not_shown_to_strangers(page: Any) -> None:
    browser = Browser(None)
    shown = await browser.get(path_of(page.path))
    assert shown.status == 303
    assert shown.headers["location"].startswith("/prod/console/sign-in")
    assert browser.api.asked == []


async def test_a_developer_of_an_organization_has_a_first_page_without_its_money() -> None:
    browser = Browser(IN_ORGANIZATION)
    refusal = {"message": "Your role does not allow this.", "code": "not_permitted"}
    browser.api.script |= {f"GET /v1/billing/{part}": (403, {"error": refusal}) for part in ("balance", "usage")}
    shown = await browser.get("/console")
    assert (shown.status, "Create an API key" in shown.text, '/console/billing">Top' in shown.text) == (
        200,
        True,
        False,
    )


@pytest.mark.parametrize(
    ("changes", "is_done"),
    [({}, True), ({"revoked": True}, False), ({"name": "Console", "expires_at": "2030-01-01T00:00:00Z"}, False)],
)
async def test_the_step_of_a_first_key_is_done_by_a_key_of_the_persons_own(changes: Any, is_done: bool) -> None:
    browser = Browser()
    browser.api.script |= {**EMPTY, "GET /v1/keys": listed({**KEY, **changes})}
    assert ("✓" in (await browser.get("/console")).text) == is_done


async def test_a_change_is_told_as_people_write_it() -> None:
    text = (await Browser().get("/console/audit")).text
    assert "disabled: false → true" in text
    assert "allowed_models: - → gpt-4o, o3" in text


async def test_a_request_is_shown_with_each_try_and_the_name_of_its_key() -> None:
    browser = Browser()
    browser.api.script["GET /v1/keys"] = listed({**KEY, "name": "the key of tests"})
    text = (await browser.get("/console/requests")).text
    tries = re.findall(r"<li[^>]*>([^<]+)</li>", text.partition("<tbody>")[2])
    assert tries[:2] == ["openai: 503 upstream_overloaded", "azure: served"]
    assert "the key of tests" in text
    assert "trace-1" in text


async def test_a_request_that_failed_is_shown_with_each_try_and_why() -> None:
    browser = Browser()
    names = ("openai", "azure")
    tries = [{"model": "gpt-4o", "provider": name, "outcome": "503 upstream_overloaded"} for name in names]
    failed = {**ENTRY, "kind": "release", "amount_usd": "0", "usage": None, "models_tried": tries}
    swept = {**ENTRY, "kind": "release", "request_id": None, "models_tried": [], "model_requested": None}
    browser.api.script["GET /v1/billing/transactions"] = listed(failed, swept)
    first, second = (await browser.get("/console/requests")).text.partition("<tbody>")[2].split("</tr>")[:2]
    assert ">failed</strong> gpt-4o" in first
    assert re.findall(r"<li[^>]*>([^<]+)</li>", first) == [f"{name}: 503 upstream_overloaded" for name in names]
    assert "trace-1" in first
    assert ("release" in second, "failed" in second) == (True, False)


async def test_the_policy_allows_scripts_of_this_site_alone_and_no_frame() -> None:
    shown = await Browser().get("/console/keys")
    policy = dict(part.strip().split(" ", 1) for part in shown.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == policy["form-action"] == "'self'"


async def test_the_media_of_a_job_may_be_shown_on_its_page_alone() -> None:
    browser = Browser()
    assert "https://media.test" in (await browser.get("/console/jobs/job_1")).headers["content-security-policy"]
    assert "https://media.test" not in (await browser.get("/console/jobs")).headers["content-security-policy"]
    evil = {**JOB, "results": [{"url": "https://a; script-src *", "mime_type": "video/mp4"}]}
    browser.api.script["GET /v1/generation/jobs/job_1"] = (200, evil)
    assert "script-src *" not in (await browser.get("/console/jobs/job_1")).headers["content-security-policy"]


async def test_an_asset_is_kept_for_ever_under_a_name_that_has_its_hash() -> None:
    browser = Browser()
    (address,) = re.findall(
        r'href="/prod(/console/assets/style\.[0-9a-f]{16}\.css)"', (await browser.get("/console")).text
    )
    shown = await browser.get(address)
    assert (shown.status, "immutable" in shown.headers["cache-control"]) == (200, True)
    assert "set-cookie" not in shown.headers
    # A page of another version asks for another hash.
    other = await browser.get(re.sub("[0-9a-f]{16}", "0" * 16, address))
    assert (other.text, other.headers["cache-control"]) == (shown.text, "no-store")
    assert (await browser.get(address.replace("style", "none"))).status == 404


@pytest.mark.parametrize("path", ["/nowhere", "/%E4%BD%A0", "/keys/a%2Fb", "/assets"])
async def test_an_address_that_leads_nowhere_is_a_page_that_leads_back(path: str) -> None:
    for state in (SIGNED_IN, None):
        shown = await Browser(state).get(f"/console{path}")
        assert (shown.status, is_page(shown)) == (404, True)
        assert 'class="button" href="/prod/console"' in shown.text
        assert re.search(r'href="/prod/console/assets/style\.\w+\.css"', shown.text)


class Words(dict[str, str]):
    """Chinese by English, which notes what it lacks."""

    lacking: set[str]
    said: set[str]

    def get(self, english: str, default: Any = None) -> Any:
        (self.said if english in self else self.lacking).add(english)
        return super().get(english, default)


# Forms whose answer is a page, and what the API refuses one with.
FORMS: dict[str, dict[str, str]] = {
    "keys/new": {"name": "a"},
    "keys/key_2/rotate": {},
    "billing/checkout": {"amount_usd": "20"},
    "account/2fa/setup": {"password": "p"},
    "account/2fa/enable": {"code": "123456"},
    "nowhere": {},
    "language?said=left": {},
}
REFUSAL = (401, {"error": {"message": "Give a code.", "code": "two_factor_required"}})


def sold() -> list[dict[str, Any]]:
    """The rows of all models for sale, as the API lists them."""
    rows = [OPENAI.row(model) for model in listed_models(CATALOG.current, frozenset())]
    for kept, shown in OTHERS:
        rows += [shown(offer, kept.current, frozenset()) for offer in kept.current.offers()]
    return rows


async def say_all(words: Words, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has every page say what it can, in Chinese."""
    for empty in (False, True):
        for state in (IN_ORGANIZATION, SIGNED_IN, None):
            browser = Browser(state)
            monkeypatch.setitem(browser.app.renderer.__dict__, "_words", words)
            browser.api.script |= EMPTY if empty else {}
            for page in TO_READ:
                await browser.get(path_of(page.path), accept_language="zh")
    browser = Browser()
    browser.api.script["GET /v1/models"] = listed(*sold())
    await browser.get("/console/models", accept_language="zh")
    for path, form in FORMS.items():
        await browser.post(f"/console/{path}", form, accept_language="zh")
    stranger = Browser(None)
    await stranger.get("/console/keys", accept_language="zh", sec_fetch_site="cross-site")
    for said in SAID:
        await browser.get(f"/console/sign-in?said={said}", accept_language="zh")
    for paid in TOPUP_SAID:
        await browser.get(f"/console/billing?topup={paid}", accept_language="zh")
    await browser.get("/console/keys?all=1", accept_language="zh")
    for status in ("pending", "running", "canceled"):
        browser.api.script["GET /v1/generation/jobs/job_1"] = (200, {**JOB, "status": status})
        await browser.get("/console/jobs/job_1", accept_language="zh")
    for changes in ({"revoked": True}, {"disabled": True}, {"expires_at": "2020-01-01T00:00:00Z"}):
        browser.api.script["GET /v1/keys"] = listed({**KEY, **changes})
        await browser.get("/console/keys?all=1", accept_language="zh")
    browser.api.script["GET /v1/billing/receipts"] = (503, {"error": {"code": "payments_not_configured"}})
    await browser.get("/console/billing", accept_language="zh")
    _, deployment = browser.api.script["GET /operator"]
    for alarms in (None, {"total": 70, "not_ok": []}):
        browser.api.script["GET /operator"] = (200, {**deployment, "alarms": alarms})
        await browser.get("/console/operator", accept_language="zh")
    browser.api.script["GET /v1/audit"] = (0, KeyError("unforeseen"))
    await browser.get("/console/audit", accept_language="zh")
    browser.api.script["POST /v1/auth/login"] = REFUSAL
    await browser.post("/console/sign-in", {"password": "p"}, accept_language="zh")
    await browser.post("/console/sign-in", {"password": "p", "form": "old"}, accept_language="zh")


async def test_all_that_pages_say_has_its_chinese_and_all_chinese_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    words = Words(orjson.loads((Browser().app.folder / "words" / "zh.json").read_bytes()))
    words.lacking, words.said = set(), set()
    await say_all(words, monkeypatch)
    # What the API says is not the console's.
    assert words.lacking - {"The request was refused."} == set()
    assert words.keys() - words.said == set()
