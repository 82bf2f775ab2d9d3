"""Money as DynamoDB items. Names in the account's item are short: it is written three times a request and
paid by the KB.

| item | key | attributes | |---|---|---| | account | `account_id` | `free`, `held`, `rpm`, `off`, `ver`
(counts writes); `minute`, `used`, `kw` {key: requests}; | | | | `month`, `km` {capped key: nano-USD}; `young`
{hold id: {`a` amount, `d` deadline, `k` key, `m` month}}; | | | | `active_shard`, `active_slot`: the sparse
index ByActivity of accounts that may have young holds | | hold | `account_id`, `hold#<id>` | as above, spelt
out; `checkpoint`; `sweep_shard`, `sweep_at_s`: the sparse index ByDeadline | | entry | `account_id`,
`entry#<id>` | all that the contract names; the id sorts by admission | | once | `account_id`,
`once#<reference>` | `entry_id`: the credit that this payment has brought already |

A number travels as text, so nano-dollars stay exact.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, TypeAlias

from gateway.canonical.money import Charge, Entry, EntryKind, Hold, NanoUsd, Tier
from gateway.canonical.usage import Usage
from gateway.stores.money_state import Account

Item: TypeAlias = dict[str, Any]

SCHEMA_VERSION = 1
ENTRY, HOLD, ONCE = "entry#", "hold#", "once#"
# Few enough to be read by one sweep, enough that no index partition meets its write limit.
SHARDS = 8
# An account moves in its index once in so long, however busy it is.
SLOT_S = 600
KEY_PREFIX = "key_"
FOREIGN = "="


def text(value: str) -> Item:
    """A string attribute."""
    return {"S": value}


def number(value: int) -> Item:
    """A number attribute."""
    return {"N": str(value)}


def mapping(values: Mapping[str, Item]) -> Item:
    """A map attribute."""
    return {"M": dict(values)}


def short(key_id: str) -> str:
    """A key's id as the account's item writes it: without the prefix that all of ours have."""
    return key_id[len(KEY_PREFIX) :] if key_id.startswith(KEY_PREFIX) else FOREIGN + key_id


def shard_of(identity: str) -> str:
    """Which part of a sparse index something is in."""
    return str(zlib.crc32(identity.encode()) % SHARDS)


def slot_of(now_s: float) -> int:
    """The slot of activity that now lies in."""
    return int(now_s) // SLOT_S


def account_key(account_id: str) -> Item:
    """The primary key of an account's item."""
    return {"account_id": text(account_id)}


def ledger_key(account_id: str, kind: str, identity: str) -> Item:
    """The primary key of an item of the ledger."""
    return {"account_id": text(account_id), "sk": text(kind + identity)}


def new_account(account_id: str, rpm_limit: int) -> Item:
    """An account with nothing in it."""
    zeros = dict.fromkeys(("free", "held", "minute", "used", "month", "ver"), number(0))
    empty = {name: mapping({}) for name in ("kw", "km", "young")}
    fixed = {"rpm": number(rpm_limit), "schema_version": number(SCHEMA_VERSION)}
    return {**account_key(account_id), **zeros, **empty, **fixed}


def read_account(item: Item) -> Account:
    """The account that an item says. Keys appear under their whole ids."""
    account_id = item["account_id"]["S"]
    return Account(
        account_id=account_id,
        free_nanousd=int(item["free"]["N"]),
        held_nanousd=int(item["held"]["N"]),
        rpm_limit=int(item["rpm"]["N"]),
        disabled="off" in item,
        minute=int(item["minute"]["N"]),
        used=int(item["used"]["N"]),
        key_used={_whole(key): int(value["N"]) for key, value in item["kw"]["M"].items()},
        month=int(item["month"]["N"]),
        key_spent={_whole(key): int(value["N"]) for key, value in item["km"]["M"].items()},
        young={hold_id: _read_young(account_id, hold_id, value["M"]) for hold_id, value in item["young"]["M"].items()},
        version=int(item["ver"]["N"]),
    )


def young(hold: Hold) -> Item:
    """A hold as the account's item carries it."""
    month = {} if hold.month is None else {"m": number(hold.month)}
    amount, deadline = number(hold.amount_nanousd), number(hold.deadline_s)
    return mapping({"a": amount, "d": deadline, "k": text(short(hold.key_id)), **month})


