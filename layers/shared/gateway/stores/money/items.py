"""Money as DynamoDB items. Names in the account's item are short: it is written three times a request and paid by the
KB.

| item | key | attributes |
|---|---|---|
| account | `account_id` | `free`, `held`, `rpm`, `off`, `ver` (counts writes); |
| | | `minute`, `used`, `kw` {key: requests}; `month`, `km` {counted key or `@`seat: nano-USD}; |
| | | of keys with such limits, in the minute: `kt` {key: tokens}, `ku` {user: requests}, `kr` {key: reads}; |
| | | `lease:<key>` {hold id: end}: the key's requests that run at once, if it bounds them |
| | | `young` {hold id: {`a` amount, `d` deadline, `k` key, `m` month, `t` tokens in minute `w`, `l` end of lease, `n` |
| | | spend to tell of, `s` seat in month `y`}}; |
| | | `low`: the balance below which its owner is told, or it is filled up, if the owner wants that |
| | | `left`: the latest time of admission, in ms, of a hold that was parked |
| | | `closed`: the id below which entries are closed for the sums of usage (usage.py); |
| | | `active_shard`, `active_slot`: the sparse index ByActivity of accounts that may have young holds |
| hold | `account_id`, `hold#<id>` | the hold's fields under their full names; `checkpoint`; |
| | | `sweep_shard`, `sweep_at_s`: the sparse index ByDeadline |
| entry | `account_id`, `entry#<id>` | everything that the contract names; the id sorts by admission; |
| | | `usage`, `uses`: counts of tokens by class, and of tools by name; `tools`: the cost of each |
| | | `provisional`: the sweeper's, which a late end may correct; `month`: counted in its key's spend, |
| | | `seat`, `seat_month`: counted at a member's seat; `summed`: added to the sums of usage by its own transaction |
| sum | `account_id`, `usage#<day>#<cell>` | usage of one day's requests that are alike (usage.py) |
| day | `account_id`, `usage#<day>~` | `done`: the id below which the day's entries are in its sums |
| spend | `account_id`, `spend#<month>#<key>` | `spent`: what the key had spent when its count began, which is in `km` |
| once | `account_id`, `once#<reference>` | `entry_id`: the credit that this payment has already brought |

A number travels as text, so nano-dollars stay exact.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from gateway.canonical.money import SEAT_PREFIX, Act, Charge, Entry, EntryKind, Failure, Hold, NanoUsd, Tier, ToolCost
from gateway.canonical.usage import Usage, Uses, uses_of
from gateway.stores.money.state import Account

Item: TypeAlias = dict[str, Any]

SCHEMA_VERSION = 1
ENTRY, HOLD, ONCE, SPEND, USAGE = "entry#", "hold#", "once#", "spend#", "usage#"
LEASE = "lease:"
# Few enough for one sweep to read, enough that no index partition meets its write limit (docs/scale.md): a parked hold
# comes into its index and goes, accounts and jobs move in theirs seldom.
SHARDS, HOLD_SHARDS = 8, 32
# Seconds between an account's moves in its index, however busy it is.
SLOT_S = 600
KEY_PREFIX = "key_"
FOREIGN = "="
SEAT = "@"


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
    """A key's id in the account's item: without the prefix that all key ids share; a seat by its number."""
    if key_id.startswith(SEAT_PREFIX):
        return SEAT + key_id[len(SEAT_PREFIX) :]
    return key_id[len(KEY_PREFIX) :] if key_id.startswith(KEY_PREFIX) else FOREIGN + key_id


def seat_names(seat: int | None) -> dict[str, str]:
    """The placeholder of a seat's count, where there is a seat."""
    return {} if seat is None else {"#s": SEAT + str(seat)}


def shard_of(identity: str, shards: int = SHARDS) -> str:
    """The shard of a sparse index for an id."""
    return str(zlib.crc32(identity.encode()) % shards)


def slot_of(now_s: float) -> int:
    """The slot of activity that contains `now_s`."""
    return int(now_s) // SLOT_S


def account_key(account_id: str) -> Item:
    """The primary key of an account's item."""
    return {"account_id": text(account_id)}


def ledger_key(account_id: str, kind: str, identity: str) -> Item:
    """The primary key of an item of the ledger."""
    return {"account_id": text(account_id), "sk": text(kind + identity)}


def new_account(account_id: str, rpm_limit: int) -> Item:
    """The item of an empty account."""
    zeros = dict.fromkeys(("free", "held", "minute", "used", "month", "ver"), number(0))
    empty = {name: mapping({}) for name in ("kw", "km", "young")}
    fixed = {"rpm": number(rpm_limit), "schema_version": number(SCHEMA_VERSION)}
    return {**account_key(account_id), **zeros, **empty, **fixed}


