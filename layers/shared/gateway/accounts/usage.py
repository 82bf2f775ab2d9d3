"""Usage of an account: requests, tokens and cost by day, tier, model, key and member, as JSON or CSV.

A day is a UTC day, and spend belongs to the day of admission, as it does to the month. The figures come from the sums
that the ledger keeps, and are exact at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self

from msgspec.structs import replace

from gateway.accounts.statement import CURRENCY, SHOWN_CLASSES
from gateway.canonical.money import Tier
from gateway.canonical.tallies import Tallies, Tally, total
from gateway.ledger.money import format_usd
from gateway.ports.money import Money
from gateway.protocols.shared.body import text

# What usage may be grouped by: the name in a row, and in a cell.
DIMENSIONS: Mapping[str, tuple[str, str]] = {
    "day": ("date", "day"),
    "model": ("model", "model"),
    "key": ("key_id", "key_id"),
    "member": ("user_id", "user_id"),
    "tier": ("tier", "tier"),
}
# A spreadsheet takes a text that begins so for a formula. https://owasp.org/www-community/attacks/CSV_Injection
FORMULA = re.compile(r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


class GroupBy(tuple[str, ...]):
    """Dimensions, from a list of them between commas."""

    __slots__ = ()
    SCHEMA: ClassVar[Mapping[str, Any]] = {"type": "string", "examples": ["day,model"]}

    @classmethod
    def read(cls, value: object) -> Self:
        names = [name.strip() for name in text(value).split(",")] if value else []
        if not set(names) <= DIMENSIONS.keys():
            raise ValueError(f"Input should be some of {', '.join(DIMENSIONS)}, between commas")
        return cls(dict.fromkeys(names))


async def usage_report(
    money: Money, account_id: str, now_s: float, days: int, group_by: Sequence[str] = ()
) -> dict[str, Any]:
    """Reports the last `days` days, today included: a row for each day, one for each tier, and the total.

    With `group_by` there is also a row for each group of requests that agree in these dimensions.
    """
    dates, sums = await _read(money, account_id, now_s, days)
    grouped = {"group_by": list(group_by), "groups": list(_rows(sums, group_by))} if group_by else {}
    by_day, by_tier = _grouped(sums, ("day",)), _grouped(sums, ("tier",))
    return {
        "object": "usage",
        "days": days,
        "currency": CURRENCY,
        "daily": [{"date": day, **_view(by_day.get((day,), Tally()))} for day in dates],
        "by_tier": {tier.value: _view(by_tier.get((tier,), Tally())) for tier in Tier},
        "total": _view(total(sums.values())),
        **grouped,
    }


async def usage_csv(money: Money, account_id: str, now_s: float, days: int, group_by: Sequence[str]) -> str:
    """The groups of a report as CSV, with a head; by day where nothing else is asked for."""
    import csv  # noqa: PLC0415  # few reports are CSV
    import io  # noqa: PLC0415  # likewise

    group_by = group_by or ("day",)
    _, sums = await _read(money, account_id, now_s, days)
    page = io.StringIO()
    writer = csv.writer(page)
    names = [DIMENSIONS[name][0] for name in group_by]
    writer.writerow([*names, *_view(Tally())])
    for row in _rows(sums, group_by):
        writer.writerow([_harmless(value) if name in names else value for name, value in row.items()])
    return page.getvalue()


async def _read(money: Money, account_id: str, now_s: float, days: int) -> tuple[list[str], Tallies]:
    """The days of a report, and their sums. A request that a clock ahead of ours admitted tomorrow is today's."""
    today = datetime.fromtimestamp(now_s, UTC).date()
    dates = [(today - timedelta(days=back)).isoformat() for back in reversed(range(days))]
    sums: Tallies = {}
    for cell, tally in (await money.usage(account_id, dates[0])).items():
        known = sums.setdefault(replace(cell, day=min(cell.day, dates[-1])), Tally())
        known += tally
    return dates, sums


def _rows(sums: Tallies, group_by: Sequence[str]) -> Iterator[dict[str, Any]]:
    for values, tally in sorted(_grouped(sums, group_by).items(), key=lambda group: group[0]):
        names = {DIMENSIONS[name][0]: value or None for name, value in zip(group_by, values, strict=True)}
        yield {**names, **_view(tally)}


def _grouped(sums: Tallies, group_by: Sequence[str]) -> dict[tuple[str, ...], Tally]:
    """The sums of the requests that agree in these dimensions, by their names there."""
    groups: dict[tuple[str, ...], Tally] = {}
    for cell, tally in sums.items():
        known = groups.setdefault(tuple(getattr(cell, DIMENSIONS[name][1]) for name in group_by), Tally())
        known += tally
    return groups


def _view(tally: Tally) -> dict[str, Any]:
    """The sums as every row shows them."""
    classes = {shown: tally.tokens[name] for name, shown in SHOWN_CLASSES.items()}
    return {"requests": tally.requests, **classes, "cost_usd": format_usd(tally.cost_nanousd)}


def _harmless(value: str | None) -> str:
    value = value or ""
    return f"'{value}" if FORMULA.match(value) else value
