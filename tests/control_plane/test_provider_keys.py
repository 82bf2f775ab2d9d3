"""Tests of `/v1/provider-keys`: an account's own keys of providers go in, are tested, and never come out."""

from __future__ import annotations

import logging
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from gateway.accounts.provider_key_seal import opened_credential
from gateway.auth.principal import key_hash
from gateway.errors import UpstreamError
from gateway.logs.lines import JsonFormatter
from gateway.ports.keys import KeyRecord
from gateway.ports.upstream import CUSTOM
from gateway.providers.chat.registry import PROVIDERS
from gateway.providers.own_settings import settings_of, takes_own_key
from tests.control_plane.harness import ACCOUNT, DAY_S, MANAGER_ID, OTHER_KEY, AppUnderTest, refusal
from tests.fakes.provider_keys import CATALOG, MemoryProviderKeys

pytestmark = pytest.mark.anyio
PATH = "/v1/provider-keys"
SECRET = "sk-canary-1234567890-wxyz"
OWN: dict[str, Any] = {"provider": "openai", "api_key": SECRET}


async def bring(nexgate: AppUnderTest, **more: Any) -> dict[str, Any]:
    answer = await nexgate.ask("POST", PATH, {**OWN, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def stored(nexgate: AppUnderTest) -> MemoryProviderKeys:
    found = nexgate.provider_keys.store
    assert isinstance(found, MemoryProviderKeys)
    return found


async def test_a_key_is_brought_tested_and_shown_without_its_text(nexgate: AppUnderTest) -> None:
    made = await bring(nexgate, name="ours", mode="only")
    assert made == {
        "object": "provider_key",
        "id": made["id"],
        "provider": "openai",
        "name": "ours",
        "mode": "only",
        "last4": "wxyz",
        "settings": {},
        "verified": True,
        "reason": None,
        "tested_at": "2026-11-21T06:40:10Z",
        "created_at": "2026-11-21T06:40:10Z",
        "updated_at": "2026-11-21T06:40:10Z",
    }
    (asked,) = nexgate.provider.asked
    assert asked.url.startswith("https://api.openai.com/v1/")
    assert ("authorization", f"Bearer {SECRET}") in asked.headers
    listed = await nexgate.ask("GET", PATH)
    one = await nexgate.ask("GET", f"{PATH}/{made['id']}")
    assert (listed.json()["data"], listed.json()["has_more"], one.json()) == ([made], False, made)


@pytest.mark.parametrize("provider", sorted({one.provider for model in CATALOG.models() for one in model.targets}))
async def test_every_providers_key_is_tested_at_the_vendors_own_host(nexgate: AppUnderTest, provider: str) -> None:
    given = {"bedrock": {"region": "us-east-1"}, "azure": {"resource": "ours"}}
    await bring(nexgate, provider=provider, settings=given.get(provider, {}))
    (asked,) = nexgate.provider.asked
    assert asked.url.startswith("https://")
    assert SECRET in str(asked.headers)


@pytest.mark.parametrize(
    ("status", "code"), [(401, "provider_key_refused"), (403, "provider_key_refused"), (402, "provider_key_refused")]
)
async def test_a_key_that_the_provider_refuses_is_not_stored(nexgate: AppUnderTest, status: int, code: str) -> None:
    nexgate.provider.status = status
    nexgate.provider.body = orjson.dumps({"error": {"message": f"Incorrect API key provided: {SECRET}, host db.corp"}})
    answer = await nexgate.ask("POST", PATH, OWN)
    assert refusal(answer) == (400, code, "api_key")
    assert SECRET not in answer.text
    assert "db.corp" not in answer.text
    assert stored(nexgate).keys == {}


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (429, "The provider is overloaded, or the key's quota or credit is used up."),
        (500, "The provider could not be asked with this key."),
        (400, "The provider could not be asked with this key."),
        (404, "The provider could not be asked with this key."),
        (504, "The provider did not answer in time."),
    ],
)
async def test_a_key_that_could_not_be_tested_is_stored_and_says_why(
    nexgate: AppUnderTest, status: int, reason: str
) -> None:
    nexgate.provider.status = status
    made = await bring(nexgate)
    assert (made["verified"], made["reason"]) == (False, reason)


async def test_a_provider_that_is_down_leaves_the_key_unverified(nexgate: AppUnderTest) -> None:
    nexgate.provider.fails = UpstreamError("The provider could not be reached.")
    assert (await bring(nexgate))["verified"] is False


