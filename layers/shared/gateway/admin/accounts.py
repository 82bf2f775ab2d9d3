"""Operations on accounts that an operator may do, on given stores; the command lines use them."""

from __future__ import annotations

import secrets
from typing import Any

from msgspec import to_builtins

from gateway.accounts.keyring import Keyring
from gateway.canonical.money import AccountSnapshot, Act, Entry, NanoUsd
from gateway.errors import NotFound
from gateway.ledger.hold_ids import hold_id_at
from gateway.ledger.money import NotAnAmount
from gateway.limits.windows import ACCOUNT_RPM_LIMIT
from gateway.wiring.operator import Operator

Document = dict[str, Any]


async def create_account(
    services: Operator,
    balance_nanousd: NanoUsd,
    act: Act,
    *,
    rpm_limit: int = ACCOUNT_RPM_LIMIT,
    account_id: str | None = None,
) -> tuple[str, str]:
    """Creates an account and its first key, which manages the account; returns the account's id and the key's text.

    The text is shown this once.
    """
    account_id = account_id or new_account_id(services)
    await services.money.open_account(account_id, rpm_limit)
    if balance_nanousd:
        await credit(services, account_id, balance_nanousd, act, once="first-balance")
    keyring = Keyring(services.key_store, services.money, services.clock)
    full_key, _ = await keyring.create(account_id, keyring.new_id(), {"name": "first key", "can_manage_keys": True})
    return account_id, full_key


def new_account_id(services: Operator) -> str:
    """Draws the id of an account to be made."""
    return f"acct_{hold_id_at(services.clock.now_s(), secrets.randbits(40))}"


async def known_account(services: Operator, account_id: str) -> None:
    """Raises `NotFound` for an account that does not exist."""
    if await services.money.state(account_id, "", 0, services.clock.now_s()) is None:
        raise NotFound(f"There is no account '{account_id[:100]}'.")


async def credit(services: Operator, account_id: str, amount_nanousd: NanoUsd, act: Act, *, once: str) -> Entry:
    """Adds money once for a reference; raises `NotFound` for an unknown account, `NotAnAmount` for none."""
    if amount_nanousd <= 0:
        raise NotAnAmount("a credit is above 0")
    now_s = services.clock.now_s()
    return await services.money.credit(account_id, amount_nanousd, once=once, now_s=now_s, note=once, act=act)


async def read_ledger(services: Operator, account_id: str) -> Document:
    """The account's ledger as a document: integers of nano-USD and epoch seconds, credits positive, charges negative.

    `balance_nano` is the free part, so `balance_nano + held_nano` is the sum of the entries. Raises `NotFound`.
    """
    found = await services.money.read_account(account_id)
    if found is None:
        raise NotFound(f"There is no account '{account_id}'.")
    return ledger_document(found)


def ledger_document(found: AccountSnapshot) -> Document:
    """Shows a snapshot of an account as a document, in the units of `read_ledger`."""
    return {
        "account_id": found.account_id,
        "balance_nano": found.free_nanousd,
        "held_nano": found.held_nanousd,
        "rpm_limit": found.rpm_limit,
        "disabled": found.disabled,
        "holds": [
            {
                "id": hold.hold_id,
                "amount_nano": hold.amount_nanousd,
                "expires_at": hold.deadline_s,
                "key_id": hold.key_id,
            }
            for hold in found.holds
        ],
        "entries": [entry_document(entry) for entry in found.entries],
    }


def entry_document(entry: Entry) -> Document:
    """Shows an entry with every field that it has."""
    charged: Document = {} if entry.charge is None else to_builtins(entry.charge)
    if charged:
        charged["cost_nano"] = charged.pop("cost_nanousd")
        charged["usage"]["uses"] = dict(charged["usage"]["uses"])
    return {
        "id": entry.entry_id,
        "kind": entry.kind.value,
        "amount_nano": entry.amount_nanousd,
        "request_id": None,
        "created_at": entry.created_at_s,
        "hold_id": entry.hold_id,
        "key_id": entry.key_id,
        "note": entry.note,
        "by": None if entry.act is None else entry.act.by,
        "why": None if entry.act is None else entry.act.why,
        **charged,
        **({} if entry.failure is None else to_builtins(entry.failure)),
    }