def read_account(item: Item) -> Account:
    """The account of an item. Keys appear under their whole ids."""
    account_id = item["account_id"]["S"]
    return Account(
        account_id=account_id,
        free_nanousd=int(item["free"]["N"]),
        held_nanousd=int(item["held"]["N"]),
        rpm_limit=int(item["rpm"]["N"]),
        disabled="off" in item,
        minute=int(item["minute"]["N"]),
        used=int(item["used"]["N"]),
        key_used=_counts(item, "kw"),
        month=int(item["month"]["N"]),
        key_spent=_counts(item, "km"),
        key_tokens=_counts(item, "kt") if "kt" in item else None,
        key_reads=_counts(item, "kr") if "kr" in item else None,
        user_used={user: int(value["N"]) for user, value in item["ku"]["M"].items()} if "ku" in item else None,
        leases={
            _whole(name[len(LEASE) :]): {hold_id: int(until["N"]) for hold_id, until in value["M"].items()}
            for name, value in item.items()
            if name.startswith(LEASE)
        },
        young={hold_id: _read_young(account_id, hold_id, value["M"]) for hold_id, value in item["young"]["M"].items()},
        left_ms=int(item["left"]["N"]) if "left" in item else 0,
        low_nanousd=_optional(item, "low"),
        closed_id=item["closed"]["S"] if "closed" in item else "",
        version=int(item["ver"]["N"]),
    )


def young(hold: Hold) -> Item:
    """A hold inside the account's item."""
    amount, deadline = number(hold.amount_nanousd), number(hold.deadline_s)
    rest = {"m": hold.month, "w": hold.minute, "l": hold.lease_until_s, "n": hold.alert_at_nanousd}
    rest |= {} if hold.seat is None else {"s": hold.seat, "y": hold.seat_month}
    rest |= {} if hold.minute is None else {"t": hold.tokens}
    return mapping({"a": amount, "d": deadline, "k": text(short(hold.key_id)), **_numbers(rest)})


def lease_name(key_id: str) -> str:
    """The attribute of a key's leases."""
    return LEASE + short(key_id)


def leases(held: Mapping[str, int]) -> Item:
    """A key's requests that run at once, by their holds: when each lease ends."""
    return mapping({hold_id: number(until_s) for hold_id, until_s in held.items()})


# The fields of a hold that only some have, under the names that its own item has for them.
RESERVED = ("month", "minute", "lease_until_s", "alert_at_nanousd", "seat", "seat_month")


def parked_hold(hold: Hold) -> Item:
    """A hold as an item of its own."""
    return {
        **ledger_key(hold.account_id, HOLD, hold.hold_id),
        "key_id": text(hold.key_id),
        "amount": number(hold.amount_nanousd),
        "sweep_shard": text(shard_of(hold.hold_id, HOLD_SHARDS)),
        "sweep_at_s": number(hold.deadline_s),
        "schema_version": number(SCHEMA_VERSION),
        **_numbers({name: getattr(hold, name) for name in RESERVED}),
        **({} if hold.minute is None else {"tokens": number(hold.tokens)}),
    }


def read_parked_hold(item: Item) -> Hold:
    """The parked hold of an item."""
    return Hold(
        account_id=item["account_id"]["S"],
        hold_id=item["sk"]["S"].removeprefix(HOLD),
        key_id=item["key_id"]["S"],
        amount_nanousd=int(item["amount"]["N"]),
        deadline_s=int(item["sweep_at_s"]["N"]),
        parked=True,
        tokens=_optional(item, "tokens") or 0,
        month=_optional(item, "month"),
        minute=_optional(item, "minute"),
        lease_until_s=_optional(item, "lease_until_s"),
        alert_at_nanousd=_optional(item, "alert_at_nanousd"),
        seat=_optional(item, "seat"),
        seat_month=_optional(item, "seat_month"),
        checkpoint=read_charge(item["checkpoint"]["M"]) if "checkpoint" in item else None,
    )


def spend_of(key_id: str, month: int) -> str:
    """The id of the item that holds a key's spend of a month before it was counted."""
    return f"{month}#{key_id}"


