"""Tests of users' URLs: each hostile form is refused at its parameter, each usual one is read in one way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest
from gateway.untrusted.addresses import is_public
from gateway.untrusted.urls import NOT_HTTPS, NOT_PUBLIC, PUBLIC_ONLY, Policy, WebUrl, judge_redirect, judge_url
from tests.untrusted.url_forms import CONTROLS, HOSTILE

OWN = Policy(frozenset({"localhost:9000", "127.0.0.1"}))
BELOW = Policy(frozenset({"127.0.0.1:9000/own/"}))
FIRST = WebUrl("https", "example.com", 443, "/a/b?c")


def refusal(text: str, policy: Policy = PUBLIC_ONLY) -> tuple[str, str | None]:
    with pytest.raises(InvalidRequest) as refused:
        judge_url(text, "image_url", policy)
    return refused.value.message, refused.value.param


@pytest.mark.parametrize(
    ("reason", "text"), [(reason, text) for reason, texts in HOSTILE.items() for text in texts], ids=ascii
)
def test_a_hostile_form_is_refused_with_its_reason(reason: str, text: str) -> None:
    assert refusal(text) == (reason, "image_url")


@pytest.mark.parametrize(("text", "read"), CONTROLS.items(), ids=ascii)
def test_a_usual_url_is_read_in_one_way(text: str, read: tuple[str, int, str]) -> None:
    assert judge_url(text, "image_url") == WebUrl("https", *read)


@pytest.mark.parametrize("text", CONTROLS, ids=ascii)
def test_a_judged_url_is_judged_the_same_again(text: str) -> None:
    judged = judge_url(text, None)
    if len(judged.text) <= 2048:
        assert judge_url(judged.text, None) == judged


def test_there_are_enough_forms() -> None:
    assert (sum(map(len, HOSTILE.values())) >= 120, len(CONTROLS) >= 30) == (True, True)


@given(st.text(min_size=1, max_size=20).map("https://{}/".format) | st.text(max_size=60))
def test_every_url_that_is_accepted_has_a_plain_public_host(text: str) -> None:
    try:
        judged = judge_url(text, None)
    except InvalidRequest:
        return
    assert judged.scheme == "https"
    assert judged.host.isascii()
    assert not set(judged.host) - set("abcdefghijklmnopqrstuvwxyz0123456789.-:")
    assert is_public(judged.host) or not judged.host.rpartition(".")[2].isdigit()


@pytest.mark.parametrize(
    ("location", "leads_to"),
    [
        ("/other?d", WebUrl("https", "example.com", 443, "/other?d")),
        ("other", WebUrl("https", "example.com", 443, "/a/other")),
        ("?d", WebUrl("https", "example.com", 443, "/a/b?d")),
        ("//cdn.example/x", WebUrl("https", "cdn.example", 443, "/x")),
        ("https://cdn.example:8443/x#part", WebUrl("https", "cdn.example", 8443, "/x")),
    ],
)
def test_a_redirect_is_resolved_and_judged(location: str, leads_to: WebUrl) -> None:
    assert judge_redirect(FIRST, location, None) == leads_to


@pytest.mark.parametrize(
    "location",
    [
        "http://example.com/",
        "https://169.254.169.254/",
        "//127.0.0.1/",
        "//localhost/",
        "https://user@example.com/",
        "file:///etc/passwd",
        "/a\r\nHost: internal",
        "ht\ttps://127.0.0.1/",
        "\\\\127.0.0.1\\",
        "https://127.1/",
        "gopher://example.com/",
    ],
    ids=ascii,
)
def test_a_redirect_to_a_hostile_form_is_refused_at_the_first_urls_parameter(location: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        judge_redirect(FIRST, location, "image_url")
    assert refused.value.param == "image_url"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("http://localhost:9000/a", WebUrl("http", "localhost", 9000, "/a")),
        ("http://127.0.0.1:4566/a", WebUrl("http", "127.0.0.1", 4566, "/a")),
        ("http://127.0.0.1/", WebUrl("http", "127.0.0.1", 80, "/")),
    ],
)
def test_an_operators_own_host_may_be_on_loopback_and_over_http(text: str, read: WebUrl) -> None:
    assert judge_url(text, None, OWN) == read


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("http://localhost:9001/", NOT_HTTPS),
        ("https://localhost:9001/", NOT_PUBLIC),
        ("http://example.com/", NOT_HTTPS),
        ("file://localhost:9000/", NOT_HTTPS),
    ],
)
def test_an_operators_own_host_opens_no_other(text: str, reason: str) -> None:
    assert refusal(text, OWN) == (reason, "image_url")


def test_an_operators_own_path_may_be_on_loopback_and_over_http() -> None:
    assert judge_url("http://127.0.0.1:9000/own/a?b", None, BELOW) == WebUrl("http", "127.0.0.1", 9000, "/own/a?b")


@pytest.mark.parametrize("path", ["/", "/own", "/own2/a", "/other/own/a", "/ow%6e/a", "//own/a"])
def test_an_operators_own_path_opens_no_other_of_its_host(path: str) -> None:
    assert refusal(f"http://127.0.0.1:9000{path}", BELOW) == (NOT_HTTPS, "image_url")


def test_an_ipv6_host_is_written_in_brackets() -> None:
    assert judge_url("https://[2606:4700::1]:8443/a", None).text == "https://[2606:4700::1]:8443/a"
