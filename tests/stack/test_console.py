"""The console on the whole stack by plain HTTP: from a registration to a key, a video, money, an organization."""

import re
import secrets
from collections.abc import Iterator

import httpx
import pyotp
import pytest

from gateway.console.state import COOKIE
from tests.hangs import HANGS_AFTER_S, comes_true
from tests.stack.conftest import OPERATOR, Stack
from tests.stack.test_accounts import PASSWORD, mailed_token

HOSTILE = "<img src=x onerror=alert(1)>"
# What each page answers to a developer of an organization: its money and its log are for those who run it.
SEEN_BY_A_DEVELOPER = {
    **dict.fromkeys(("", "/playground", "/models", "/keys", "/keys/new", "/jobs", "/members"), 200),
    **dict.fromkeys(("/organizations", "/account"), 200),
    **dict.fromkeys(("/usage", "/requests", "/billing", "/webhooks", "/audit", "/operator"), 403),
}


class Browser:
    """Keeps the cookie and the form's token, as a browser does; httpx sends no `Secure` cookie over plain HTTP."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self._cookie = self._form = ""

    def open(self, path: str, expected: int = 200) -> str:
        """Returns a page, after its redirections."""
        return self._page(self.client.get(f"/console{path}", headers={"cookie": self._cookie}), expected)

    def status(self, path: str) -> int:
        """Returns the status of a page."""
        return self.client.get(f"/console{path}", headers={"cookie": self._cookie}).status_code

    def send(self, path: str, expected: int = 200, **form: str) -> str:
        """Sends a form; returns the page that it leads to."""
        headers = {"cookie": self._cookie, "sec-fetch-site": "same-origin"}
        answer = self.client.post(f"/console{path}", data={"form": self._form, **form}, headers=headers)
        return self._page(answer, expected)

    def _page(self, answer: httpx.Response, expected: int = 200) -> str:
        if COOKIE in answer.headers.get("set-cookie", ""):
            self._cookie = answer.headers["set-cookie"].partition(";")[0]
        if answer.status_code == 303:
            return self.open(answer.headers["location"].removeprefix("/console"))
        assert HOSTILE not in answer.text
        assert answer.status_code == expected, answer.text
        if token := re.search(r'name="form" value="([^"]+)"', answer.text):
            self._form = token[1]
        return answer.text


@pytest.fixture
def browser(stack: Stack) -> Iterator[Browser]:
    with httpx.Client(base_url=stack.root_url, timeout=HANGS_AFTER_S, trust_env=False) as client:
        yield Browser(client)


def test_a_person_goes_from_its_registration_to_a_key_a_video_and_an_organization(
    stack: Stack, browser: Browser
) -> None:
    email = f"jane-{secrets.token_hex(4)}@example.com"
    browser.open("/register")
    browser.send("/register", email=email, full_name="Jane", password=PASSWORD)
    browser.send("/verify-email", token=mailed_token(stack, email))
    assert "Your first answer" in browser.send("/sign-in", email=email, password=PASSWORD)
    made = browser.send("/keys/new", name="by a page", once=secrets.token_hex(8))
    (key,) = re.findall(r"<code>(sk-[^<]+)</code>", made)
    models = httpx.get(
        f"{stack.base_url}/models",
        headers={"Authorization": f"Bearer {key}"},
        timeout=HANGS_AFTER_S,
        trust_env=False,
    )
    assert models.status_code == 200
    account = re.findall(r"acc[a-z]*_\w+", browser.open("/account"))[0]
    stack.seen_by(account, key).credit("5")
    assert "gpt-4o" in browser.open("/models?q=gpt-4o")
    job = browser.send("/jobs", model="veo-3-fast", prompt="A horse.", once=secrets.token_hex(8))
    (job_id,) = set(re.findall(r"<p><code>(\w+)</code></p>", job))
    assert comes_true(lambda: "<video" in browser.open(f"/jobs/{job_id}"))
    assert comes_true(lambda: "veo-3-fast" in browser.open("/usage?by=model"))
    assert "by a page" in browser.open("/keys")
    assert "whsec_" in browser.open("/webhooks")
    assert "key.created" in browser.open("/audit")
    assert comes_true(lambda: ": served" in browser.open("/requests"))
    assert email in browser.send("/organizations", name="Acme")
    assert "5.00 USD" not in browser.open("/billing")
    assert "You are signed out." in browser.send("/sign-out")


def signed_in(stack: Stack, browser: Browser) -> str:
    """Registers a person in the browser and signs it in; returns its address."""
    email = f"jane-{secrets.token_hex(4)}@example.com"
    browser.open("/register")
    browser.send("/register", email=email, full_name="Jane", password=PASSWORD)
    browser.send("/verify-email", token=mailed_token(stack, email))
    browser.send("/sign-in", email=email, password=PASSWORD)
    return email


def test_a_developer_sees_its_own_work_and_changes_nothing_of_the_organization(stack: Stack, browser: Browser) -> None:
    owner = browser
    with httpx.Client(base_url=owner.client.base_url, timeout=HANGS_AFTER_S, trust_env=False) as client:
        developer = Browser(client)
        email = signed_in(stack, developer)
        signed_in(stack, owner)
        owner.send("/organizations", name="Acme")
        owner.send("/keys/new", name=HOSTILE, once=secrets.token_hex(8))
        owner.send("/members/invite", email=email)
        members = developer.send("/organizations/join", token=mailed_token(stack, email))
        assert "/members/invite" not in members
        seen = {path: developer.status(path) for path in SEEN_BY_A_DEVELOPER}
        assert seen == SEEN_BY_A_DEVELOPER
        menu = re.findall(r'<li><a href="/console([^"]*)"', developer.open("/account"))
        assert {path for path in menu if seen[path] != 200} == set()
        (owner_id, *_) = re.findall(r"/members/(user_\w+)/remove", owner.open("/members"))
        for path, form in (
            ("/members/invite", {"email": "x@example.com"}),
            (f"/members/{owner_id}", {"role": "developer"}),
            (f"/members/{owner_id}/remove", {}),
            ("/billing/checkout", {"amount_usd": "20", "once": "1"}),
            ("/billing/alerts", {"low_balance_usd": "1"}),
        ):
            assert "insufficient_role" in developer.send(path, expected=403, **form), path
        (key_id,) = re.findall(r"/console/keys/(key_\w+)", owner.open("/keys"))
        assert key_id not in developer.open("/keys")
        developer.send(f"/keys/{key_id}/revoke", expected=404)


def test_documents_reach_a_browser_compressed_and_once(browser: Browser) -> None:
    accepted = {"accept": "text/html,*/*;q=0.8", "accept-encoding": "gzip"}
    shown = browser.client.get("/docs/reference", headers=accepted)
    assert (shown.status_code, shown.headers["content-encoding"]) == (200, "gzip")
    assert ">All endpoints</h1>" in shown.text
    assert shown.text == browser.client.get("/docs/reference", headers={"accept": "*/*"}).text
    again = browser.client.get("/docs/reference", headers={**accepted, "if-none-match": shown.headers["etag"]})
    assert (again.status_code, again.content, again.headers["content-type"]) == (
        304,
        b"",
        shown.headers["content-type"],
    )
    for path in ("/docs", "/console", "/docs/chat"):
        assert browser.client.get(f"{path}/").headers["location"] == path
    missing = browser.client.get("/docs/nothing", headers=accepted)
    assert (missing.status_code, "There is no such page" in missing.text) == (404, True)


def test_an_operator_with_a_second_factor_sees_the_deployment(stack: Stack, browser: Browser) -> None:
    browser.open("/register")
    browser.send("/register", email=OPERATOR, password=PASSWORD)
    browser.send("/verify-email", token=mailed_token(stack, OPERATOR))
    browser.send("/sign-in", email=OPERATOR, password=PASSWORD)
    assert "not_an_operator" in browser.open("/operator", expected=403)
    offered = browser.send("/account/2fa/setup", password=PASSWORD)
    (secret,) = re.findall(r"<code>([A-Z2-7]{32})</code>", offered)
    browser.send("/account/2fa/enable", code=pyotp.TOTP(secret).now())
    shown = browser.open("/operator")
    assert OPERATOR in shown
    assert "No job is stuck." in shown
    assert "This deployment has no alarms" in shown
