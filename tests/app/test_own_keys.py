"""Tests that an account's own provider key serves its requests first or alone, for the fee, and no other account's."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from gateway.auth.principal import Principal, key_hash
from gateway.canonical.models import Sale
from gateway.canonical.money import EntryKind, Tier
from gateway.canonical.request import RoutingPreferences
from gateway.catalog.chat import CHAT_MODELS
from gateway.catalog.loader import load
from gateway.errors import PermissionDenied, ProviderKeyRefused
from gateway.ledger.money import parse_usd
from gateway.ledger.request_prices import request_cost
from gateway.logs.lines import JsonFormatter
from gateway.operations.count_tokens import TokenCounter
from gateway.pipeline.provider_client import ProviderClient
from gateway.ports.provider_keys import Envelope, Mode, ProviderKey
from gateway.ports.upstream import Credential, UpstreamTimeouts
from gateway.protocols.anthropic_messages.count_tokens import decode_count_request
from gateway.providers.chat.registry import KNOWN
from gateway.routing.planning import candidates_for
from gateway.stores.keys.own_keys import StoredOwnKeys
from gateway.transport import Client
from gateway.upstream.provider import HttpUpstream
from tests.app.harness import (
    ACCOUNT,
    CATALOG,
    KEY,
    RECORD,
    SSE_HEAD,
    Answer,
    AppUnderTest,
    Scripted,
    app_under_test,
    completion,
    delta,
    event,
    hello,
    piece,
    sized,
    usage,
)
from tests.fakes.credentials import MemoryCredentials
from tests.fakes.provider_keys import MemoryDataKeys, MemoryProviderKeys, own_key
from tests.virtual_time import LoopClock

pytestmark = pytest.mark.anyio
OWN, SHARED = "sk-own-canary-1234", "sk-shared-5678"
REFUSED = sized(401, orjson.dumps({"error": {"message": f"Incorrect API key provided: {OWN}"}}))
SERVED = sized(200, completion())
# By the key that a request shows.
Script = dict[str, bytes]


@dataclass
class Home:
    """An account with its own key of OpenAI, and a provider that answers by the key that it is shown."""

    app: AppUnderTest
    provider: Scripted
    store: MemoryProviderKeys
    own_keys: StoredOwnKeys

    @property
    def shown(self) -> list[str]:
        """The keys that the provider was shown, in order."""
        heads = [head.decode().lower() for head in self.provider.heads]
        return [next(key for key in (OWN, SHARED) if key in head) for head in heads]

    async def ask(self, **more: Any) -> Answer:
        return await self.app.ask(hello(**more))


@asynccontextmanager
async def home(script: Script, mode: Mode = "first", provider: str = "openai", **turned: Any) -> AsyncIterator[Home]:
    """Builds the account; its API key knows that there is a provider key."""

    async def answer(number: int, writer: asyncio.StreamWriter) -> None:
        head = scripted.heads[number - 1].decode().lower()
        writer.write(next(answer for key, answer in script.items() if key in head))
        await writer.drain()

    data_keys = MemoryDataKeys()
    async with Scripted(answer) as scripted:
        store = MemoryProviderKeys()
        own_keys = StoredOwnKeys(store, data_keys, LoopClock(), {provider: scripted.base_url})
        await store.add(await own_key(ACCOUNT, provider, OWN, data_keys, mode=mode))
        rows = {"openai": Credential(SHARED, scripted.base_url)}
        async with app_under_test(scripted.base_url, own_keys=own_keys, rows=rows, **turned) as app:
            app.keys.records[key_hash(KEY)] = replace(RECORD, has_provider_keys=True)
            yield Home(app, scripted, store, own_keys)


async def test_the_answer_tells_which_of_the_two_keys_was_asked() -> None:
    async with home({OWN: REFUSED, SHARED: SERVED}) as here:
        tried = (await here.ask()).json["nexevo"]["models_tried"]
    assert tried[0] == {
        "model": "gpt-4o", "provider": "openai", "outcome": "403 provider_key_refused", "own_key": True,
    }  # fmt: skip
    assert tried[-1] == {"model": "gpt-4o", "provider": "openai", "outcome": "served"}


async def test_the_own_key_serves_and_costs_nothing_and_the_ledger_says_so() -> None:
    async with home({OWN: SERVED}) as here:
        answer = await here.ask()
        assert (answer.status, answer.json["nexevo"]["cost_usd"], here.shown) == (200, "0", [OWN])
        books = await here.app.look()
        (entry,) = [each for each in books.entries if each.kind is EntryKind.CHARGE]
        assert entry.charge is not None
        assert (entry.amount_nanousd, entry.charge.tier) == (0, Tier.BYOK)
        assert (entry.charge.usage.input, entry.charge.usage.output) == (10, 5)
        assert entry.charge.generation_id == answer.headers["x-nexevo-generation-id"]
        assert books.holds == ()
        assert answer.headers["x-ratelimit-remaining"] == "99999"


async def test_an_account_without_balance_is_served_with_its_own_key() -> None:
    async with home({OWN: SERVED}, balance_usd=0) as here:
        assert (await here.ask()).status == 200
        assert (await here.ask(stream=False, max_tokens=100)).status == 200
        assert here.shown == [OWN, OWN]


async def test_an_account_without_balance_is_refused_what_its_own_keys_do_not_serve() -> None:
    async with home({OWN: SERVED}, provider="anthropic", balance_usd=0) as here:
        answer = await here.ask()
        assert (answer.status, answer.error["code"], here.shown) == (402, "account_suspended", [])


@pytest.mark.parametrize("failure", [REFUSED, sized(403, b"{}"), sized(429, b"{}", "retry-after: 9"), sized(500, b"")])
async def test_where_the_own_key_fails_the_shared_one_serves_and_is_paid(failure: bytes) -> None:
    async with home({OWN: failure, SHARED: SERVED}) as here:
        answer = await here.ask()
        assert (answer.status, here.shown[0], here.shown[-1]) == (200, OWN, SHARED)
        books = await here.app.look()
        (entry,) = [each for each in books.entries if each.kind is EntryKind.CHARGE]
        assert entry.charge is not None
        assert entry.charge.tier is Tier.PASSTHROUGH
        assert entry.amount_nanousd < 0
        assert answer.json["nexevo"]["cost_usd"] != "0"


async def test_the_balance_is_held_for_only_once_the_shared_key_is_to_be_used() -> None:
    held: list[int] = []

    async def watched(key: ProviderKey) -> Credential:
        snapshot = await here.app.money.read_account(ACCOUNT)
        assert snapshot is not None
        held.append(snapshot.held_nanousd)
        return await opened(key)

    async with home({OWN: REFUSED, SHARED: SERVED}) as here:
        opened = here.own_keys.credential
        here.own_keys.credential = watched  # type: ignore[method-assign]  # to look at each use
        assert (await here.ask(max_tokens=50)).status == 200
        assert (set(held), here.shown) == ({0}, [OWN, SHARED])


async def test_the_shared_key_is_used_under_a_hold_of_its_own_worst_case() -> None:
    held: list[int] = []

    async def answer(number: int, writer: asyncio.StreamWriter) -> None:
        is_own = OWN in scripted.heads[number - 1].decode().lower()
        snapshot = await here.money.read_account(ACCOUNT)
        assert snapshot is not None
        held.append(snapshot.held_nanousd)
        writer.write(REFUSED if is_own else SERVED)
        await writer.drain()

    data_keys, store = MemoryDataKeys(), MemoryProviderKeys()
    await store.add(await own_key(ACCOUNT, "openai", OWN, data_keys))
    async with Scripted(answer) as scripted:
        own_keys = StoredOwnKeys(store, data_keys, LoopClock(), {"openai": scripted.base_url})
        rows = {"openai": Credential(SHARED, scripted.base_url)}
        async with app_under_test(scripted.base_url, own_keys=own_keys, rows=rows) as here:
            here.keys.records[key_hash(KEY)] = replace(RECORD, has_provider_keys=True)
            assert (await here.ask(hello(max_tokens=1000))).status == 200
    # 1,000 tokens at 10 USD a million and 5 %, and the prompt.
    assert held[0] == 0
    assert held[-1] > 10_500_000


async def test_a_key_of_the_mode_only_is_never_replaced_by_the_shared_one() -> None:
    async with home({OWN: REFUSED, SHARED: SERVED}, mode="only") as here:
        answer = await here.ask()
        assert (answer.status, answer.error["code"], answer.error["type"]) == (
            403,
            "provider_key_refused",
            "permission_error",
        )
        assert answer.headers["x-should-retry"] == "false"
        assert (set(here.shown), OWN in answer.body.decode()) == ({OWN}, False)
        books = await here.app.look()
        assert [each.kind for each in books.entries] == [EntryKind.CREDIT, EntryKind.RELEASE]


async def test_an_account_that_cannot_pay_the_shared_key_is_told_that_its_own_was_refused() -> None:
    async with home({OWN: REFUSED, SHARED: SERVED}, balance_usd=0) as here:
        answer = await here.ask()
        assert (answer.status, answer.error["code"], set(here.shown)) == (403, "provider_key_refused", {OWN})


async def test_a_refused_key_is_told_on_a_stream_too_with_its_status() -> None:
    async with home({OWN: REFUSED}, mode="only") as here:
        answer = await here.ask(stream=True)
        assert (answer.status, answer.error["code"]) == (403, "provider_key_refused")


async def test_a_flat_alias_on_the_own_key_costs_the_fee_and_not_the_flat_price() -> None:
    async with home({OWN: SERVED}, mode="only") as here:
        answer = await here.ask(model="nexevo/fast", models=["gpt-4o"], provider={"only": ["openai"]})
        assert (answer.status, answer.json["nexevo"]["cost_usd"]) == (200, "0")
        (entry,) = [each for each in (await here.app.look()).entries if each.kind is EntryKind.CHARGE]
        assert entry.charge is not None
        assert entry.charge.tier is Tier.BYOK


@pytest.mark.parametrize(("fee", "usd"), [(0, "0"), (250, "0.000001875"), (10_000, "0.000075")])
async def test_the_fee_is_a_share_of_the_list_price_and_has_no_margin_on_it(fee: int, usd: str) -> None:
    catalog = load(CHAT_MODELS, KNOWN)
    model = next(each for each in catalog.models() if each.id == "gpt-4o")
    dearer = replace(model, sale=replace(model.sale, byok_fee=fee))

    class Feed:
        def find(self, requested: str) -> Any:
            return catalog.find(requested)

        def models_behind(self, offer: Any) -> Any:
            return tuple(dearer if each.id == dearer.id else each for each in catalog.models_behind(offer))

    async with home({OWN: SERVED}, mode="only", catalog=Feed()) as here:
        assert (await here.ask()).json["nexevo"]["cost_usd"] == usd
        (entry,) = [each for each in (await here.app.look()).entries if each.kind is EntryKind.CHARGE]
        assert entry.charge is not None
        assert entry.charge.tier is Tier.BYOK


async def test_a_long_stream_on_the_own_key_is_neither_cut_nor_held_for() -> None:
    words = [event(delta("word " * 200)) for _ in range(60)]
    stream = SSE_HEAD + b"".join([*words, event(delta(finish="stop")), event(usage(10, 15_000)), event(b"[DONE]")])
    async with home({OWN: stream + piece(b"")}, balance_usd=0) as here:
        answer = await here.ask(stream=True)
        assert (answer.status, answer.data[-1], len(answer.text)) == (200, b"[DONE]", 60 * 1000)
        assert (await here.app.look()).free_nanousd == 0


async def test_an_open_answer_on_the_own_key_is_not_bounded_by_the_balance() -> None:
    async with home({OWN: SERVED}, balance_usd=0) as here:
        await here.app.money.credit(ACCOUNT, 5_000_000, once="little", now_s=1)
        assert (await here.ask()).status == 200
        (body,) = here.provider.bodies
        assert not {"max_tokens", "max_completion_tokens"} & orjson.loads(body).keys()


FILE = [{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-of-mine"}}]}]


async def test_what_the_account_keeps_at_the_provider_is_reached_with_its_own_key_alone() -> None:
    async with home({OWN: SERVED, SHARED: SERVED}) as here:
        assert (await here.ask(messages=FILE)).status == 200
        (body,) = here.provider.bodies
        assert orjson.loads(body)["messages"] == FILE
        assert here.shown == [OWN]


async def test_what_the_account_keeps_is_not_asked_for_with_the_shared_key_where_the_own_one_fails() -> None:
    async with home({OWN: sized(500, b"{}"), SHARED: SERVED}) as here:
        answer = await here.ask(messages=FILE)
        assert (answer.status, set(here.shown)) == (502, {OWN})


async def test_a_key_of_another_provider_reaches_nothing_that_is_kept_at_this_one() -> None:
    async with home({OWN: SERVED, SHARED: SERVED}, provider="anthropic") as here:
        answer = await here.ask(messages=FILE)
        assert (answer.status, answer.error["param"]) == (400, "messages[0].content[0].file.file_id")
        assert here.shown == []


async def test_another_accounts_key_is_not_used_although_it_has_the_same_id() -> None:
    async with home({SHARED: SERVED}) as here:
        here.app.keys.records[key_hash(KEY)] = replace(RECORD, account_id="acct_other", has_provider_keys=True)
        await here.app.money.open_account("acct_other", 1_000)
        await here.app.money.credit("acct_other", 10**10, once="start", now_s=1)
        assert (await here.ask()).status == 200
        assert here.shown == [SHARED]


async def test_an_account_that_never_brought_a_key_looks_for_none() -> None:
    async with home({SHARED: SERVED}) as here:
        here.app.keys.records[key_hash(KEY)] = RECORD
        assert (await here.ask()).status == 200
        assert (here.store.reads, here.shown) == (0, [SHARED])


async def test_a_key_that_cannot_be_opened_is_passed_over_and_never_replaced_in_the_mode_only() -> None:
    def moved(here: Home) -> None:
        (place, key), *_ = here.store.keys.items()
        here.store.keys[place] = replace(key, key_id="pvk_moved")

    cases: tuple[tuple[Mode, tuple[int, list[str]]], ...] = (("first", (200, [SHARED])), ("only", (502, [])))
    for mode, expected in cases:
        async with home({SHARED: SERVED}, mode=mode) as here:
            moved(here)
            answer = await here.ask()
            assert (answer.status, here.shown) == expected, mode


async def test_no_line_of_the_log_and_no_answer_has_the_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for script in ({OWN: REFUSED, SHARED: SERVED}, {OWN: sized(500, OWN.encode()), SHARED: REFUSED}):
        async with home(script) as here:
            answer = await here.ask()
            assert OWN.encode() not in answer.body + repr(answer.headers).encode()
    lines = [JsonFormatter("stack").format(record) for record in caplog.records]
    assert lines
    assert [line for line in lines if "canary" in line] == []


@pytest.mark.parametrize(("fee", "usd"), [(0, "0"), (250, "0.025"), (10_000, "1")])
def test_the_sale_of_a_model_is_the_fee_where_an_own_key_serves(fee: int, usd: str) -> None:
    assert request_cost("1", Sale(byok_fee=fee).with_own_key) == parse_usd(usd)


def test_the_region_of_an_own_key_is_judged_by_the_callers_policy() -> None:
    key = ProviderKey(
        account_id=ACCOUNT,
        provider="bedrock",
        key_id="pvk_cn",
        name="own",
        mode="only",
        last4="0000",
        created_at_s=0,
        updated_at_s=0,
        version=1,
        envelope=Envelope("", ""),
        settings={"region": "cn-north-1"},
    )
    planned = {}
    for policy in ("any", "cn-only", "overseas-only"):
        caller = Principal(ACCOUNT, replace(RECORD, region_policy=policy), (key,))
        try:
            found = candidates_for("aws/claude-haiku-4-5", RoutingPreferences(), CATALOG, caller)
        except PermissionDenied as refused:
            planned[policy] = str(refused.code)
        else:
            planned[policy] = ",".join(sorted({str(each.target.region) for each in found if each.own is not None}))
    assert planned == {"any": "cn-north-1", "cn-only": "cn-north-1", "overseas-only": "region_not_allowed"}


@pytest.mark.parametrize("turn", [lambda body: {**body, "max_price": {"prompt": 0.01}}], ids=["price"])
async def test_a_callers_bounds_hold_for_own_keys_too(turn: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    async with home({OWN: SERVED}) as here:
        answer = await here.app.ask(turn(hello()))
        assert (answer.status, answer.error["code"], here.shown) == (400, "max_price_exceeded", [])


@pytest.mark.parametrize("mode", ["first", "only"])
async def test_a_count_with_an_own_key_that_is_refused_blames_the_key_and_not_the_gateway(mode: Mode) -> None:
    claude = orjson.dumps({"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}})
    async with home({OWN: sized(401, claude)}, mode, "anthropic") as here:
        credentials = MemoryCredentials({"anthropic": Credential(SHARED, here.provider.base_url)})
        clock = LoopClock()
        timeouts = UpstreamTimeouts(5.0, 5.0, 5.0)
        providers = ProviderClient(credentials, HttpUpstream(Client(), clock), timeouts, here.own_keys)
        caller = replace(Principal(ACCOUNT, RECORD), own_keys=tuple(await here.own_keys.of(ACCOUNT)))
        body = {"model": "claude-haiku-4-5", "messages": [{"role": "user", "content": "Hi"}]}
        request = decode_count_request(orjson.dumps(body))
        with pytest.raises(ProviderKeyRefused) as refusal:
            await TokenCounter(CATALOG, providers, clock).count(caller, request)
    assert (refusal.value.status, refusal.value.code) == (403, "provider_key_refused")
