"""Tests what a client secret opens: what its key may open, for its time, and what a session may be set to."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.auth.principal import Principal, key_hash
from gateway.canonical.money import AccountSnapshot
from gateway.errors import AuthenticationFailed, GatewayError, InvalidRequest, PermissionDenied, ServiceUnavailable
from gateway.ports.keys import KeyRecord
from gateway.ports.sockets import ClientSecret
from gateway.sockets.asked import Asked, asked_with
from gateway.sockets.connecting import Callers, Handshake, Wanted
from gateway.sockets.minting import ClientSecrets
from gateway.wiring.providers import OWN_KEYS
from gateway.wiring.realtime import wanted
from tests.fakes.keys import MemoryKeyStore
from tests.fakes.money import MemoryMoney
from tests.fakes.sockets import MemorySockets
from tests.realtime.sessions import terms
from tests.sockets.test_purse import Nowhere
from tests.stores.conftest import StoppedClock

SECRET, KEY = "ek_one", "sk-nxg-one"
RECORD = KeyRecord("key_one", "acct_one", "name", "0000", 0)
LASTS_S, MINTED_FROM = 60, "192.0.2.1"


def shown(secret: str) -> Handshake:
    headers = [("authorization", f"Bearer {secret}")]
    return Handshake("one", "realtime", "request", "203.0.113.7", headers, {})


def opened(record: KeyRecord, handshake: Handshake, *, after_s: int = 0) -> tuple[str, str]:
    """The account and the key of the caller who opens a session with a secret of that key."""

    async def ask() -> tuple[str, str]:
        keys, records, clock = MemoryKeyStore(), MemorySockets(), StoppedClock()
        await keys.add(key_hash(KEY), record)
        secret = ClientSecret(RECORD.account_id, key_hash(KEY), int(clock.now_s()) + LASTS_S, MINTED_FROM)
        await records.add_secret(key_hash(SECRET), secret)
        clock.at_s += after_s
        caller = await Callers(keys, records, OWN_KEYS, clock).of(handshake)
        return caller.principal.account_id, caller.key_hash

    return asyncio.run(ask())


def test_a_secret_opens_a_session_of_its_own_keys_account() -> None:
    assert opened(RECORD, shown(SECRET)) == ("acct_one", key_hash(KEY))


@pytest.mark.parametrize(
    ("record", "handshake", "after_s", "refusal"),
    [
        (RECORD, shown("ek_two"), 0, AuthenticationFailed),
        (RECORD, shown(SECRET), LASTS_S, AuthenticationFailed),
        (replace(RECORD, revoked=True), shown(SECRET), 0, AuthenticationFailed),
        (replace(RECORD, disabled=True), shown(SECRET), 0, AuthenticationFailed),
        (replace(RECORD, expires_at_s=1), shown(SECRET), 0, AuthenticationFailed),
        (replace(RECORD, allowed_ips=("198.51.100.0/24",)), shown(SECRET), 0, PermissionDenied),
    ],
)
def test_a_secret_opens_nothing_that_its_key_does_not(
    record: KeyRecord, handshake: Handshake, after_s: int, refusal: type[GatewayError]
) -> None:
    with pytest.raises(refusal):
        opened(record, handshake, after_s=after_s)


def test_a_secret_is_used_from_other_machines_than_its_key() -> None:
    record = replace(RECORD, allowed_ips=(f"{MINTED_FROM}/32",))
    assert opened(record, shown(SECRET)) == ("acct_one", key_hash(KEY))


@pytest.mark.parametrize(
    ("model", "session", "param"),
    [
        ("gpt-realtime", {"prompt": {"id": "p"}}, "session.prompt"),
        ("gpt-realtime", {"tools": [{"type": "mcp"}]}, "session.tools[0].type"),
        (
            "gpt-realtime",
            {"audio": {"input": {"transcription": {"model": "unknown"}}}},
            "session.audio.input.transcription.model",
        ),
        ("gemini-3.1-flash-live-preview", {"tool_choice": "required"}, "session.tool_choice"),
    ],
)
def test_what_a_session_may_not_be_set_to_is_refused_where_a_secret_is_minted(
    model: str, session: dict[str, Any], param: str
) -> None:
    settings = {"type": "realtime", "model": model, **session}
    with pytest.raises(InvalidRequest) as refused:
        wanted(Principal("acct_one", RECORD), asked_with(settings), StoppedClock())
    assert refused.value.param == param


@pytest.mark.parametrize("model", ["gpt-realtime", "gemini-3.1-flash-live-preview"])
def test_what_a_session_is_set_to_is_held_for(model: str) -> None:
    settings = {"type": "realtime", "model": model, "instructions": "Be brief. " * 1_000}
    caller, clock = Principal("acct_one", RECORD), StoppedClock()
    least = wanted(caller, Asked(model), clock)
    assert wanted(caller, asked_with(settings), clock).exposure_nanousd > least.exposure_nanousd


def test_a_secret_that_cannot_be_stored_leaves_no_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    async def mint() -> AccountSnapshot | None:
        money, records, clock = MemoryMoney(), MemorySockets(), StoppedClock()
        await money.open_account(RECORD.account_id, 1_000)
        await money.credit(RECORD.account_id, 1_000, once="first", now_s=clock.now_s())

        async def fail(*_: object) -> None:
            raise ServiceUnavailable("down")

        monkeypatch.setattr(records, "add_secret", fail)
        secret = ClientSecret(RECORD.account_id, key_hash(KEY), int(clock.now_s()) + LASTS_S, MINTED_FROM)
        session = Wanted("realtime", "gpt-realtime", terms("gpt-realtime").candidate, 100)
        secrets = ClientSecrets(records, money, Nowhere(), clock)
        with pytest.raises(ServiceUnavailable):
            await secrets.mint(Principal(RECORD.account_id, RECORD), session, secret, "request")
        return await money.read_account(RECORD.account_id)

    books = asyncio.run(mint())
    assert books is not None
    assert (books.held_nanousd, books.free_nanousd) == (0, 1_000)
