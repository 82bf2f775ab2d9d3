"""A key's further limits as parts of the account's write: their rules, and the values and names that these use.

Which variant of a rule fits is guessed from the account as it was seen last, like the other rules of an admission.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from gateway.canonical.money import Hold, HoldRequest
from gateway.stores.money import expressions
from gateway.stores.money.endings import Ending
from gateway.stores.money.expressions import FIRST, LAPSED, NONE, SOME, Rule
from gateway.stores.money.items import Item, lease_name, leases, mapping, number, short
from gateway.stores.money.key_limits import live, needed
from gateway.stores.money.state import Account

MINUTE_COUNTS = ("kt", "ku", "kr")


class SeenLimits(Struct, frozen=True):
    """The counts of the minute that an account's item was seen to have, and its leases."""

    has: frozenset[str] = frozenset()
    leases: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, account: Account) -> SeenLimits:
        """The limits of an account as it was read."""
        counts = (account.key_tokens, account.user_used, account.key_reads)
        has = frozenset(name for name, count in zip(MINUTE_COUNTS, counts, strict=True) if count is not None)
        return cls(has, account.leases)

    def variant(self, name: str, *, turns: bool) -> str:
        """The variant of the rule that counts under this name."""
        if turns:
            return FIRST
        return SOME if name in self.has else NONE


def admission_rules(seen: SeenLimits, request: HoldRequest, now_s: float, *, turns: bool) -> tuple[Rule, ...]:
    """The rules of the request's further limits; `turns` is true for the write that begins a minute."""
    limits = request.limits
    rules: list[Rule] = []
    begun: set[str] = set()
    if limits.tpm_limit is not None:
        begun.add("kt")
        rules.append(expressions.COUNT_TOKENS[seen.variant("kt", turns=turns)])
    if limits.user_rpm_limit is not None:
        begun.add("ku")
        rules.append(expressions.COUNT_USER[seen.variant("ku", turns=turns)])
    if limits.max_parallel is not None:
        rules.append(expressions.LEASE[_lease_variant(seen, request, limits.max_parallel, now_s)])
    return (*rules, *(expressions.DROP[name] for name in MINUTE_COUNTS if turns and name not in begun))


def admission_values(seen: SeenLimits, request: HoldRequest, now_s: float) -> tuple[dict[str, Item], dict[str, str]]:
    """The values and names of `admission_rules`, of all their variants."""
    limits, key, tokens = request.limits, short(request.key_id), request.tokens
    if limits.tpm_limit is None and limits.user_rpm_limit is None and limits.max_parallel is None:
        return {}, {}
    held = seen.leases.get(request.key_id, {})
    own = {request.hold_id: request.lease_until_s or request.deadline_s}
    values = {
        ":first_tokens": mapping({key: number(tokens.worst)}),
        ":tokens": number(tokens.worst),
        ":token_room": number((limits.tpm_limit or 0) - needed(tokens)),
        ":first_user": mapping({request.user: number(1)}),
        ":user_rpm": number(limits.user_rpm_limit or 0),
        ":first_lease": leases(own),
        ":until": number(own[request.hold_id]),
        ":parallel": number(limits.max_parallel or 0),
        ":leases": leases(held),
        ":renewed": leases({**live(held, now_s), **own}),
    }
    return values, {"#u": request.user, "#lease": lease_name(request.key_id)}


def can_pass(request: HoldRequest) -> bool:
    """True if the further limits admit the request in a minute without another."""
    limits, tokens = request.limits, request.tokens
    return limits.tpm_limit is None or max(tokens.likely, needed(tokens)) <= limits.tpm_limit


def end_rules(hold: Hold, account: Account | None, minute: int) -> tuple[Rule, ...]:
    """The rules that end what a hold takes of its key's limits.

    `account` is as a failed write has shown it; else `minute` is the time's.
    """
    rules: list[Rule] = []
    if hold.minute is not None:
        rules.append(expressions.END_TOKENS[(account.minute if account else minute) > hold.minute])
    if hold.lease_until_s is not None:
        leased = account is None or hold.hold_id in account.leases.get(hold.key_id, {})
        rules.append(expressions.END_LEASE[leased])
    return tuple(rules)


def end_values(hold: Hold, end: Ending | None) -> tuple[dict[str, Item], dict[str, str]]:
    """The values and names of `end_rules`; without an `end`, nothing was used."""
    used = 0 if end is None else end.used_tokens
    values = {":own_minute": number(hold.minute or 0), ":unused": number(hold.tokens - used)}
    return values, {"#lease": lease_name(hold.key_id)}


def _lease_variant(seen: SeenLimits, request: HoldRequest, most: int, now_s: float) -> str:
    held = seen.leases.get(request.key_id)
    if held is None:
        return NONE
    return LAPSED if len(held) >= most > len(live(held, now_s)) else SOME
