"""Tests that an operator can set a provider's key: it goes into the deployment's secret, and no answer shows it."""

import io
import secrets
import sys

import pytest

from gateway.admin.commands import parser, shown
from gateway.admin.provider_keys import asked_secret, remove_provider_key, set_callback, set_provider_key
from gateway.errors import InvalidRequest
from tests.fakes.provider_rows import MemoryProviderRows

pytestmark = pytest.mark.anyio

CANARY = f"sk-canary-{secrets.token_hex(8)}"


def typed(_: str) -> str:
    return CANARY


async def test_a_key_is_written_and_not_shown() -> None:
    rows = MemoryProviderRows({"anthropic": {"api_key": "a"}})
    answer = await set_provider_key(rows, "openai", ["base_url=https://proxy.example/v1"], ask=typed)
    assert rows.rows == {
        "anthropic": {"api_key": "a"},
        "openai": {"api_key": CANARY, "base_url": "https://proxy.example/v1"},
    }
    assert answer == {"provider": "openai", "holds": ["api_key", "base_url"]}
    arguments = parser().parse_args(["--stack", "s", "set-provider-key", "openai", "--why", "new"])
    assert CANARY not in shown(arguments, answer)


async def test_another_key_leaves_the_rows_other_settings() -> None:
    rows = MemoryProviderRows({"openai": {"api_key": "old", "base_url": "https://proxy.example/v1"}})
    await set_provider_key(rows, "openai", [], ask=typed)
    assert rows.rows["openai"] == {"api_key": CANARY, "base_url": "https://proxy.example/v1"}


async def test_a_row_by_role_has_no_key() -> None:
    rows = MemoryProviderRows({"bedrock": {"api_key": "old", "region": "eu-west-1"}})
    await set_provider_key(rows, "bedrock", ["region=us-east-1"], by_role=True, ask=typed)
    assert rows.rows["bedrock"] == {"auth": "role", "region": "us-east-1"}


@pytest.mark.parametrize(("key", "holds"), [("", ["base_url"]), ("k-1", ["api_key", "base_url"])])
async def test_a_provider_of_the_operators_own_needs_an_address_and_no_key(key: str, holds: list[str]) -> None:
    rows = MemoryProviderRows({"custom/ollama": {"api_key": "old"}})
    settings = ["base_url=http://10.0.0.7:11434/v1"]
    answer = await set_provider_key(rows, "custom/ollama", settings, ask=lambda _: key)
    assert answer == {"provider": "custom/ollama", "holds": holds}
    assert rows.rows["custom/ollama"].get("api_key", "") == key


@pytest.mark.parametrize(
    ("provider", "settings", "key", "told"),
    [
        ("custom/*", ["base_url=http://a"], "k", "no provider"),
        ("custom/ollama", [], "k", "base_url"),
        ("custom/ollama", ["base_url=ollama:11434"], "k", "base_url"),
        ("custom/ollama", ["base_url=http://a/?q"], "k", "base_url"),
        ("custom/ollama", ["base_url=http://a/v1/chat/completions"], "k", "without the path of an endpoint"),
        ("custom/ollama", ["base_url=http://a/v1/messages/"], "k", "without the path of an endpoint"),
        ("custom/X Y", ["base_url=http://a"], "k", "no provider 'custom/X Y'"),
        ("custom/", ["base_url=http://a"], "k", "no provider 'custom/'"),
        ("custom/a/b", ["base_url=http://a"], "k", "no provider 'custom/a/b'"),
        ("openai", ["base_ulr=http://a"], "k", "reads the setting 'base_ulr'; known are:.*base_url"),
        ("qwen", ["region=mars"], "k", "qwen has no region like 'mars'"),
        ("vertex", ["location=the moon"], "k", "vertex has no location like 'the moon'"),
        ("opennai", [], "k", "no provider 'opennai'.*anthropic.*openai"),
        ("openai", ["base_url"], "k", "'base_url'"),
        ("openai", ["=x"], "k", "''"),
        ("openai", ["api_key=x"], "k", "'api_key'"),
        ("openai", [], "", "nothing was changed"),
        ("replicate", ["webhook_secret=x"], "k", "set-callback replicate"),
        ("fal", ["user_id=x"], "k", "set-callback fal"),
    ],
)
async def test_what_is_wrong_changes_nothing(provider: str, settings: list[str], key: str, told: str) -> None:
    rows = MemoryProviderRows({"openai": {"api_key": "old"}})
    with pytest.raises(InvalidRequest, match=told):
        await set_provider_key(rows, provider, settings, ask=lambda _: key)
    assert rows.rows == {"openai": {"api_key": "old"}}