def parked_hold(hold: Hold) -> Item:
    """A hold as an item of its own."""
    return {
        **ledger_key(hold.account_id, HOLD, hold.hold_id),
        "key_id": text(hold.key_id),
        "amount": number(hold.amount_nanousd),
        "sweep_shard": text(shard_of(hold.hold_id)),
        "sweep_at_s": number(hold.deadline_s),
        "schema_version": number(SCHEMA_VERSION),
        **({} if hold.month is None else {"month": number(hold.month)}),
    }


def read_parked_hold(item: Item) -> Hold:
    """The hold that an item of its own says."""
    return Hold(
        account_id=item["account_id"]["S"],
        hold_id=item["sk"]["S"].removeprefix(HOLD),
        key_id=item["key_id"]["S"],
        amount_nanousd=int(item["amount"]["N"]),
        deadline_s=int(item["sweep_at_s"]["N"]),
        month=int(item["month"]["N"]) if "month" in item else None,
        parked=True,
        checkpoint=read_charge(item["checkpoint"]["M"]) if "checkpoint" in item else None,
    )


def entry_item(entry: Entry) -> Item:
    """An entry as it is kept for ever."""
    optional = {"hold_id": entry.hold_id, "key_id": entry.key_id, "note": entry.note}
    return {
        **ledger_key(entry.account_id, ENTRY, entry.entry_id),
        "kind": text(entry.kind.value),
        "amount": number(entry.amount_nanousd),
        "created_at_s": number(entry.created_at_s),
        "schema_version": number(SCHEMA_VERSION),
        **{name: text(value) for name, value in optional.items() if value is not None},
        **({} if entry.charge is None else charge_attributes(entry.charge)),
    }


def read_entry(item: Item) -> Entry:
    """The entry that an item says."""

    def optional(name: str) -> str | None:
        return str(item[name]["S"]) if name in item else None

    return Entry(
        entry_id=item["sk"]["S"].removeprefix(ENTRY),
        account_id=item["account_id"]["S"],
        kind=EntryKind(item["kind"]["S"]),
        amount_nanousd=int(item["amount"]["N"]),
        created_at_s=int(item["created_at_s"]["N"]),
        hold_id=optional("hold_id"),
        key_id=optional("key_id"),
        note=optional("note"),
        charge=read_charge(item) if "cost" in item else None,
    )


CHARGE_TEXTS = (
    "request_id",
    "generation_id",
    "model_requested",
    "model_used",
    "tier",
    "price_version",
    "user_id",
    "org_id",
)


def charge_attributes(charge: Charge) -> Item:
    """What a charge was for; token classes of zero are left out."""
    texts = {name: getattr(charge, name) for name in CHARGE_TEXTS}
    counts = {name: number(count) for name, count in asdict(charge.usage).items() if count}
    return {
        **{name: text(str(value)) for name, value in texts.items() if value is not None},
        "cost": number(charge.cost_nanousd),
        "usage": mapping(counts),
        **({"estimated": {"BOOL": True}} if charge.estimated else {}),
    }


def read_charge(item: Item) -> Charge:
    """The charge that an entry or a checkpoint names."""
    texts = {name: item[name]["S"] for name in CHARGE_TEXTS if name in item and name != "tier"}
    return Charge(
        cost_nanousd=int(item["cost"]["N"]),
        tier=Tier(item["tier"]["S"]),
        usage=Usage(**{name: int(count["N"]) for name, count in item["usage"]["M"].items()}),
        estimated="estimated" in item,
        **texts,
    )


def _whole(key: str) -> str:
    return key[len(FOREIGN) :] if key.startswith(FOREIGN) else KEY_PREFIX + key


def _read_young(account_id: str, hold_id: str, value: Item) -> Hold:
    amount: NanoUsd = int(value["a"]["N"])
    return Hold(
        account_id=account_id,
        hold_id=hold_id,
        key_id=_whole(value["k"]["S"]),
        amount_nanousd=amount,
        deadline_s=int(value["d"]["N"]),
        month=int(value["m"]["N"]) if "m" in value else None,
    )