async def test_a_key_is_stored_untested_where_that_is_asked_for(nexgate: AppUnderTest) -> None:
    made = await bring(nexgate, verify=False)
    assert (made["verified"], made["reason"], made["tested_at"]) == (False, "The key has not been tested.", None)
    assert nexgate.provider.asked == []


@pytest.mark.parametrize(
    ("wrong", "status", "code", "param"),
    [
        ({"provider": "unheard-of"}, 400, "unknown_provider", "provider"),
        ({"provider": "../admin"}, 400, "unknown_provider", "provider"),
        ({"provider": "custom/ollama"}, 400, "unknown_provider", "provider"),
        ({"provider": "open ai"}, 400, "invalid_value", "provider"),
        ({"api_key": "short"}, 400, "invalid_value", "api_key"),
        ({"api_key": "sk-with\r\nx-evil: header"}, 400, "invalid_value", "api_key"),
        ({"api_key": "sk-mit-ümlaut-123"}, 400, "invalid_value", "api_key"),
        ({"mode": "always"}, 400, "invalid_value", "mode"),
        ({"base_url": "http://169.254.169.254/"}, 400, "unknown_parameter", "base_url"),
        ({"settings": {"base_url": "http://169.254.169.254/"}}, 400, "invalid_value", "settings.base_url"),
        ({"settings": {"auth": "role"}}, 400, "invalid_value", "settings.auth"),
        ({"provider": "bedrock"}, 400, "invalid_value", "settings.region"),
        ({"provider": "bedrock", "settings": {"region": "evil.host/x"}}, 400, "invalid_value", "settings.region"),
        ({"provider": "bedrock", "settings": {"region": "us-east-1\n"}}, 400, "invalid_value", "settings.region"),
        (
            {"provider": "bedrock", "settings": {"region": "us-east-1", "auth": "role"}},
            400,
            "invalid_value",
            "settings.auth",
        ),
        (
            {"provider": "vertex", "settings": {"token_uri": "https://evil.example/", "private_key": "x"}},
            400,
            "invalid_value",
            "settings.token_uri",
        ),
        ({"account_id": "acc_two"}, 400, "unknown_parameter", "account_id"),
        ({"verified": True}, 400, "unknown_parameter", "verified"),
    ],
)
async def test_what_does_not_fit_is_refused_before_the_provider_is_asked(
    nexgate: AppUnderTest, wrong: dict[str, Any], status: int, code: str, param: str
) -> None:
    answer = await nexgate.ask("POST", PATH, {**OWN, **wrong})
    assert refusal(answer) == (status, code, param)
    assert nexgate.provider.asked == []
    assert stored(nexgate).keys == {}


def test_no_setting_is_an_address_a_secret_or_the_operators_role() -> None:
    named = {name for provider in PROVIDERS if takes_own_key(provider) for name in settings_of(provider)}
    assert named == {"region", "location", "resource", "api_version"}
    assert named & {"base_url", "auth", "token_uri", "private_key", "secret_access_key", "session_token"} == set()
    assert not takes_own_key(CUSTOM)


async def test_an_account_has_one_key_of_a_provider(nexgate: AppUnderTest) -> None:
    await bring(nexgate)
    answer = await nexgate.ask("POST", PATH, {**OWN, "api_key": "sk-another-key"})
    assert refusal(answer) == (409, "already_exists", None)
    assert len(nexgate.provider.asked) == 1


async def test_another_account_has_its_own_and_sees_no_other(nexgate: AppUnderTest) -> None:
    made = await bring(nexgate)
    theirs = await nexgate.ask("POST", PATH, {**OWN, "api_key": "sk-of-the-others-1"}, OTHER_KEY)
    assert theirs.status_code == 201
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"mode": "only"}),
        ("POST", "/test", None),
        ("DELETE", "", None),
    ):
        answer = await nexgate.ask(method, f"{PATH}/{made['id']}{path}", body, OTHER_KEY)
        assert refusal(answer) == (404, "provider_key_not_found", "provider_key_id")
    listed = (await nexgate.ask("GET", PATH, key=OTHER_KEY)).json()["data"]
    assert [one["id"] for one in listed] == [theirs.json()["id"]]
    assert (await nexgate.ask("GET", f"{PATH}/{made['id']}")).json() == made


