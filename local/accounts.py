"""The stack's own account and first key: made once per data directory, and found there again."""

import hashlib
import logging
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path

import orjson

from gateway.bootstrap import SystemClock, aws_api
from gateway.errors import Conflict
from gateway.ledger.money import parse_usd
from gateway.limits.windows import ACCOUNT_RPM_LIMIT
from gateway.settings import from_environment
from gateway.stores.money_dynamodb import DynamoMoney
from gateway.transport import Client
from local.aws_services import Services

log = logging.getLogger(__name__)
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
        key_id=f"key_{secrets.token_hex(12)}",
        account_id=f"acc_{secrets.token_hex(12)}",
    )
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as output:
        output.write(orjson.dumps(asdict(made)))
    return made


def register_key(services: Services, keys_table: str, key: FirstKey) -> None:
    """Writes the key where the functions look it up, unless it stands there already; blocks."""
    client = services.client("dynamodb")
    item = {
        "key_hash": {"S": hashlib.sha256(key.api_key.encode()).hexdigest()},
        "key_id": {"S": key.key_id},
        "account_id": {"S": key.account_id},
        "name": {"S": "local"},
        "last4": {"S": key.api_key[-4:]},
        "created_at_s": {"N": str(int(time.time()))},
        "can_manage_keys": {"BOOL": True},
    }
    try:
        client.put_item(TableName=keys_table, Item=item, ConditionExpression="attribute_not_exists(key_hash)")
    except client.exceptions.ConditionalCheckFailedException:
        # It was made by an earlier start, and may have been changed since.
        return


async def open_account(environment: Mapping[str, str], account_id: str, balance_usd: Decimal) -> None:
    """The account with its first balance, by the functions' own ledger; an account that exists keeps what it has.

    `environment` is that of a function that knows the tables of money.
    """
    chosen = from_environment(environment)
    clock, client = SystemClock(), Client()
    money = DynamoMoney(aws_api(chosen, client, clock), chosen.accounts_table, chosen.ledger_table)
    try:
        await money.open_account(account_id, ACCOUNT_RPM_LIMIT)
    except Conflict:
        log.info("the account %s exists", account_id)
    if balance_usd:
        amount_nanousd = parse_usd(str(balance_usd))
        # `once` makes it a single credit, also where an earlier start died between the two writes.
        await money.credit(account_id, amount_nanousd, once=FIRST_BALANCE, now_s=clock.now_s())
    await client.close()
