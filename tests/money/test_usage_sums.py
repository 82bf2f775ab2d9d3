"""Tests that sums of usage, with the entries beyond them, are what all entries come to, at any size and any death."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.canonical.money import Charge, Entry, EntryKind, Tier
from gateway.canonical.tallies import total
from gateway.canonical.usage import Usage
from gateway.errors import ServiceUnavailable
from gateway.ledger.hold_ids import hold_id_at, id_floor
from gateway.ledger.usage_sums import summed, without_empty
from gateway.stores.aws.client import ConditionFailed, Item, TransactionCanceled
from gateway.stores.money import usage
from gateway.stores.money.items import entry_item, new_account, shard_of, text
from gateway.stores.money.store import DynamoMoney
from gateway.stores.money.tables import DynamoDb, MoneyTables
from gateway.stores.money.usage import UsageSums, sum_up_active
from gateway.transport import Client
from tests.money.given import NOW_S, admitted, charge, opened, wanted
from tests.money.invariants import check_usage
from tests.money.simulation.dynamodb import SimulatedDynamoDb, item_bytes
from tests.money.stores import local_api
from tests.money.test_deaths import Died, MortalDynamoDb

pytestmark = pytest.mark.anyio

ACCOUNT = "acct_0123456789"
DAY_S = 86_400
MIDNIGHT_S = NOW_S // DAY_S * DAY_S
LATER_S = NOW_S + 3_600
FIRST_DAY = "2026-10-01"


def entry(number: int, at_s: float, *, key: str = "key_a", model: str = "gpt-5-mini", cost: int = 100) -> Entry:
    """Builds the entry of a charged request."""
    hold_id = hold_id_at(at_s, number)
    charged = Charge(cost, f"req-{number}", "gen", "m", model, Tier.FAST, "p", Usage(input=7, output=number % 5))
    return Entry(hold_id, ACCOUNT, EntryKind.CHARGE, -cost, int(at_s), hold_id, key, charged)


def stored(api: SimulatedDynamoDb, entries: Sequence[Entry]) -> UsageSums:
    """Puts an account with these entries into the store."""
    api.tables["accounts"].items[ACCOUNT,] = new_account(ACCOUNT, 60)
    for each in entries:
        item = entry_item(each)
        api.tables["ledger"].items[api.tables["ledger"].key_of(item)] = item
    return UsageSums(MoneyTables(api, "accounts", "ledger"))


def drawn(seed: int, count: int = 60) -> list[Entry]:
    """Draws entries of three days, two keys and three models."""
    chance = random.Random(seed)
    return [
        entry(
            number,
            MIDNIGHT_S + chance.uniform(-DAY_S, DAY_S),
            key=chance.choice(("key_a", "key_b")),
            model=chance.choice(("one", "two", "three")),
            cost=chance.randrange(1_000),
        )
        for number in range(count)
    ]


def checked(api: SimulatedDynamoDb, entries: Sequence[Entry]) -> None:
    check_usage([item for (_, sort), item in api.tables["ledger"].items.items() if sort[:6] == "usage#"], entries)


async def test_ten_million_entries_of_thirty_days_are_one_page_read() -> None:
    """The sums of 10,000,000 entries take their place: 30 days, 5 keys, 5 models, 4 members."""
    api = SimulatedDynamoDb(page=10_000)
    sums = stored(api, [])
    cells = list(itertools.product(range(30), range(5), range(5), range(4)))
    each, beyond = divmod(10_000_000, len(cells))
    days: dict[str, Any] = {}
    for day, key, model, member in cells:
        one = entry(1, MIDNIGHT_S - day * DAY_S, key=f"key_0123456789{key}", model=f"claude-sonnet-4-5-2025092{model}")
        assert one.charge is not None
        one = replace(one, charge=replace(one.charge, user_id=f"user_0123456789ab{member}", org_id="org_0123456789ab"))
        ((cell, tally),) = summed([one]).items()
        for name in ("requests", "cost_nanousd"):
            setattr(tally, name, getattr(tally, name) * (each + (day == key == model == member == 0) * beyond))
        tally.tokens = Counter({name: count * 4_000 * each for name, count in tally.tokens.items()})
        days.setdefault(cell.day, {})[cell] = tally
    before = ""
    for name, its in sorted(days.items()):
        chunk = usage.Chunk(name, its, done=id_floor(MIDNIGHT_S) if name == max(days) else id_floor(0) + name)
        assert await sums._add(ACCOUNT, chunk, usage.Place("", before))
        before = chunk.done
    newest = [entry(number, NOW_S + number) for number in range(700)]
    stored(api, newest)
    sizes = [item for (_, sort), item in api.tables["ledger"].items.items() if sort[:6] == "usage#"]
    assert sum(map(item_bytes, sizes)) < 1024 * 1024, "a page has a megabyte"
    api.calls.clear()
    found = await DynamoMoney(api, "accounts", "ledger").usage(ACCOUNT, min(days))
    # One page of sums, and one of what is not summed up yet.
    assert api.calls == {"Query": 2}
    whole = total(found.values())
    assert (whole.requests, whole.cost_nanousd) == (10_000_700, 1_000_070_000)


@pytest.mark.parametrize("seed", range(5))
async def test_sums_are_what_entries_come_to_at_any_bound(seed: int) -> None:
    entries, api, chance = drawn(seed), SimulatedDynamoDb(page=7), random.Random(seed)
    sums = stored(api, entries)
    bounds = [MIDNIGHT_S + chance.uniform(-DAY_S, 1.2 * DAY_S) for _ in range(6)]
    for until_s in bounds:
        await sums.sum_up(ACCOUNT, until_s, at_least=1)
        checked(api, entries)
        assert await sums.read(ACCOUNT, FIRST_DAY) == without_empty(summed(entries))
    today = [one for one in entries if one.entry_id >= id_floor(MIDNIGHT_S)]
    assert await sums.read(ACCOUNT, "2026-11-21") == without_empty(summed(today))
    assert await sums.sum_up(ACCOUNT, MIDNIGHT_S + 2 * DAY_S, at_least=1) == sum(
        one.entry_id >= id_floor(max(bounds)) for one in entries
    )


@pytest.mark.parametrize("has_effect", [False, True])
async def test_a_death_at_any_call_adds_nothing_twice(*, has_effect: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "READ_AT_ONCE", 7)
    entries, died = drawn(1, 25), True
    for call in itertools.count():
        api = MortalDynamoDb()
        sums = stored(api, entries)
        api.death = (call, has_effect)
        try:
            await sums.sum_up(ACCOUNT, LATER_S, at_least=1)
            died = False
        except Died:
            checked(api, entries)
        api.death = None
        await sums.sum_up(ACCOUNT, LATER_S, at_least=1)
        checked(api, entries)
        assert await sums.sum_up(ACCOUNT, LATER_S, at_least=1) == 0
        if not died:
            assert call > 10
            return


class Interleaved(SimulatedDynamoDb):
    """The simulation, which lets other tasks run at each call, and delivers writes again."""

    def __init__(self) -> None:
        super().__init__(page=5)
        self.chance = random.Random(3)
        self.sent: list[tuple[str, Mapping[str, Any]]] = []

    async def call(self, service: str, operation: str, payload: Mapping[str, Any]) -> Item:
        for _ in range(self.chance.randrange(4)):
            await asyncio.sleep(0)
        if operation not in {"Query", "GetItem"}:
            self.sent.append((operation, payload))
        return await super().call(service, operation, payload)


async def test_summing_beside_itself_and_in_any_order_counts_each_entry_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "READ_AT_ONCE", 10)
    entries, api = drawn(2), Interleaved()
    sums = stored(api, entries)
    await asyncio.gather(*(sums.sum_up(ACCOUNT, LATER_S + DAY_S - 10 * each, at_least=1) for each in range(6)))
    checked(api, entries)
    api.chance.shuffle(api.sent)
    for operation, payload in api.sent * 2:
        with suppress(ConditionFailed, TransactionCanceled):
            api.done(operation, payload)
    checked(api, entries)


async def test_reports_and_ends_beside_the_summing_are_exact() -> None:
    api = Interleaved()
    money, sums = DynamoMoney(api, "accounts", "ledger"), UsageSums(MoneyTables(api, "accounts", "ledger"))
    await opened(money, ACCOUNT, balance=1_000_000)
    asked = [wanted(ACCOUNT, 100, NOW_S + number) for number in range(40)]
    holds = [await admitted(money, each, NOW_S) for each in asked]
    done: list[int] = []

    async def settle() -> None:
        for number, hold in enumerate(holds):
            assert (await money.settle(hold, charge(50 + number), NOW_S)).applied
            done.append(1)

    async def report() -> None:
        while len(done) < len(holds):
            at_least = len(done)
            seen = total((await money.usage(ACCOUNT, FIRST_DAY)).values()).requests
            assert at_least <= seen <= len(done) + 1

    async def sum_up() -> None:
        while len(done) < len(holds):
            await sums.sum_up(ACCOUNT, NOW_S + len(done) + api.chance.randrange(-3, 2), at_least=1)

    await asyncio.gather(settle(), report(), report(), sum_up(), sum_up())
    look = await money.read_account(ACCOUNT)
    assert look is not None
    joined = [one.summed for one in look.entries]
    assert 0 < sum(joined) < len(holds), joined
    checked(api, look.entries)


async def test_half_a_transaction_is_read_again() -> None:
    entries, api = drawn(4), SimulatedDynamoDb()
    sums = stored(api, entries)
    await sums.sum_up(ACCOUNT, LATER_S, at_least=1)
    (address, item), *_ = [(key, item) for key, item in api.tables["ledger"].items.items() if key[1][:6] == "usage#"]
    api.tables["ledger"].items[address] = {**item, "r": {"N": "1000"}, "x": {"N": str(int(item["x"]["N"]) + 1)}}
    with pytest.raises(ServiceUnavailable):
        await sums.read(ACCOUNT, FIRST_DAY)


async def test_more_cells_than_a_transaction_takes_are_several() -> None:
    entries = [entry(number, NOW_S, model=f"model-{number}") for number in range(250)]
    api = SimulatedDynamoDb()
    assert await stored(api, entries).sum_up(ACCOUNT, LATER_S, at_least=1) == 250
    assert api.calls["TransactWriteItems"] == 3
    checked(api, entries)


async def test_sums_that_lack_entries_are_mended() -> None:
    api, entries = SimulatedDynamoDb(), drawn(7)
    sums = stored(api, entries)
    await sums.sum_up(ACCOUNT, LATER_S + DAY_S, at_least=1)
    # A release that knows of no sums has ended these: they are neither marked nor beyond.
    missed = [entry(1_000 + number, MIDNIGHT_S - 60, model=f"model-{number}") for number in range(200)]
    stored(api, missed)
    await sums.sum_up(ACCOUNT, LATER_S + DAY_S, at_least=1)
    assert await sums.read(ACCOUNT, FIRST_DAY) != without_empty(summed([*entries, *missed]))
    assert [await sums.mend(ACCOUNT, day) for day in ("2026-11-20", "2026-11-20", "2026-11-21")] == [200, 0, 0]
    checked(api, [*entries, *missed])
    assert await sums.mend(ACCOUNT, "2026-11-01") == 0


async def test_few_entries_are_left_as_they_are() -> None:
    api = SimulatedDynamoDb()
    sums = stored(api, drawn(5, usage.WORTH - 1))
    assert await sums.sum_up(ACCOUNT, LATER_S + DAY_S) == 0
    assert api.write_units == 0


async def test_what_is_not_summed_up_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "TAIL_MAX", 59)
    sums = stored(SimulatedDynamoDb(), drawn(6, 60))
    with pytest.raises(ServiceUnavailable, match="still being added up"):
        await sums.read(ACCOUNT, FIRST_DAY)
    await sums.sum_up(ACCOUNT, LATER_S + DAY_S, at_least=1)
    assert total((await sums.read(ACCOUNT, FIRST_DAY)).values()).requests == 60


async def test_names_of_any_length_and_character_keep_their_sums_apart() -> None:
    entries = [entry(1, NOW_S, model="m" * 3_000 + end) for end in ("#", "~", "", "é")]
    entries = [replace(one, entry_id=hold_id_at(NOW_S, number), hold_id=None) for number, one in enumerate(entries)]
    api = SimulatedDynamoDb()
    sums = stored(api, entries)
    await sums.sum_up(ACCOUNT, LATER_S, at_least=1)
    assert sorted(cell.model[3_000:] for cell in await sums.read(ACCOUNT, FIRST_DAY)) == ["", "#", "~", "é"]


async def test_active_accounts_are_summed_up_but_for_what_is_young() -> None:
    api = SimulatedDynamoDb()
    old = [entry(number, NOW_S - usage.SETTLED_S - 1 - number / 10) for number in range(usage.WORTH)]
    young = [entry(1_000, NOW_S - usage.SETTLED_S + 1)]
    sums = stored(api, [*old, *young])
    account = api.tables["accounts"].items[ACCOUNT,]
    api.tables["accounts"].items[ACCOUNT,] = {
        **account,
        "active_shard": text(shard_of(ACCOUNT)),
        "active_slot": {"N": "1"},
    }
    report = await sum_up_active(sums, lambda: NOW_S, NOW_S + 1)
    assert (report.accounts, report.entries, report.failed) == (1, usage.WORTH, 0)
    checked(api, [*old, *young])
    assert (await sum_up_active(sums, lambda: NOW_S, NOW_S)).accounts == 0


async def test_dynamodb_takes_what_the_simulation_takes(dynamodb_local: str, account_id: str) -> None:
    client = Client()
    try:
        await summed_on(local_api(client, dynamodb_local), account_id)
    finally:
        await client.close()


async def summed_on(api: DynamoDb, account_id: str) -> None:
    """Sums up between an end and a late end, and compares."""
    money, sums = DynamoMoney(api, "accounts", "ledger"), UsageSums(MoneyTables(api, "accounts", "ledger"))
    await opened(money, account_id)
    early, late = [await admitted(money, wanted(account_id, 100, NOW_S + number)) for number in range(2)]
    await money.settle(early, charge(50), NOW_S)
    assert await sums.sum_up(account_id, LATER_S, at_least=1) == 2
    estimated = replace(await money.checkpoint(late, charge(20)), checkpoint=charge(20))
    await money.expire(estimated, NOW_S)
    await money.settle(late, charge(70), NOW_S)
    entries = await money.entries(account_id, since_s=0, until_s=LATER_S, limit=10)
    assert [each.summed for each in entries] == [True, True, False, False]
    assert await sums.read(account_id, FIRST_DAY) == without_empty(summed(entries))
    # Those that have joined the sums are passed over once.
    assert [await sums.sum_up(account_id, LATER_S, at_least=1) for _ in range(2)] == [2, 0]
    assert await sums.read(account_id, FIRST_DAY) == without_empty(summed(entries))