async def made_key(nexgate: AppUnderTest) -> str:
    """Has the manager make a key that manages, and returns its text."""
    text: str = (await nexgate.create(can_manage_keys=True))["full_key"]
    return text


async def test_a_key_that_another_made_draws_no_requests_to_an_account_of_its_own(nexgate: AppUnderTest) -> None:
    made = await bring(nexgate)
    child = await made_key(nexgate)
    for method, path, body in (
        ("POST", PATH, {**OWN, "provider": "anthropic"}),
        ("PATCH", f"{PATH}/{made['id']}", {"api_key": "sk-of-the-child-1"}),
        ("PATCH", f"{PATH}/{made['id']}", {"mode": "only"}),
        ("DELETE", f"{PATH}/{made['id']}", None),
    ):
        assert refusal(await nexgate.ask(method, path, body, child))[:2] == (403, "insufficient_role")
    assert (await nexgate.ask("GET", f"{PATH}/{made['id']}", key=child)).json() == made
    assert (await nexgate.ask("POST", f"{PATH}/{made['id']}/test", key=child)).status_code == 200


async def test_a_key_is_replaced_tested_and_keeps_its_id(nexgate: AppUnderTest) -> None:
    made = await bring(nexgate)
    nexgate.clock.at_s += 60
    answer = await nexgate.ask("PATCH", f"{PATH}/{made['id']}", {"api_key": "sk-renewed-9999", "mode": "only"})
    changed = answer.json()
    assert (changed["id"], changed["last4"], changed["mode"]) == (made["id"], "9999", "only")
    assert (changed["created_at"], changed["updated_at"]) == (made["created_at"], "2026-11-21T06:41:10Z")
    (key,) = stored(nexgate).keys.values()
    assert (await opened_credential(key, nexgate.provider_keys.data_keys)).api_key == "sk-renewed-9999"
    assert key.version == 2


async def test_a_replacement_that_the_provider_refuses_leaves_the_old_key(nexgate: AppUnderTest) -> None:
    made = await bring(nexgate)
    nexgate.provider.status = 401
    answer = await nexgate.ask("PATCH", f"{PATH}/{made['id']}", {"api_key": "sk-renewed-9999"})
    assert refusal(answer) == (400, "provider_key_refused", "api_key")
    (key,) = stored(nexgate).keys.values()
    assert (await opened_credential(key, nexgate.provider_keys.data_keys)).api_key == SECRET


async def test_settings_are_replaced_with_their_key_alone(nexgate: AppUnderTest) -> None:
    made = await bring(nexgate, provider="bedrock", settings={"region": "us-east-1"})
    answer = await nexgate.ask("PATCH", f"{PATH}/{made['id']}", {"settings": {"region": "eu-west-1"}})
    assert answer.status_code == 400
    replaced = {"api_key": "another-key-1", "settings": {"region": "eu-west-1"}}
    answer = await nexgate.ask("PATCH", f"{PATH}/{made['id']}", replaced)
    assert answer.json()["settings"] == {"region": "eu-west-1"}


async def test_a_test_notes_what_the_provider_says_now(nexgate: AppUnderTest) -> None:
    made = await bring(nexgate)
    nexgate.provider.status = 403
    answer = await nexgate.ask("POST", f"{PATH}/{made['id']}/test")
    assert answer.status_code == 200
    assert (answer.json()["verified"], answer.json()["reason"]) == (False, "The provider refused the key.")
    nexgate.provider.status = 200
    assert (await nexgate.ask("POST", f"{PATH}/{made['id']}/test")).json()["verified"] is True


async def test_a_removed_key_is_gone_and_another_may_be_brought(nexgate: AppUnderTest) -> None:
    made = await bring(nexgate)
    assert (await nexgate.ask("DELETE", f"{PATH}/{made['id']}")).json() == made
    assert stored(nexgate).keys == {}
    assert (await nexgate.ask("DELETE", f"{PATH}/{made['id']}")).status_code == 404
    assert (await bring(nexgate))["id"] != made["id"]


async def test_bringing_a_key_tells_every_key_of_the_account_that_there_is_one(nexgate: AppUnderTest) -> None:
    before = await nexgate.keys.get(ACCOUNT, MANAGER_ID)
    await bring(nexgate)
    after = await nexgate.keys.get(ACCOUNT, MANAGER_ID)
    assert before is not None
    assert (before.has_provider_keys, after) == (False, replace(before, has_provider_keys=True))