async def test_one_of_several_credentials_is_set_by_its_id_and_taken_away() -> None:
    rows = MemoryProviderRows({"openai": {"api_key": "first"}})
    await set_provider_key(rows, "openai", ["project=p"], credential_id="b", weight=3, ask=lambda _: "old")
    answer = await set_provider_key(rows, "openai", [], credential_id="b", ask=typed)
    assert answer == {"provider": "openai", "holds": ["api_key", "credentials"], "credentials": {"b": 1}}
    kept = {"id": "b", "api_key": CANARY, "project": "p", "weight": 1}
    assert rows.rows == {"openai": {"api_key": "first", "credentials": [kept]}}
    await set_provider_key(rows, "openai", [], credential_id="c", weight=0, ask=typed)
    assert [each["id"] for each in rows.rows["openai"]["credentials"]] == ["b", "c"]
    # A new key of the row itself leaves the others.
    await set_provider_key(rows, "openai", [], ask=lambda _: "new")
    assert rows.rows["openai"]["api_key"] == "new"
    await remove_provider_key(rows, "openai", "b")
    assert [each["id"] for each in rows.rows["openai"]["credentials"]] == ["c"]
    with pytest.raises(InvalidRequest, match="no credential 'b'"):
        await remove_provider_key(rows, "openai", "b")


@pytest.mark.parametrize(("credential_id", "weight"), [("a b", 1), ("a|b", 1), ("x" * 65, 1), ("b", -1)])
async def test_a_credential_has_a_plain_id_and_a_weight(credential_id: str, weight: int) -> None:
    rows = MemoryProviderRows()
    with pytest.raises(InvalidRequest, match="id is up to 64"):
        await set_provider_key(rows, "openai", [], credential_id=credential_id, weight=weight, ask=typed)
    assert rows.rows == {}


def test_a_pipe_gives_its_first_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{CANARY}\nrest\n"))
    assert asked_secret("API key of openai") == CANARY


class _Terminal(io.StringIO):
    """A standard input at which a person types."""

    def isatty(self) -> bool:
        return True


def test_a_person_is_asked_without_an_echo(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(sys, "stdin", _Terminal(""))

    def getpass(prompt: str) -> str:
        asked.append(prompt)
        return f" {CANARY} "

    monkeypatch.setattr("gateway.admin.provider_keys.getpass", getpass)
    assert asked_secret("API key of openai") == CANARY
    assert asked == ["API key of openai: "]


async def test_what_callbacks_are_known_by_is_in_a_secret_of_its_own() -> None:
    keys, callbacks = MemoryProviderRows({"replicate": {"api_key": "r8"}}), MemoryProviderRows()
    answer = await set_callback(callbacks, keys, "replicate", [], ask=typed)
    assert (keys.rows, callbacks.rows) == (
        {"replicate": {"api_key": "r8"}},
        {"replicate": {"webhook_secret": CANARY}},
    )
    assert answer == {"provider": "replicate", "holds": ["webhook_secret"]}


@pytest.mark.parametrize("move", [True, False])
async def test_what_stood_beside_the_key_leaves_it(*, move: bool) -> None:
    keys = MemoryProviderRows({"replicate": {"api_key": "r8", "webhook_secret": "old"}})
    callbacks = MemoryProviderRows({"fal": {"user_id": "u"}})
    await set_callback(callbacks, keys, "replicate", [], move=move, ask=typed)
    assert keys.rows == {"replicate": {"api_key": "r8"}}
    assert callbacks.rows == {"fal": {"user_id": "u"}, "replicate": {"webhook_secret": "old" if move else CANARY}}


@pytest.mark.parametrize(
    ("provider", "settings", "key", "move", "told"),
    [
        ("luma", [], "k", False, "'luma' sends no callbacks here.*fal, replicate"),
        ("fal", ["user_id=u"], "k", False, "'user_id'"),
        ("fal", [], "", False, "nothing was changed"),
        ("fal", [], "k", True, "no 'user_id' beside the key"),
    ],
)
async def test_a_callback_that_is_wrong_changes_nothing(
    provider: str, settings: list[str], key: str, *, move: bool, told: str
) -> None:
    keys, callbacks = MemoryProviderRows({"fal": {"api_key": "k"}}), MemoryProviderRows()
    with pytest.raises(InvalidRequest, match=told):
        await set_callback(callbacks, keys, provider, settings, move=move, ask=lambda _: key)
    assert (keys.rows, callbacks.rows) == ({"fal": {"api_key": "k"}}, {})
