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


class Browser:
    """Keeps the cookie and the form's token, as a browser does; httpx sends no `Secure` cookie over plain HTTP."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._cookie = self._form = ""

    def open(self, path: str, expected: int = 200) -> str:
        """Returns a page, after its redirections."""
        return self._page(self._client.get(f"/console{path}", headers={"cookie": self._cookie}), expected)

    def send(self, path: str, **form: str) -> str:
        """Sends a form; returns the page that it leads to."""
        headers = {"cookie": self._cookie, "sec-fetch-site": "same-origin"}
        return self._page(self._client.post(f"/console{path}", data={"form": self._form, **form}, headers=headers))

    def _page(self, answer: httpx.Response, expected: int = 200) -> str:
        if COOKIE in answer.headers.get("set-cookie", ""):
            self._cookie = answer.headers["set-cookie"].partition(";")[0]
        if answer.status_code == 303:
            return self.open(answer.headers["location"].removeprefix("/console"))
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
    assert "veo-3-fast" in browser.open("/usage?by=model")
    assert "by a page" in browser.open("/keys")
    assert "whsec_" in browser.open("/webhooks")
    assert "key.created" in browser.open("/audit")
    assert email in browser.send("/organizations", name="Acme")
    assert "5.00 USD" not in browser.open("/billing")
    assert "You are signed out." in browser.send("/sign-out")


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
