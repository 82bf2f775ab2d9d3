"""Payments in the Ledger table: each movement of money, its entry and the event that told of it in one transaction.

| item | key | attributes |
|---|---|---|
| payment | `account_id`, `payment#<id>` | the fields of `Payment` |
| asked | `account_id`, `asked#<hash>` | `payment_id`: the payment that was asked for under a key |
| event | `account_id`, `event#<id>` | `entry_id`: what the service's event has booked |
| intent | `intent#<id>`, `owner` | `owner`, `payment_id`: the payment by the service's own id |
| terms | `account_id`, `terms` | the fields of `Automatic` |

The fence of a movement is the same `once` item as that of an operator's credit (`books.py`); a barred movement has one
without an entry.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from msgspec.structs import asdict

from gateway.canonical.money import TAKEN_BACK, Entry, EntryKind
from gateway.errors import Conflict
from gateway.ledger.hold_ids import hold_id_at
from gateway.ledger.money import AMOUNT_NANOUSD_MAX, format_usd
from gateway.ports.audit import Actor, AuditEntry
from gateway.ports.payments import Automatic, Booking, Payment
from gateway.stores.aws.attributes import from_item, to_item
from gateway.stores.aws.client import ConditionFailed, TransactionCanceled
from gateway.stores.aws.table import CONDITION_FAILED, is_own, marked, told
from gateway.stores.money import expressions
from gateway.stores.money.items import ENTRY, ONCE, Item, entry_item, ledger_key, number, read_entry, text
from gateway.stores.money.tables import DynamoDb, MoneyTables, no_account

PAYMENT, ASKED, EVENT, INTENT, TERMS = "payment#", "asked#", "event#", "intent#", "terms"
SCHEMA_VERSION = 1
TOO_MUCH = "More would be returned than was paid; nothing is booked."
REUSED = "This idempotency_key was used with another amount; use a new key for a new payment."


class DynamoPaymentBooks:
    """`PaymentBooks` in the Accounts and Ledger tables."""

    def __init__(self, api: DynamoDb, accounts_table: str, ledger_table: str) -> None:
        self._tables = MoneyTables(api, accounts_table, ledger_table)

    async def open(self, payment: Payment, key_hash: str, audit: AuditEntry | None = None) -> Payment:
        account_id = payment.account_id
        asked = {**ledger_key(account_id, ASKED, key_hash), "payment_id": text(payment.payment_id)}
        item = {**_item(payment), **ledger_key(account_id, PAYMENT, payment.payment_id)}
        try:
            new = ({"Put": self._tables.put_new(asked)}, {"Put": self._tables.put_new(item)})
            await self._tables.transact(*new, *told(self._tables.ledger, audit))
        except TransactionCanceled as canceled:
            stands = canceled.reasons[0][1]
            first = None if stands is None else await self.find(account_id, stands["payment_id"]["S"])
            if first is None:
                raise
            if (first.amount_nanousd, first.source) != (payment.amount_nanousd, payment.source):
                raise Conflict(REUSED, code="idempotency_key_reused", should_retry=False) from None
            return first
        return payment

    async def find(self, account_id: str, payment_id: str) -> Payment | None:
        item = await self._tables.get(self._tables.ledger, ledger_key(account_id, PAYMENT, payment_id))
        return None if item is None else _payment(item)

    async def note(self, payment: Payment, *, url: str | None = None, receipt_url: str | None = None) -> None:
        given = {name: value for name, value in (("url", url), ("receipt_url", receipt_url)) if value is not None}
        update = {
            "TableName": self._tables.ledger,
            "Key": ledger_key(payment.account_id, PAYMENT, payment.payment_id),
            "ConditionExpression": "attribute_exists(sk)",
            "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in given),
            "ExpressionAttributeNames": {f"#{name}": name for name in given},
            "ExpressionAttributeValues": {f":{name}": text(value) for name, value in given.items()},
        }
        await self._tables.call("UpdateItem", update)

    async def owner(self, intent: str) -> tuple[str, str] | None:
        item = await self._tables.get(self._tables.ledger, _intent_key(intent))
        return None if item is None else (item["owner"]["S"], item["payment_id"]["S"])

    async def book(self, booking: Booking, now_s: float) -> Entry | None:
        entry = movement_entry(booking, now_s)
        once = {**ledger_key(booking.account_id, ONCE, booking.once), "entry_id": text(entry.entry_id)}
        values = {":one": number(1), ":credit": number(booking.amount_nanousd)}
        rules = (expressions.KNOWN, expressions.CREDIT)
        account = self._tables.account_update(booking.account_id, rules, values, {})
        parts = [
            {"Update": account},
            {"Put": self._tables.put_new(once)},
            {"Put": self._tables.put_new(entry_item(entry))},
            {"Update": self._payment_update(booking, entry)},
        ]
        if booking.event_id is not None:
            event = {**ledger_key(booking.account_id, EVENT, booking.event_id), "entry_id": text(entry.entry_id)}
            parts.append({"Put": self._tables.put_new(event)})
        if booking.intent is not None:
            owner = {"owner": text(booking.account_id), "payment_id": text(booking.payment_id)}
            parts.append({"Put": {"TableName": self._tables.ledger, "Item": {**_intent_key(booking.intent), **owner}}})
        try:
            await self._tables.transact(*parts, *told(self._tables.ledger, movement_told(booking, now_s)))
        except TransactionCanceled as canceled:
            return await self._booked_before(booking, canceled)
        return entry

    async def bar(self, booking: Booking) -> bool:
        once = ledger_key(booking.account_id, ONCE, booking.once)
        try:
            await self._tables.call("PutItem", {**self._tables.put_new({**once, "barred": {"BOOL": True}})})
        except ConditionFailed as failed:
            return failed.item is not None and "barred" in failed.item
        return True

    async def list_paid(self, account_id: str, *, limit: int, before: str | None = None) -> Sequence[Payment]:
        query = {
            "TableName": self._tables.ledger,
            "KeyConditionExpression": "account_id = :account AND sk BETWEEN :first AND :last",
            "ExpressionAttributeValues": {
                ":account": text(account_id),
                ":first": text(PAYMENT),
                # "$" follows "#", so the bound itself is never a payment.
                ":last": text(PAYMENT + before if before else "payment$"),
            },
            "ScanIndexForward": False,
            "ConsistentRead": True,
        }
        found: list[Payment] = []
        async for item in self._tables.query(query):
            payment = _payment(item)
            if payment.paid_nanousd and payment.payment_id != before:
                found.append(payment)
            if len(found) == limit:
                break
        return found

    async def terms(self, account_id: str) -> Automatic:
        item = await self._tables.get(self._tables.ledger, ledger_key(account_id, TERMS, ""))
        known = {} if item is None else from_item(item)
        fields = {name: known[name] for name in Automatic.__struct_fields__ if known.get(name) is not None}
        return Automatic(**{**fields, "account_id": account_id})

    async def set_terms(self, terms: Automatic, audit: AuditEntry | None = None) -> bool:
        key = ledger_key(terms.account_id, TERMS, "")
        item = marked({**_item(terms), **key, "version": number(terms.version + 1)})
        put: dict[str, Any] = self._tables.put_new(item)
        if terms.version:
            put["ConditionExpression"] = "version = :before"
            put["ExpressionAttributeValues"] = {":before": number(terms.version)}
        low = terms.watched_nanousd
        rules = (expressions.KNOWN, expressions.SET_LOW[low is not None])
        values = {":one": number(1), ":low": number(low or 0)}
        account = self._tables.account_update(terms.account_id, rules, values, {})
        try:
            await self._tables.transact({"Put": put}, {"Update": account}, *told(self._tables.ledger, audit))
        except TransactionCanceled as canceled:
            (_, stands), (account_code, _), *_ = canceled.reasons
            if account_code == CONDITION_FAILED:
                raise no_account(terms.account_id) from canceled
            # A try whose answer was lost may have been applied.
            return is_own(stands, item)
        return True

    def _payment_update(self, booking: Booking, entry: Entry) -> dict[str, Any]:
        """The update of the payment that a movement belongs to; it has to be one of the account's own."""
        if booking.kind is EntryKind.CREDIT:
            sets = "paid_nanousd = :amount, paid_at_s = :at, intent = :intent"
            values = {":amount": number(booking.amount_nanousd), ":at": number(entry.created_at_s)}
            values[":intent"] = text(booking.intent or "")
        else:
            sets = "returned_nanousd = returned_nanousd + :amount"
            values = {":amount": number(-booking.amount_nanousd)}
        condition = "attribute_exists(sk)"
        if booking.returned_max_nanousd is not None:
            condition += " AND returned_nanousd <= :most"
            values[":most"] = number(booking.returned_max_nanousd)
        return {
            "TableName": self._tables.ledger,
            "Key": ledger_key(booking.account_id, PAYMENT, booking.payment_id),
            "ConditionExpression": condition,
            "UpdateExpression": f"SET {sets}",
            "ExpressionAttributeValues": values,
        }

    async def _booked_before(self, booking: Booking, canceled: TransactionCanceled) -> Entry | None:
        """The entry of the first booking; `None` for a movement that was barred."""
        (account_code, _), (_, once), _, *rest = canceled.reasons
        if account_code == CONDITION_FAILED:
            raise no_account(booking.account_id) from canceled
        if once is None and booking.event_id is not None:
            # The event stands, and has booked another movement: each event tells of one.
            once = rest[1][1]
        if once is None and booking.returned_max_nanousd is not None and rest[0][0] == CONDITION_FAILED:
            raise Conflict(TOO_MUCH) from canceled
        if once is None:
            raise canceled
        if "barred" in once:
            return None
        item = await self._tables.get(self._tables.ledger, ledger_key(booking.account_id, ENTRY, once["entry_id"]["S"]))
        if item is None:
            raise canceled
        return read_entry(item)


