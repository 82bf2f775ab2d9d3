"""Tests of the money of kept answers: the hold pays for each, and the report of savings says what the ledger says."""

import pytest
from msgspec.structs import replace

from gateway.auth.principal import key_hash
from gateway.canonical.money import EntryKind
from tests.app.harness import ACCOUNT, KEY, RECORD, AppUnderTest, completion, delta, event, hello, usage
from tests.app.test_cache import ASKS, DONE, cached, charges, provider, told

pytestmark = pytest.mark.anyio

# The model's longest answer; an answer without a bound is held for by 4,096 tokens at first.
LONG = 32_768
LONG_STREAM = (event(delta("Hel")), event(delta("lo!")), event(delta(finish="stop")), event(usage(10, LONG)), DONE)
# 10 prompt tokens at 2 and the answer at 8 USD a million, and 5 % on top.
LONG_PRICE = (10 * 2_000 + LONG * 8_000) * 105 // 100
# More than the first step of an open answer, and less than a quarter of the longest one.
LITTLE = 50_000_000
ASKED = hello(model="gpt-4.1", stream=True)


async def credited(app: AppUnderTest, nanousd: int) -> None:
    await app.money.credit(ACCOUNT, nanousd, once="second", now_s=app.clock.now_s() - 1)


async def test_a_kept_answer_that_the_balance_does_not_pay_for_is_not_given() -> None:
    assert LITTLE < LONG_PRICE // 4
    scripted = provider(*LONG_STREAM)
    async with cached(scripted, balance_usd=0) as (app, _):
        await credited(app, LONG_PRICE + LITTLE)
        assert told(await app.ask(ASKED, headers=ASKS))[0] == 200
        assert await charges(app) == [LONG_PRICE]
        assert told(await app.ask(ASKED, headers=ASKS))[1] != "exact"
        assert len(scripted.bodies) == 2


@pytest.mark.parametrize("cap_nanousd", [None, LONG_PRICE * 2])
async def test_a_kept_answer_that_is_longer_than_the_hold_is_paid_in_full(cap_nanousd: int | None) -> None:
    scripted = provider(*LONG_STREAM)
    async with cached(scripted) as (app, _):
        app.keys.records[key_hash(KEY)] = replace(RECORD, monthly_spend_cap_nanousd=cap_nanousd)
        first, second = [await app.ask(ASKED, headers=ASKS) for _ in range(2)]
        assert (first.text, second.text, len(scripted.bodies)) == ("Hello!", "Hello!", 1)
        assert await charges(app) == [LONG_PRICE, (LONG_PRICE * 2 + 4) // 8]


async def test_the_report_of_savings_counts_what_the_ledger_has_charged() -> None:
    # A provider that reports a prompt which the request cannot have had: both sides are bounded.
    async with cached(provider(body=completion(prompt=900_000))) as (app, answers):
        for _ in range(2):
            await app.ask(hello(), headers=ASKS)
        paid = await charges(app)
        (counts,) = answers.counts.values()
        assert counts.saved_nanousd == paid[0] - paid[1]


async def test_the_ledger_tells_which_charges_a_kept_answer_has_served() -> None:
    async with cached(provider()) as (app, _):
        for _ in range(2):
            await app.ask(hello(), headers=ASKS)
        entries = [entry for entry in (await app.look()).entries if entry.kind is EntryKind.CHARGE]
        entries.sort(key=lambda entry: entry.amount_nanousd)
        assert [entry.charge and entry.charge.cache for entry in entries] == [None, "exact"]
