"""Tests of the operator's commands on the tables of DynamoDB Local, and of the sweeper that the schedule starts."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import orjson
import pytest
from moto import mock_aws
from msgspec.structs import replace

from gateway.admin.accounts import create_account, credit, read_ledger
from gateway.admin.commands import COMMANDS, answered, main, parser, shown, stack_settings
from gateway.auth.principal import key_hash
from gateway.canonical.money import Act
from gateway.errors import NotFound, ServiceUnavailable
from gateway.ledger.hold_ids import hold_id_at
from gateway.providers.auth.sigv4 import AwsCredentials
from gateway.stores.money.items import entry_item
from gateway.stores.money.store import DynamoMoney
from gateway.stores.money.tables import MoneyTables
from gateway.stores.money.usage import WORTH, UsageSums
from gateway.wiring.operator import Operator
from gateway.wiring.settings import Settings, from_environment
from tests.fakes.invocations import LambdaContext
from tests.fakes.money import MemoryMoney
from tests.fakes.operator import StandingClock, memory_operator
from tests.money.conftest import BOTO
from tests.money.given import FAILURE, NOW_S, admitted, charge, opened, wanted
from tests.money.simulation.dynamodb import SimulatedDynamoDb

pytestmark = pytest.mark.anyio
ACT = Act("ann", "a test")
WHY = ("--by", "ann", "--why", "a test")


@pytest.fixture
def services() -> Operator:
    return memory_operator()


async def test_usage_is_summed_up_and_mended_by_hand(services: Operator) -> None:
    api = SimulatedDynamoDb()
    money = DynamoMoney(api, "accounts", "ledger")
    services = replace(services, money=money, sums=UsageSums(MoneyTables(api, "accounts", "ledger")))
    words = parser().parse_args(["--stack", "nexgate", "sum-up", "acct_1", "--mend", "3"])
    with pytest.raises(NotFound):
        await COMMANDS[words.command](services, words)
    await opened(money, "acct_1")
    for back_s in (86_400, 400):
        await money.settle(await admitted(money, wanted("acct_1", 100, NOW_S - back_s)), charge(60), NOW_S)
    assert await COMMANDS[words.command](services, words) == {"account_id": "acct_1", "entries": 3, "mended": {}}
    (_, known, _) = await money.entries("acct_1", since_s=0, until_s=NOW_S, limit=3)
    # A release that knows of no sums has ended this one.
    missed = entry_item(replace(known, entry_id=hold_id_at(NOW_S - 80_000, 1)))
    api.tables["ledger"].items[api.tables["ledger"].key_of(missed)] = missed
    answer = await COMMANDS[words.command](services, words)
    assert answer == {"account_id": "acct_1", "entries": 0, "mended": {"2026-11-20": 1}}


@pytest.fixture(scope="module")
def tables(dynamodb_local: str) -> Settings:
    """Builds settings of the tables in DynamoDB Local."""
    BOTO.client("dynamodb", endpoint_url=dynamodb_local).create_table(
        TableName="keys",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "key_hash", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "key_hash", "AttributeType": "S"}],
    )
    names = {"KEYS_TABLE": "keys", "ACCOUNTS_TABLE": "accounts", "LEDGER_TABLE": "ledger"}
    plain = from_environment({**names, "AWS_ENDPOINT_URL_DYNAMODB": dynamodb_local})
    return replace(plain, aws_credentials=AwsCredentials("test", "test"))


async def test_a_new_account_has_its_balance_and_a_key_that_manages_it(services: Operator) -> None:
    account_id, full_key = await create_account(services, 5_000, ACT)
    assert re.fullmatch(r"sk-xc-[A-Za-z0-9_-]{43}", full_key)
    document = await read_ledger(services, account_id)
    assert (document["balance_nano"], document["held_nano"]) == (5_000, 0)
    (key,) = await services.key_store.page(account_id, limit=10)
    assert (key.can_manage_keys, key.last4, key.account_id) == (True, full_key[-4:], account_id)


async def test_the_ledger_is_integers_that_sum_to_balance_and_held(services: Operator) -> None:
    account_id, _ = await create_account(services, 5_000, ACT)
    done = await admitted(services.money, wanted(account_id, 300))
    await services.money.settle(done, charge(120), NOW_S)
    open_hold = await admitted(services.money, wanted(account_id, 400))
    document = orjson.loads(orjson.dumps(await read_ledger(services, account_id)))
    assert (document["balance_nano"], document["held_nano"]) == (4_480, 400)
    assert sum(entry["amount_nano"] for entry in document["entries"]) == 4_880
    (hold,) = document["holds"]
    assert (hold["id"], hold["amount_nano"], hold["expires_at"]) == (open_hold.hold_id, 400, open_hold.deadline_s)
    charged = next(entry for entry in document["entries"] if entry["kind"] == "charge")
    assert (charged["amount_nano"], charged["request_id"], charged["tier"], charged["usage"]["output"]) == (
        -120,
        "req-1",
        "fast",
        5,
    )


async def test_a_credit_with_the_same_reference_is_one_credit(services: Operator) -> None:
    account_id, _ = await create_account(services, 0, ACT)
    await credit(services, account_id, 70, ACT, once="invoice-1")
    await credit(services, account_id, 70, ACT, once="invoice-1")
    assert (await read_ledger(services, account_id))["balance_nano"] == 70


async def test_an_unknown_account_is_told(services: Operator) -> None:
    with pytest.raises(NotFound):
        await read_ledger(services, "acct_unknown")


async def test_the_commands_work_on_the_deployed_tables(tables: Settings) -> None:
    async def command(*words: str) -> dict[str, Any]:
        return await answered(tables, parser().parse_args(["--stack", "any", *words]))

    made = await command("create-account", "--balance", "2.5", "--rpm", "77", *WHY)
    account_id = made["account_id"]
    await command("credit", account_id, "0.5", "--once", "invoice-7", *WHY)
    await command("credit", account_id, "0.5", "--once", "invoice-7", *WHY)
    await command("limit", account_id, "99", *WHY)
    await command("disable", account_id, *WHY)
    ledger = await command("ledger", account_id, "--json")
    assert (ledger["balance_nano"], ledger["rpm_limit"], ledger["disabled"]) == (3_000_000_000, 99, True)
    assert [(entry["note"], entry["by"], entry["why"]) for entry in ledger["entries"]] == [
        ("first-balance", "ann", "a test"),
        ("invoice-7", "ann", "a test"),
    ]
    key_id = await _key_id_of(tables, made["full_key"])
    await command("disable", account_id, "--key", key_id, *WHY)
    assert (await command("enable", account_id, "--key", key_id, *WHY))["disabled"] is False
    assert set(await command("sweep", "--now", str(NOW_S))) == {"released", "charged", "ended_before", "left"}


async def _key_id_of(tables: Settings, full_key: str) -> str:
    client = BOTO.client("dynamodb", endpoint_url=tables.endpoints["dynamodb"])
    item = client.get_item(TableName="keys", Key={"key_hash": {"S": key_hash(full_key)}})["Item"]
    assert full_key not in str(item)
    return str(item["key_id"]["S"])


async def test_a_ledger_can_be_read_by_a_person(services: Operator) -> None:
    account_id, _ = await create_account(services, 2_500_000_000, ACT)
    text = shown(parser().parse_args(["--stack", "any", "ledger", account_id]), await read_ledger(services, account_id))
    assert text.splitlines()[0] == "free 2.5 USD, held 0 USD"
    assert text.splitlines()[1].startswith("credit ")


async def test_a_failed_request_is_shown_to_the_operator_with_its_tries(services: Operator) -> None:
    account_id, _ = await create_account(services, 2_500_000_000, ACT)
    await services.money.release(await admitted(services.money, wanted(account_id)), NOW_S, FAILURE)
    (entry,) = [each for each in (await read_ledger(services, account_id))["entries"] if each["kind"] == "release"]
    assert (entry["request_id"], entry["model_requested"]) == (FAILURE.request_id, FAILURE.model_requested)
    assert entry["route"] == FAILURE.route


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Simulates the outputs of a deployed stack."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    tables = {"KeysTable": "nexgate-keys", "AccountsTable": "nexgate-accounts", "LedgerTable": "nexgate-ledger"}
    tables |= {"NoticesQueue": "https://sqs.us-east-1.amazonaws.com/123456789012/nexgate-notices"}
    tables |= {"ProvidersSecret": "arn:aws:secretsmanager:us-east-1:123456789012:secret:providers"}
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {name: {"Value": value} for name, value in tables.items()},
    }
    with mock_aws(config={"core": {"mock_credentials": False}}):
        client = boto3.client("cloudformation", region_name="us-east-1")
        client.create_stack(StackName="nexgate", TemplateBody=orjson.dumps(template).decode())
        yield


@pytest.mark.usefixtures("stack")
def test_the_tables_are_found_by_the_stacks_outputs() -> None:
    chosen = stack_settings("nexgate", "us-east-1")
    assert (chosen.keys_table, chosen.accounts_table, chosen.ledger_table, chosen.region) == (
        "nexgate-keys",
        "nexgate-accounts",
        "nexgate-ledger",
        "us-east-1",
    )
    assert chosen.aws_credentials == AwsCredentials("test", "test")
    assert chosen.notices_queue_url.endswith("/nexgate-notices")
    assert chosen.providers_secret == "arn:aws:secretsmanager:us-east-1:123456789012:secret:providers"


@pytest.mark.usefixtures("stack")
def test_an_amount_that_is_none_is_refused_before_anything_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--stack", "nexgate", "--region", "us-east-1", "create-account", "--balance", "1e9 USD", *WHY]) == 1
    assert "not a decimal amount" in capsys.readouterr().err


@pytest.fixture
def sweeper(monkeypatch: pytest.MonkeyPatch) -> tuple[ModuleType, MemoryMoney]:
    import functions.sweeper.app as module

    money = MemoryMoney()
    monkeypatch.setattr("gateway.wiring.sweeping.money", lambda: money)
    monkeypatch.setattr("gateway.wiring.sweeping.process", lambda: SimpleNamespace(clock=StandingClock()))
    monkeypatch.setattr(module, "clear_sessions", _two)
    return module, money


def test_the_scheduled_sweeper_ends_what_is_overdue_by_its_own_clock(
    sweeper: tuple[ModuleType, MemoryMoney],
) -> None:
    module, money = sweeper
    overdue = replace(wanted("acct_a", 30), deadline_s=int(NOW_S) - 1)
    running = wanted("acct_a", 50)
    asyncio.run(_two_holds(money, overdue, running))
    swept = module.handler({"now": NOW_S + 1e9}, LambdaContext())
    assert swept == {"released": 1, "charged": 0, "ended_before": 0, "left": 0, "sessions": 2}
    found = asyncio.run(money.read_account("acct_a"))
    assert found is not None
    assert [hold.hold_id for hold in found.holds] == [running.hold_id]


def test_holds_are_swept_where_sessions_cannot_be_read(
    sweeper: tuple[ModuleType, MemoryMoney], monkeypatch: pytest.MonkeyPatch
) -> None:
    module, money = sweeper
    monkeypatch.setattr(module, "clear_sessions", _down)
    asyncio.run(_two_holds(money, replace(wanted("acct_a", 30), deadline_s=int(NOW_S) - 1)))
    with pytest.raises(ServiceUnavailable):
        module.handler({}, LambdaContext())
    found = asyncio.run(money.read_account("acct_a"))
    assert found is not None
    assert found.holds == ()


async def _two() -> int:
    return 2


async def _down() -> int:
    raise ServiceUnavailable("down")


async def _two_holds(money: MemoryMoney, *asked: Any) -> None:
    await money.open_account("acct_a", 1_000)
    await money.credit("acct_a", 1_000, once="start", now_s=NOW_S)
    for one in asked:
        await admitted(money, one)


@pytest.fixture
def summing(monkeypatch: pytest.MonkeyPatch) -> tuple[ModuleType, SimulatedDynamoDb]:
    import functions.usage.app as module

    api = SimulatedDynamoDb()
    settings = SimpleNamespace(accounts_table="accounts", ledger_table="ledger")
    on = SimpleNamespace(aws=api, settings=settings, clock=StandingClock())
    monkeypatch.setattr("gateway.wiring.usage.process", lambda: on)
    return module, api


def test_the_scheduled_function_sums_up_accounts_that_were_active(
    summing: tuple[ModuleType, SimulatedDynamoDb],
) -> None:
    module, api = summing
    asyncio.run(_charged(DynamoMoney(api, "accounts", "ledger"), WORTH))
    event = orjson.loads((Path(__file__).parents[2] / "events" / "usage.json").read_bytes())
    assert module.handler(event, LambdaContext()) == {"accounts": 1, "entries": WORTH + 1, "failed": 0}
    assert module.handler(event, LambdaContext()) == {"accounts": 1, "entries": 0, "failed": 0}


def test_an_account_that_cannot_be_summed_up_fails_the_run(
    summing: tuple[ModuleType, SimulatedDynamoDb], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(*_: object, **__: object) -> int:
        raise ServiceUnavailable("busy")

    module, api = summing
    asyncio.run(_charged(DynamoMoney(api, "accounts", "ledger"), 1))
    monkeypatch.setattr(UsageSums, "sum_up", busy)
    with pytest.raises(RuntimeError, match="of 1 accounts"):
        module.handler({}, LambdaContext())


async def _charged(money: DynamoMoney, count: int) -> None:
    at_s = NOW_S - 600
    await opened(money, "acct_a", balance=1_000_000)
    for _ in range(count):
        asked = replace(wanted("acct_a", 50, at_s), key_rpm_limit=900)
        await money.settle(await admitted(money, asked, at_s), charge(50), at_s)
