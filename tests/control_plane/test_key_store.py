"""Tests that run on every key store (memory, DynamoDB Local, moto), so that all behave alike."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import fields, replace

from gateway.accounts.keyring import Caller, Keyring
from gateway.auth.principal import Principal
from gateway.errors import Conflict, NotFound
from gateway.ports.keys import KeyRecord, Keys, KeyStore
from gateway.providers.auth.sigv4 import AwsCredentials
from gateway.stores.aws.client import AwsApi
from gateway.stores.aws.credentials import StaticCredentials
from gateway.stores.keys import store as key_store
from gateway.stores.keys.lookup import DynamoKeys
from gateway.stores.keys.store import DynamoKeyStore
from gateway.stores.money.tables import MoneyTables
from gateway.transport import Client, Timeouts
from local.aws_services import Services
from tests.control_plane.harness import StoppedClock
from tests.fakes.keys import MemoryKeyStore
from tests.fakes.money import MemoryMoney
from tests.hangs import HANGS_AFTER_S
from tests.stores.servers import Endpoints

pytestmark = pytest.mark.anyio

Stores = tuple[KeyStore, Keys]
BACKENDS = ("memory", "dynamodb_local", "moto")
EVERYTHING = KeyRecord(
    key_id="key_b",
    account_id="acc_one",
    name="prod-2026 ✓",
    last4="abcd",
    created_at_s=1_795_243_210,
    disabled=True,
    revoked=False,
    expires_at_s=1_900_000_000,
    rpm_limit=5,
    tpm_limit=1_000,
    max_parallel=3,
    allowed_ips=("203.0.113.0/24", "2001:db8::/32"),
    allowed_models=("gpt-4o", "claude-*"),
    monthly_spend_cap_nanousd=100_500_000_001,
    region_policy="cn-only",
    alert_webhook_url="https://your-app.example/billing-alert",
    can_manage_keys=True,
    user_rpm_limit=4,
    parent_key_id="key_a",
    user_id="user_1",
    org_id="org_1",
    seat=3,
    seat_cap_nanousd=5_000_000_000,
    has_provider_keys=True,
    cache="semantic",
    cache_threshold_thousandths=800,
)
PLAIN = KeyRecord(key_id="key_a", account_id="acc_one", name="plain", last4="wxyz", created_at_s=1_795_243_209)
MANAGING = replace(PLAIN, key_id="key_m", can_manage_keys=True)


@pytest.fixture(params=BACKENDS)
async def stores(request: pytest.FixtureRequest, endpoints: Endpoints) -> AsyncIterator[Stores]:
    """Builds the managed keys, and the lookup that an app uses to find them."""
    if request.param == "memory":
        memory = MemoryKeyStore()
        yield memory, memory
        return
    endpoint = endpoints.of(request.param)
    names = {name: f"{name}-{secrets.token_hex(4)}" for name in ("keys", "ledger")}
    _create_tables(endpoint, names)
    client, clock = Client(), StoppedClock()
    credentials = StaticCredentials(AwsCredentials("local", "local"))
    aws = AwsApi(
        client,
        clock,
        credentials,
        "us-east-1",
        {"dynamodb": endpoint},
        Timeouts(HANGS_AFTER_S, HANGS_AFTER_S, HANGS_AFTER_S),
    )
    yield (
        DynamoKeyStore(MoneyTables(aws, "accounts", names["ledger"]), names["keys"]),
        DynamoKeys(aws, clock, names["keys"]),
    )
    await client.close()


def _create_tables(endpoint: str, names: dict[str, str]) -> None:
    boto = Services(dynamodb=endpoint, moto=endpoint).client("dynamodb")
    for table, keys in (("keys", ("key_hash",)), ("ledger", ("account_id", "sk"))):
        kinds = zip(keys, ("HASH", "RANGE"), strict=False)
        boto.create_table(
            TableName=names[table],
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
            KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in kinds],
        )


def test_the_record_with_everything_leaves_no_setting_at_its_default() -> None:
    plain = {field.name: getattr(PLAIN, field.name) for field in fields(KeyRecord)}
    same = {name for name, value in plain.items() if getattr(EVERYTHING, name) == value}
    assert same == {"account_id", "revoked"}


@pytest.mark.parametrize("record", [PLAIN, EVERYTHING], ids=["plain", "everything"])
async def test_a_key_is_read_as_it_was_added(stores: Stores, record: KeyRecord) -> None:
    store, keys = stores
    await store.add("hash", record)
    assert await store.get("acc_one", record.key_id) == record
    assert await keys.find("hash") == record


async def test_a_key_is_added_once(stores: Stores) -> None:
    store, _ = stores
    await store.add("hash", PLAIN)
    with pytest.raises(Conflict):
        await store.add("hash", replace(PLAIN, key_id="key_other"))
    with pytest.raises(Conflict):
        await store.add("another hash", replace(PLAIN, name="other"))
    assert list(await store.page("acc_one", limit=10)) == [PLAIN]


async def test_a_key_is_its_accounts_alone(stores: Stores) -> None:
    store, _ = stores
    await store.add("hash", PLAIN)
    assert await store.get("acc_two", "key_a") is None
    assert list(await store.page("acc_two", limit=10)) == []
    with pytest.raises(NotFound):
        await store.change("acc_two", "key_a", {"name": "mine"})


@pytest.mark.parametrize("key_id", ["key_unknown", "x" * 5_000, "key_" + "x" * 5_000, "", "key_\0", "entry#1"])
async def test_an_id_that_no_key_has_is_not_there(stores: Stores, key_id: str) -> None:
    store, _ = stores
    principal = Principal(MANAGING.account_id, MANAGING)
    keyring = Keyring(store, MemoryMoney(), StoppedClock())
    with pytest.raises(NotFound):
        await keyring.get(Caller(principal, "203.0.113.7"), key_id)


async def test_pages_go_from_the_highest_id_to_the_lowest(stores: Stores) -> None:
    store, _ = stores
    for letter in "cadb":
        await store.add(f"hash {letter}", replace(PLAIN, key_id=f"key_{letter}"))
    pages = [
        [key.key_id for key in await store.page("acc_one", limit=2, before=before)]
        for before in (None, "key_c", "key_b", "key_a")
    ]
    assert pages == [["key_d", "key_c"], ["key_b", "key_a"], ["key_a"], []]


async def test_a_page_may_be_longer_than_one_batch_of_reads(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_store, "BATCH", 2)
    store, _ = stores
    ids = [f"key_{number}" for number in range(7)]
    await asyncio.gather(*(store.add(f"hash {key_id}", replace(PLAIN, key_id=key_id)) for key_id in ids))
    assert [key.key_id for key in await store.page("acc_one", limit=6)] == ids[:0:-1]


@pytest.mark.parametrize("maker", [MANAGING, replace(EVERYTHING, disabled=False)], ids=["plain", "everything"])
async def test_a_key_is_added_by_one_that_stands_as_it_was(stores: Stores, maker: KeyRecord) -> None:
    store, _ = stores
    await store.add("hash m", maker)
    await store.add("hash a", replace(PLAIN, parent_key_id=maker.key_id), made_by=maker)
    assert await store.get("acc_one", "key_a") == replace(PLAIN, parent_key_id=maker.key_id)


@pytest.mark.parametrize(
    "change",
    [{"tpm_limit": 7}, {"allowed_models": ("o1",)}, {"disabled": True}, {"revoked": True}, {"can_manage_keys": False}],
    ids=lambda change: next(iter(change)),
)
async def test_a_key_is_not_added_by_one_that_has_changed(stores: Stores, change: dict[str, object]) -> None:
    store, _ = stores
    await store.add("hash m", MANAGING)
    await store.change("acc_one", "key_m", change)
    with pytest.raises(Conflict) as refused:
        await store.add("hash a", PLAIN, made_by=MANAGING)
    assert refused.value.code == "key_changed"
    assert await store.get("acc_one", "key_a") is None


async def test_a_change_is_to_what_it_names(stores: Stores) -> None:
    store, keys = stores
    await store.add("hash", EVERYTHING)
    changes = {
        "name": "new",
        "allowed_ips": (),
        "expires_at_s": None,
        "monthly_spend_cap_nanousd": None,
        "disabled": False,
    }
    changed = replace(
        EVERYTHING, name="new", allowed_ips=(), expires_at_s=None, monthly_spend_cap_nanousd=None, disabled=False
    )
    assert await store.change("acc_one", "key_b", changes) == changed
    assert await store.get("acc_one", "key_b") == changed
    assert await keys.find("hash") == changed


async def test_a_change_may_only_take_away(stores: Stores) -> None:
    store, _ = stores
    await store.add("hash", EVERYTHING)
    assert await store.change("acc_one", "key_b", {"rpm_limit": None}) == replace(EVERYTHING, rpm_limit=None)


async def test_changes_at_the_same_time_all_stay(stores: Stores) -> None:
    store, _ = stores
    await store.add("hash", PLAIN)
    changes: list[dict[str, object]] = [{"name": "new"}, {"rpm_limit": 7}, {"tpm_limit": 8}, {"disabled": True}]
    await asyncio.gather(*(store.change("acc_one", "key_a", change) for change in changes))
    expected = replace(PLAIN, name="new", rpm_limit=7, tpm_limit=8, disabled=True)
    assert await store.get("acc_one", "key_a") == expected


async def test_a_revoked_key_takes_no_change(stores: Stores) -> None:
    store, _ = stores
    await store.add("hash", PLAIN)
    await store.change("acc_one", "key_a", {"revoked": True})
    with pytest.raises(Conflict) as refused:
        await store.change("acc_one", "key_a", {"name": "alive"})
    assert refused.value.code == "key_revoked"


async def test_a_managing_key_may_go_while_another_one_stays(stores: Stores) -> None:
    store, _ = stores
    await store.add("hash m", MANAGING)
    await store.add("hash n", replace(MANAGING, key_id="key_n"))
    gone = await store.change("acc_one", "key_m", {"revoked": True}, while_managed_by="key_n")
    assert gone == replace(MANAGING, revoked=True)


@pytest.mark.parametrize(
    "loss",
    [{"revoked": True}, {"disabled": True}, {"can_manage_keys": False}, {"expires_at_s": 1_900_000_000}],
    ids=lambda loss: next(iter(loss)),
)
async def test_a_managing_key_stays_where_the_other_one_has_stopped(stores: Stores, loss: dict[str, object]) -> None:
    store, _ = stores
    await store.add("hash m", MANAGING)
    await store.add("hash n", replace(MANAGING, key_id="key_n"))
    await store.change("acc_one", "key_n", loss)
    with pytest.raises(Conflict) as refused:
        await store.change("acc_one", "key_m", {"revoked": True}, while_managed_by="key_n")
    assert refused.value.code == "last_managing_key"
    assert await store.get("acc_one", "key_m") == MANAGING


async def test_a_witness_that_is_not_there_is_none(stores: Stores) -> None:
    store, _ = stores
    await store.add("hash m", MANAGING)
    with pytest.raises(Conflict) as refused:
        await store.change("acc_one", "key_m", {"revoked": True}, while_managed_by="key_n")
    assert refused.value.code == "last_managing_key"


async def test_two_managing_keys_cannot_revoke_each_other(stores: Stores) -> None:
    store, _ = stores
    await store.add("hash m", MANAGING)
    await store.add("hash n", replace(MANAGING, key_id="key_n"))
    outcomes = await asyncio.gather(
        store.change("acc_one", "key_m", {"revoked": True}, while_managed_by="key_n"),
        store.change("acc_one", "key_n", {"revoked": True}, while_managed_by="key_m"),
        return_exceptions=True,
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "KeyRecord"]
    left = [key for key in await store.page("acc_one", limit=10) if key.manages_lastingly]
    assert len(left) == 1


async def test_all_keys_of_an_account_know_that_it_has_provider_keys_later_ones_too(stores: Stores) -> None:
    store, keys = stores
    ended, elsewhere = replace(PLAIN, key_id="key_e", revoked=True), replace(PLAIN, account_id="acc_two")
    for name, record in (("one", PLAIN), ("m", MANAGING), ("ended", ended), ("elsewhere", elsewhere)):
        await store.add(name, record)
    await store.note_provider_keys("acc_one")
    await store.note_provider_keys("acc_one")
    await store.add("later", replace(PLAIN, key_id="key_l"))
    await store.add("made", replace(PLAIN, key_id="key_n", parent_key_id="key_m"), made_by=MANAGING)
    noted = {}
    for name in ("one", "m", "ended", "elsewhere", "later", "made"):
        found = await keys.find(name)
        assert found is not None
        noted[name] = found.has_provider_keys
    assert noted == {"one": True, "m": True, "ended": False, "elsewhere": False, "later": True, "made": True}