async def test_an_account_without_balance_brings_tests_and_replaces_its_keys(nexgate: AppUnderTest) -> None:
    await nexgate.money.open_account("acc_poor", 1_000)
    await nexgate.give_key("sk-xc-poor", KeyRecord("key_poor", "acc_poor", "poor", "0000", 0))
    made = await nexgate.ask("POST", PATH, OWN, "sk-xc-poor")
    path = f"{PATH}/{made.json()['id']}"
    tested = await nexgate.ask("POST", f"{path}/test", key="sk-xc-poor")
    changed = await nexgate.ask("PATCH", path, {"api_key": "sk-renewed-9999"}, "sk-xc-poor")
    assert (made.status_code, tested.status_code, changed.status_code) == (201, 200, 200)


async def test_tests_count_as_work_and_a_full_window_refuses_them(nexgate: AppUnderTest) -> None:
    made = await bring(nexgate)
    narrow = KeyRecord("key_narrow", ACCOUNT, "narrow", "0000", 0, rpm_limit=2, can_manage_keys=True)
    await nexgate.keys.add(key_hash("sk-xc-narrow"), narrow)
    path = f"{PATH}/{made['id']}"
    statuses = [
        (await nexgate.ask("POST", f"{path}/test", key="sk-xc-narrow")).status_code,
        (await nexgate.ask("PATCH", path, {"api_key": "sk-renewed-9999"}, "sk-xc-narrow")).status_code,
        (await nexgate.ask("POST", f"{path}/test", key="sk-xc-narrow")).status_code,
        (await nexgate.ask("PATCH", path, {"api_key": "sk-renewed-8888"}, "sk-xc-narrow")).status_code,
        (await nexgate.ask("POST", PATH, {**OWN, "provider": "anthropic"}, "sk-xc-narrow")).status_code,
        (await nexgate.ask("PATCH", path, {"name": "a name"}, "sk-xc-narrow")).status_code,
    ]
    assert statuses == [200, 200, 429, 429, 429, 200]
    assert len(nexgate.provider.asked) == 3


async def test_the_same_idempotency_key_brings_one_key_and_asks_once(nexgate: AppUnderTest) -> None:
    headers = {"Idempotency-Key": "once"}
    first, again = [await nexgate.ask("POST", PATH, OWN, headers=headers) for _ in range(2)]
    assert (first.status_code, again.status_code, first.json()) == (201, 201, again.json())
    assert len(nexgate.provider.asked) == 1
    other = await nexgate.ask("POST", PATH, {**OWN, "api_key": "sk-another-key"}, headers=headers)
    assert refusal(other)[:2] == (409, "idempotency_key_reused")
    kept = repr(vars(nexgate.records)) + repr(vars(nexgate.answers))
    assert SECRET not in kept


async def test_a_creation_whose_answer_was_lost_is_taken_back(nexgate: AppUnderTest) -> None:
    made = await bring(nexgate)
    await nexgate.provider_keys.disown(ACCOUNT, "pvk_other")
    assert len(stored(nexgate).keys) == 1
    await nexgate.provider_keys.disown(ACCOUNT, made["id"])
    assert stored(nexgate).keys == {}


async def test_no_line_of_the_log_has_the_key(nexgate: AppUnderTest, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    made = await bring(nexgate)
    nexgate.provider.status = 401
    nexgate.provider.body = orjson.dumps({"error": {"message": f"Incorrect API key provided: {SECRET}"}})
    await nexgate.ask("POST", PATH, {**OWN, "provider": "anthropic"})
    await nexgate.ask("POST", PATH, {**OWN, "unknown": 1})
    nexgate.provider.fails = RuntimeError("unforeseen")
    await nexgate.ask("POST", f"{PATH}/{made['id']}/test")
    lines = [JsonFormatter("stack").format(record) for record in caplog.records]
    assert any('"action":"brought"' in line and made["id"] in line for line in lines)
    assert [line for line in lines if "canary" in line] == []


async def test_what_is_stored_is_sealed(nexgate: AppUnderTest) -> None:
    await bring(nexgate)
    (key,) = stored(nexgate).keys.values()
    assert SECRET not in key.envelope.text + key.envelope.wrapped_key + str(key.settings) + key.name
    assert key.created_at_s + DAY_S > key.updated_at_s
