"""Balance and transactions of an account, from its ledger. Amounts leave as decimal text."""

from __future__ import annotations

from typing import Any

from gateway.accounts.pages import Page, iso_utc, page_of
from gateway.canonical.money import AccountState, Charge, Entry, Failure
from gateway.canonical.tries import tries_of
from gateway.canonical.usage import TOKEN_CLASSES, Usage
from gateway.ledger.money import format_usd
from gateway.ledger.tool_prices import tool_lines
from gateway.ports.money import Money

CURRENCY = "USD"
ENTRY_SCHEMA_VERSION = 1
# Entry ids carry the time of other machines' clocks, which may be slightly ahead of this one.
CLOCK_SKEW_S = 60
SHOWN_CLASSES = {name: f"{name}_tokens" for name in TOKEN_CLASSES}
NAMED = (
    "request_id", "generation_id", "user_id", "org_id", "model_requested", "model_used", "tier", "price_version",
    "cache",
)  # fmt: skip


def balance_view(state: AccountState) -> dict[str, Any]:
    """The account's balance: `balance_usd` is free to spend and excludes the money held for running requests."""
    return {
        "object": "balance",
        "balance_usd": format_usd(state.free_nanousd),
        "held_usd": format_usd(state.held_nanousd),
        "currency": CURRENCY,
        "suspended": state.disabled,
    }


def entry_view(entry: Entry) -> dict[str, Any]:
    """Shows an entry with every field that the contract names (section 6); charges are negative.

    `tools` has a line for each of the provider's own tools that was paid by use; the rest was paid for tokens. `cache`
    is `exact` or `semantic` where a kept answer has served, which costs a quarter. `models_tried` are the tries in
    order, as the answer had them in `nexevo`; of more than six, the last six. A `release` is of a request that came to
    nothing, and names it and its tries too.
    """
    charge = entry.charge
    request = charge or entry.failure
    named = {name: getattr(request, name, None) for name in NAMED}
    return {
        "object": "transaction",
        "id": entry.entry_id,
        "kind": entry.kind.value,
        "amount_usd": format_usd(entry.amount_nanousd),
        "currency": CURRENCY,
        "created_at": iso_utc(entry.created_at_s),
        "hold_id": entry.hold_id,
        "key_id": entry.key_id,
        **named,
        "models_tried": [] if request is None else _tries(request),
        "usage": None if charge is None else _tokens(charge.usage),
        "tools": [] if charge is None else tool_lines(charge.tools),
        "estimated": charge is not None and charge.estimated,
        "note": entry.note,
        "schema_version": ENTRY_SCHEMA_VERSION,
    }


async def transactions(money: Money, account_id: str, now_s: float, limit: int, cursor: str | None) -> Page[Entry]:
    """Lists the account's entries, newest first."""
    until_s = now_s + CLOCK_SKEW_S
    found = await money.entries(account_id, since_s=0, until_s=until_s, limit=limit + 1, before=cursor)
    return page_of(found, limit, lambda entry: entry.entry_id)


def _tries(request: Charge | Failure) -> list[dict[str, Any]]:
    """The tries in the shape of an answer's `models_tried`; entries of before they were kept have none."""
    return [each.shown for each in tries_of(request.route, request.model_used or "")] if request.route else []


def _tokens(usage: Usage) -> dict[str, int]:
    return {shown: getattr(usage, name) for name, shown in SHOWN_CLASSES.items()}
