"""Creates the stack's account and first key once per data directory, and reads them back at later starts."""

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path

import orjson

from gateway.auth.principal import key_hash
from gateway.errors import Conflict
from gateway.ledger.money import parse_written_usd
from gateway.limits.windows import ACCOUNT_RPM_LIMIT
from gateway.ports.keys import KeyRecord
from gateway.wiring.operator import operator
from gateway.wiring.settings import from_environment

FIRST_BALANCE = "local-first-balance"


@dataclass(frozen=True, slots=True)
class FirstKey:
    """The content of `stack.json`. The key is stored in no other place."""

    api_key: str
    key_id: str
    account_id: str


def first_key(data: Path) -> FirstKey:
    """Reads the data directory's key, or creates one if there is none. Only the file's owner can read it."""
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


def amount_of(usd: Decimal) -> int:
    """The amount in nano-USD, however the decimal was written; raises `NotAnAmount`."""
    return parse_written_usd(str(usd))


async def open_account(environment: Mapping[str, str], key: FirstKey, balance_usd: Decimal) -> None:
    """Creates the account with its key and first balance through the functions' own stores.

    `environment` is that of a function that knows the tables. Existing records stay unchanged, so it is safe to call
    this
    again after a start that failed half-way.
    """
    async with operator(from_environment(environment)) as stores:
        now_s = stores.clock.now_s()
        with suppress(Conflict):
            await stores.money.open_account(key.account_id, ACCOUNT_RPM_LIMIT)
        if balance_usd:
            await stores.money.credit(key.account_id, amount_of(balance_usd), once=FIRST_BALANCE, now_s=now_s)
        record = KeyRecord(key.key_id, key.account_id, "local", key.api_key[-4:], int(now_s), can_manage_keys=True)
        with suppress(Conflict):
            await stores.key_store.add(key_hash(key.api_key), record)
