"""The stack's own account and first key: made once per data directory, and found there again."""

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path

import orjson

from gateway.auth.principal import key_hash
from gateway.bootstrap import SystemClock, aws_api
from gateway.errors import Conflict
from gateway.ledger.money import parse_usd
from gateway.limits.windows import ACCOUNT_RPM_LIMIT
from gateway.ports import KeyRecord
from gateway.settings import from_environment
from gateway.stores.key_store import DynamoKeyStore
from gateway.stores.money_dynamodb import DynamoMoney
from gateway.stores.money_tables import MoneyTables
from gateway.transport import Client

FIRST_BALANCE = "local-first-balance"


@dataclass(frozen=True, slots=True)
class FirstKey:
    """What `stack.json` remembers; the key itself stands nowhere else."""

    api_key: str
    key_id: str
    account_id: str


def first_key(data: Path) -> FirstKey:
    """The data directory's key, new where it has none; only its owner may read the file."""
    file = data / "stack.json"
    if file.is_file():
        return FirstKey(**orjson.loads(file.read_bytes()))
    made = FirstKey(
        api_key=f"sk-xc-{secrets.token_urlsafe(32)}",
        key_id=f"key_{secrets.token_hex(9)}",
        account_id=f"acc_{secrets.token_hex(12)}",
    )
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as output:
        output.write(orjson.dumps(asdict(made)))
    return made


async def open_account(environment: Mapping[str, str], key: FirstKey, balance_usd: Decimal) -> None:
    """The account with its key and first balance, through the functions' own stores; what exists stays as it is.

    `environment` is that of a function that knows the tables. A start that died after any step is gone on with.
    """
    chosen = from_environment(environment)
    clock, client = SystemClock(), Client()
    aws = aws_api(chosen, client, clock)
    tables = MoneyTables(aws, chosen.accounts_table, chosen.ledger_table)
    money = DynamoMoney(aws, chosen.accounts_table, chosen.ledger_table)
    now_s = clock.now_s()
    with suppress(Conflict):
        await money.open_account(key.account_id, ACCOUNT_RPM_LIMIT)
    if balance_usd:
        await money.credit(key.account_id, parse_usd(str(balance_usd)), once=FIRST_BALANCE, now_s=now_s)
    record = KeyRecord(key.key_id, key.account_id, "local", key.api_key[-4:], int(now_s), can_manage_keys=True)
    with suppress(Conflict):
        await DynamoKeyStore(tables, chosen.keys_table).add(key_hash(key.api_key), record)
    await client.close()
