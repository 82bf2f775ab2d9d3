"""Tests of what a request and its key ask of the cache."""

from typing import Any

import pytest
from msgspec.structs import replace

from gateway.cache.control import KEEP_S, Control, Scope, control_in, scope_name, wanted
from gateway.canonical.request import ChatRequest, Sampling
from gateway.errors import InvalidRequest
from gateway.ports.keys import KeyRecord

PLAIN = ChatRequest("openai_chat", "m", (), b"{}")
COLD = replace(PLAIN, sampling=Sampling(temperature=0.0))
SEEDED = replace(PLAIN, sampling=Sampling(seed=0))
KEY = KeyRecord("key_1", "acct_1", "name", "last", 0)


@pytest.mark.parametrize(
    ("header", "control"),
    [
        ("", Control()),
        ("max-age=60", Control(max_age_s=60, asks=True)),
        ('Max-Age="60", , NO-STORE', Control(max_age_s=60, no_store=True, asks=True)),
        ("no-cache,scope=user", Control(Scope.USER, no_cache=True, asks=True)),
        ("scope = key", Control(Scope.KEY, asks=True)),
        ("no-cache, no-store", Control(no_cache=True, no_store=True)),
    ],
)
def test_directives_are_read(header: str, control: Control) -> None:
    assert control_in(header) == control


@pytest.mark.parametrize("word", ["max-age", "max-age=-1", "max-age=1.5", "max-age=12345678901", "scope=all", "store",
                                  "no-cache=1", "max-age=٣"])  # fmt: skip
def test_an_unknown_directive_is_named(word: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        control_in(f"no-store, {word}")
    assert (refused.value.param, word in refused.value.message) == ("X-Nexevo-Cache-Control", True)


@pytest.mark.parametrize(
    ("header", "setting", "request_", "used"),
    [
        (None, "off", COLD, False),
        (None, "exact", PLAIN, False),
        (None, "exact", COLD, True),
        (None, "exact", SEEDED, True),
        ("max-age=9", "off", PLAIN, True),
        ("scope=key", "off", PLAIN, True),
        ("no-cache", "off", COLD, False),
        ("no-cache", "exact", COLD, True),
        ("no-store", "exact", COLD, True),
        ("no-store, no-cache", "exact", COLD, False),
        ("max-age=0", "exact", COLD, False),
    ],
)
def test_the_cache_is_used_where_key_or_request_ask_for_it(
    header: str | None, setting: str, request_: ChatRequest, used: bool
) -> None:
    assert (wanted(header, setting, request_) is not None) is used


@pytest.mark.parametrize(
    ("control", "expected"),
    [
        (Control(), (True, True, KEEP_S)),
        (Control(max_age_s=60), (True, True, 60)),
        (Control(max_age_s=10**9), (True, True, KEEP_S)),
        (Control(no_cache=True), (False, True, KEEP_S)),
        (Control(no_store=True), (True, False, KEEP_S)),
    ],
)
def test_terms_follow_from_the_directives(control: Control, expected: Any) -> None:
    assert (control.reads, control.keeps, control.keep_s) == expected


def test_an_age_beyond_the_bound_will_not_do() -> None:
    assert [Control(max_age_s=60).takes(age_s) for age_s in (0, 60, 60.5)] == [True, True, False]
    assert Control().takes(10**9)


def test_scopes_tell_callers_apart() -> None:
    person, other = replace(KEY, user_id="user_1"), replace(KEY, key_id="key_2", user_id="user_1")
    assert scope_name(Scope.ACCOUNT, KEY, "u") == scope_name(Scope.ACCOUNT, other, "v")
    assert scope_name(Scope.KEY, KEY, "u") != scope_name(Scope.KEY, other, "u")
    assert scope_name(Scope.USER, KEY, "u") == scope_name(Scope.USER, other, "u")
    assert scope_name(Scope.USER, person, None) == scope_name(Scope.USER, other, None)
    names = {scope_name(scope, key, user) for scope in Scope for key in (KEY, person) for user in ("u", "user_1", None)}
    assert len(names) == 1 + 1 + 3