def entry_item(entry: Entry) -> Item:
    """The item of an entry, which is kept for ever."""
    optional = {"hold_id": entry.hold_id, "key_id": entry.key_id, "note": entry.note}
    return {
        **ledger_key(entry.account_id, ENTRY, entry.entry_id),
        "kind": text(entry.kind.value),
        "amount": number(entry.amount_nanousd),
        "created_at_s": number(entry.created_at_s),
        "schema_version": number(SCHEMA_VERSION),
        **{name: text(value) for name, value in optional.items() if value is not None},
        **({} if entry.charge is None else charge_attributes(entry.charge)),
        **({} if entry.failure is None else _texts(entry.failure, FAILURE_TEXTS)),
        **({"provisional": {"BOOL": True}} if entry.provisional else {}),
        **({"summed": {"BOOL": True}} if entry.summed else {}),
        **({} if entry.act is None else {"by": text(entry.act.by), "why": text(entry.act.why)}),
        **_numbers({"month": entry.month, "seat": entry.seat, "seat_month": entry.seat_month}),
    }


def read_entry(item: Item) -> Entry:
    """The entry of an item."""

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
        provisional="provisional" in item,
        month=_optional(item, "month"),
        seat=_optional(item, "seat"),
        seat_month=_optional(item, "seat_month"),
        summed="summed" in item,
        act=Act(item["by"]["S"], item["why"]["S"]) if "by" in item else None,
        failure=None if "cost" in item or "request_id" not in item else Failure(**_read_texts(item, FAILURE_TEXTS)),
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
    "cache",
    "route",
)


FAILURE_TEXTS = tuple(name for name in CHARGE_TEXTS if name not in {"tier", "price_version", "cache"})


def charge_attributes(charge: Charge) -> Item:
    """The attributes of a charge; token classes of zero are left out."""
    counts = {name: number(count) for name, count in charge.usage.tokens.items() if count}
    tools = {tool.tool: mapping({"uses": number(tool.uses), "cost": number(tool.nanousd)}) for tool in charge.tools}
    uses = {name: number(count) for name, count in charge.usage.uses}
    return {
        **_texts(charge, CHARGE_TEXTS),
        "cost": number(charge.cost_nanousd),
        "usage": mapping(counts),
        **({"tools": mapping(tools)} if tools else {}),
        **({"uses": mapping(uses)} if uses else {}),
        **({"estimated": {"BOOL": True}} if charge.estimated else {}),
    }


def read_charge(item: Item) -> Charge:
    """The charge of an entry or a checkpoint."""
    counts = {name: int(count["N"]) for name, count in item["usage"]["M"].items()}
    return Charge(
        cost_nanousd=int(item["cost"]["N"]),
        usage=Usage(**counts, uses=_read_uses(item)),
        estimated="estimated" in item,
        tools=_read_tools(item),
        **_read_texts(item, CHARGE_TEXTS) | {"tier": Tier(item["tier"]["S"])},
    )


def _texts(told: Charge | Failure, names: Sequence[str]) -> Item:
    return {name: text(str(value)) for name in names if (value := getattr(told, name)) is not None}


def _read_texts(item: Item, names: Sequence[str]) -> dict[str, Any]:
    return {name: item[name]["S"] for name in names if name in item}


def _read_uses(item: Item) -> Uses:
    return uses_of({name: int(count["N"]) for name, count in item["uses"]["M"].items()}) if "uses" in item else ()


def _read_tools(item: Item) -> tuple[ToolCost, ...]:
    lines = item["tools"]["M"] if "tools" in item else {}
    return tuple(
        ToolCost(name, int(lines[name]["M"]["uses"]["N"]), int(lines[name]["M"]["cost"]["N"])) for name in sorted(lines)
    )


def _whole(key: str) -> str:
    if key.startswith(SEAT):
        return SEAT_PREFIX + key[len(SEAT) :]
    return key[len(FOREIGN) :] if key.startswith(FOREIGN) else KEY_PREFIX + key


def _read_young(account_id: str, hold_id: str, value: Item) -> Hold:
    amount: NanoUsd = int(value["a"]["N"])
    return Hold(
        account_id=account_id,
        hold_id=hold_id,
        key_id=_whole(value["k"]["S"]),
        amount_nanousd=amount,
        deadline_s=int(value["d"]["N"]),
        month=_optional(value, "m"),
        tokens=_optional(value, "t") or 0,
        minute=_optional(value, "w"),
        lease_until_s=_optional(value, "l"),
        alert_at_nanousd=_optional(value, "n"),
        seat=_optional(value, "s"),
        seat_month=_optional(value, "y"),
    )


def _optional(value: Item, name: str) -> int | None:
    return int(value[name]["N"]) if name in value else None


def _numbers(values: Mapping[str, int | None]) -> Item:
    return {name: number(value) for name, value in values.items() if value is not None}


def _counts(item: Item, name: str) -> dict[str, int]:
    """A map of the account's item by whole key ids."""
    return {_whole(key): int(value["N"]) for key, value in item[name]["M"].items()}