def movement_entry(booking: Booking, now_s: float) -> Entry:
    """The entry of a movement; raises `ValueError` for none, for a credit that takes, or for too much."""
    amount = booking.amount_nanousd
    is_movement = amount > 0 if booking.kind is EntryKind.CREDIT else booking.kind in TAKEN_BACK and amount != 0
    if not is_movement or abs(amount) > AMOUNT_NANOUSD_MAX:
        raise ValueError("a movement is a credit that adds, or a refund or dispute, of less than a billion dollars")
    return Entry(
        entry_id=hold_id_at(now_s, secrets.randbits(40)),
        account_id=booking.account_id,
        kind=booking.kind,
        amount_nanousd=amount,
        created_at_s=int(now_s),
        note=booking.note,
        act=booking.act,
    )


def movement_told(booking: Booking, now_s: float) -> AuditEntry:
    """The entry of the audit log for a movement, which the payment service or an operator has caused."""
    from gateway.audit.entries import entry_of  # noqa: PLC0415  # no cold start pays for it

    act = booking.act
    return entry_of(
        booking.account_id,
        f"billing.{booking.kind.value}",
        now_s,
        actor=Actor(operator=None if act is None else act.by),
        target=booking.payment_id,
        after={"amount_usd": format_usd(booking.amount_nanousd)},
        note=(booking.note or "") if act is None else act.why,
    )


def _intent_key(intent: str) -> Item:
    return {"account_id": text(INTENT + intent), "sk": text("owner")}


def _item(value: Payment | Automatic) -> Item:
    return to_item({**asdict(value), "schema_version": SCHEMA_VERSION})


def _payment(item: Item) -> Payment:
    known = from_item(item)
    return Payment(**{name: known[name] for name in Payment.__struct_fields__ if known.get(name) is not None})
