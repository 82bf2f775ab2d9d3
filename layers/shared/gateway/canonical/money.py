"""Values of payment: holds, charges, entries, rate windows. Amounts are integers of 10^-9 USD; no float touches money.

The words are the contract's: a request is *admitted* with a *hold* on the balance, which is *settled* (charged for the
usage) or *released*, exactly once. An *entry* is immutable. free + held = the sum of an account's entries, always.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from gateway.canonical.limits import NO_LIMITS, NO_TOKENS, KeyLimits, TokenDemand
from gateway.canonical.usage import Usage
from gateway.errors import GatewayError, InsufficientBalance, RateLimited

NanoUsd: TypeAlias = int

# Ends the id of a late end's entry.
LATE = "-late"
SEAT_PREFIX = "seat#"


def seat_name(seat: int) -> str:
    """The name under which the spend at a member's seat is counted beside that of keys."""
    return f"{SEAT_PREFIX}{seat}"


class Tier(StrEnum):
    """The price by which a request is billed (section 6 of the public contract)."""

    FAST = "fast"
    BALANCED = "balanced"
    PASSTHROUGH = "passthrough"
    BYOK = "byok"


class EntryKind(StrEnum):
    """The reason for an entry. A release moves no money; it is written so that a hold is ended once.

    A refund or a dispute takes a payment back, and may bring the balance below zero; one that failed or was won gives
    it again.
    """

    CREDIT = "credit"
    REFUND = "refund"
    DISPUTE = "dispute"
    CHARGE = "charge"
    SHORTFALL = "shortfall"
    RELEASE = "release"


# The only entries that may bring a balance below zero.
TAKEN_BACK = frozenset({EntryKind.REFUND, EntryKind.DISPUTE})


class RefusedBy(StrEnum):
    """The account's rule that refused a request; the rules are judged in this order."""

    SUSPENDED = "suspended"
    KEY_WINDOW = "key_window"
    ACCOUNT_WINDOW = "account_window"
    READ_WINDOW = "read_window"
    USER_WINDOW = "user_window"
    TPM = "tpm"
    PARALLEL = "parallel"
    SPEND_CAP = "spend_cap"
    SEAT_CAP = "seat_cap"
    BALANCE = "balance"


class Window(Struct, frozen=True):
    """The tighter of key and account window: requests per fixed UTC minute, and the seconds until the next one."""

    limit: int
    remaining: int
    reset_s: int

    @property
    def headers(self) -> dict[str, str]:
        """The headers that every response carries."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset_s),
        }


class HoldRequest(Struct, frozen=True):
    """A request for a hold, made before the request may go upstream.

    `hold_id` is new for each request and makes a repeat harmless. After `deadline_s` (epoch) the sweeper may end the
    hold. `spend_cap_nanousd` is the key's bound on a calendar month, `None` without one. With `most_nanousd` the hold
    is as much of it as half of what may be spent covers, and `amount_nanousd` at least.

    `limits` are the key's others. The request counts as one of the key's that run at once until `lease_until_s`, or its
    end if that comes first. `user` is the short name of its end user. `alert_at_nanousd` is the month's spend from
    which the key's owner is told.

    A key of an organization's member counts at the member's `seat` too, whose bound on a month is `seat_cap_nanousd`.

    One that is `owed` is for what was delivered already: it counts in no window, and none refuses it.
    """

    account_id: str
    key_id: str
    hold_id: str
    amount_nanousd: NanoUsd
    deadline_s: int
    key_rpm_limit: int
    spend_cap_nanousd: NanoUsd | None = None
    most_nanousd: NanoUsd | None = None
    limits: KeyLimits = NO_LIMITS
    tokens: TokenDemand = NO_TOKENS
    lease_until_s: int = 0
    user: str = "-"
    alert_at_nanousd: NanoUsd | None = None
    seat: int | None = None
    seat_cap_nanousd: NanoUsd | None = None
    owed: bool = False

    def __post_init__(self) -> None:
        if self.amount_nanousd < 0:
            raise ValueError("a hold is never negative")


class CountedCall(Struct, frozen=True):
    """A request that holds no money, and counts in the windows of its key and account.

    With `reads_limit` it counts in the key's window of reads instead, and needs neither balance nor an account that is
    not suspended. One that is `unpaid` needs no balance: it has to do with the account's own provider keys.
    """

    account_id: str
    key_id: str
    key_rpm_limit: int
    reads_limit: int | None = None
    unpaid: bool = False


class ToolCost(Struct, frozen=True):
    """The part of a cost that was paid for the uses of one tool that the provider ran."""

    tool: str
    uses: int
    nanousd: NanoUsd


class Charge(Struct, frozen=True):
    """The cost of a request, and everything that its entry must name. `tools` are parts of the cost; tokens the rest.

    `estimated` marks a charge that the sweeper took from a checkpoint because the process died. `cache` is the kind of
    the kept answer that has served it, `exact` or `semantic`.

    `route` is the text of the tries (`gateway.canonical.tries`).
    """

    cost_nanousd: NanoUsd
    request_id: str
    generation_id: str
    model_requested: str
    model_used: str
    tier: Tier
    price_version: str
    usage: Usage = field(default_factory=Usage)
    user_id: str | None = None
    org_id: str | None = None
    estimated: bool = False
    tools: tuple[ToolCost, ...] = ()
    cache: str | None = None
    route: str | None = None

    def __post_init__(self) -> None:
        if self.cost_nanousd < 0:
            raise ValueError("a charge is never negative")


class Failure(Struct, frozen=True):
    """A request that was admitted and delivered nothing. `model_used` is the one that was tried last, if one was.

    `route` names the tries as that of a charge does.
    """

    request_id: str
    generation_id: str
    model_requested: str
    model_used: str | None = None
    user_id: str | None = None
    org_id: str | None = None
    route: str | None = None


class Hold(Struct, frozen=True):
    """Money set aside for one request. Every step returns it, and the next step takes it.

    `month` (202611) is set if the hold is counted in its key's spend of that month, the month of admission. `parked` is
    true if the hold has moved from the account's item to an item of its own; `crowded` asks for that move.
    `admitted_ms` is the latest time with which its admission was tried.

    `tokens` are reserved in the key's window of `minute`, if that is set. `lease_until_s` is set if the hold counts
    among the key's requests that run at once, and `alert_at_nanousd` if the key's owner is to be told of its spend.
    It counts at the `seat` of an organization's member in `seat_month`, the month of admission.
    """

    account_id: str
    hold_id: str
    key_id: str
    amount_nanousd: NanoUsd
    deadline_s: int
    month: int | None = None
    parked: bool = False
    crowded: bool = False
    checkpoint: Charge | None = None
    admitted_ms: int = 0
    tokens: int = 0
    minute: int | None = None
    lease_until_s: int | None = None
    alert_at_nanousd: NanoUsd | None = None
    seat: int | None = None
    seat_month: int | None = None

    def of(self, amount_nanousd: NanoUsd) -> Hold:
        """Copies the hold with another amount."""
        return replace(self, amount_nanousd=amount_nanousd)


class Admission(Struct, frozen=True):
    """Admits the request; gives the state after admission without another read."""

    hold: Hold
    window: Window
    free_nanousd: NanoUsd


_CAPPED: Mapping[RefusedBy, str] = {
    RefusedBy.SPEND_CAP: "API key",
    RefusedBy.SEAT_CAP: "member of the organization",
}
# What each window counts, and for whom.
_COUNTED: Mapping[RefusedBy, tuple[str, str]] = {
    RefusedBy.KEY_WINDOW: ("requests", "this API key"),
    RefusedBy.ACCOUNT_WINDOW: ("requests", "this account"),
    RefusedBy.READ_WINDOW: ("reads", "this API key"),
    RefusedBy.USER_WINDOW: ("requests", "this user of the API key"),
    RefusedBy.TPM: ("tokens", "this API key"),
}


class Refusal(Struct, frozen=True):
    """Refuses the request; nothing moved. `limit` is that of the rule which refused, where the window has another.

    `month_reset_s` are the seconds until the next month, for a spend cap of a key or a member.
    """

    by: RefusedBy
    window: Window
    free_nanousd: NanoUsd
    limit: int = 0
    too_large: bool = False
    month_reset_s: int | None = None

    def error(self) -> GatewayError:
        """The refusal as an error, in the contract's words (section 5), with its window."""
        error = self._error()
        error.window = self.window.headers
        return error

    def _error(self) -> GatewayError:
        match self.by:
            case RefusedBy.SPEND_CAP | RefusedBy.SEAT_CAP:
                return RateLimited(
                    f"The monthly spend cap of this {_CAPPED[self.by]} is reached.",
                    code="tenant_monthly_quota_exceeded",
                    should_retry=False,
                    retry_after_s=self.month_reset_s,
                )
            case RefusedBy.SUSPENDED:
                return InsufficientBalance("The account is suspended.", code="account_suspended")
            case RefusedBy.BALANCE if self.free_nanousd <= 0:
                return InsufficientBalance("The account has no balance left.", code="account_suspended")
            case RefusedBy.BALANCE:
                return InsufficientBalance("The balance does not cover this request's worst case.")
            case _:
                return self._full()

    def _full(self) -> GatewayError:
        """The error of a window or a limit that later requests may find open again."""
        if self.by is RefusedBy.PARALLEL:
            message = f"Limit of {self.limit} requests at once reached for this API key."
            return RateLimited(message, retry_after_s=1)
        if self.too_large:
            message = (
                f"The request may take more than the {self.limit} tokens per minute of this API key: shorten it, "
                "or set a lower bound of its answer."
            )
            return RateLimited(message, should_retry=False)
        unit, owner = _COUNTED[self.by]
        message = f"Rate limit of {self.limit or self.window.limit} {unit} per minute reached for {owner}."
        return RateLimited(message, retry_after_s=self.window.reset_s)


class Act(Struct, frozen=True):
    """An operator's act: who did it, and why."""

    by: str
    why: str


class Entry(Struct, frozen=True):
    """One immutable line of an account's ledger: credits positive, charges negative.

    `hold_id` names the hold that a charge, shortfall or release ended; `charge` describes the charged request, and
    `failure` the one that a release was for, where that is known. `note` is the operator's or the payment's own
    reference. `month` is set if the amount is counted in its key's spend of that month, as the hold was, and
    `seat_month` if it is counted at the `seat` of a member. A `provisional` end is the sweeper's: a real end may still
    come, and is then booked beside it as the hold's `late` entry, whose amount is the difference. One that is `summed`
    has been added to the account's sums of usage by its own transaction. An operator's own entry has its `act`, which
    the account's owner is not shown.
    """

    entry_id: str
    account_id: str
    kind: EntryKind
    amount_nanousd: NanoUsd
    created_at_s: int
    hold_id: str | None = None
    key_id: str | None = None
    charge: Charge | None = None
    note: str | None = None
    provisional: bool = False
    month: int | None = None
    seat: int | None = None
    seat_month: int | None = None
    summed: bool = False
    act: Act | None = None
    failure: Failure | None = None

    @property
    def late(self) -> bool:
        """True for the entry of an end that came after a provisional one."""
        return self.entry_id.endswith(LATE)


class Settlement(Struct, frozen=True):
    """The end of a hold, and all its entries. `applied` is false if the hold had ended before, in another way.

    The settlement of an unknown hold has no entries. `alert` is true if the key's spend, with what it holds, has come
    to where its owner is told.
    """

    applied: bool
    entries: tuple[Entry, ...]
    alert: bool = False


class AccountState(Struct, frozen=True):
    """An account as its owner sees it: free and held money, and the rate window of a key.

    `spent_nanousd` is the key's spend of the month, open holds included, where it is counted: where the key has a cap.
    """

    free_nanousd: NanoUsd
    held_nanousd: NanoUsd
    disabled: bool
    window: Window
    spent_nanousd: NanoUsd = 0


class AccountSnapshot(Struct, frozen=True):
    """An account at one moment: `free_nanousd + held_nanousd` is the sum of `entries`, in the order of admission.

    `key_spent` counts the spend of keys, and at seats by their names, in `month`: what was counted as it came, and what
    was spent before the count began (`spent_before`). `key_tokens` counts the tokens of keys in `minute`, reserved ones
    included, and `leases` has the holds by which keys count their requests that run at once.
    """

    account_id: str
    free_nanousd: NanoUsd
    held_nanousd: NanoUsd
    holds: tuple[Hold, ...]
    entries: tuple[Entry, ...]
    rpm_limit: int
    disabled: bool
    month: int = 0
    key_spent: Mapping[str, NanoUsd] = field(default_factory=dict)
    spent_before: Mapping[str, NanoUsd] = field(default_factory=dict)
    minute: int = 0
    key_tokens: Mapping[str, int] = field(default_factory=dict)
    leases: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def balanced(self) -> bool:
        """True if every nano-dollar is accounted for."""
        return (
            self.free_nanousd + self.held_nanousd == sum(entry.amount_nanousd for entry in self.entries)
            and self.held_nanousd == sum(hold.amount_nanousd for hold in self.holds)
            and self.free_nanousd >= min(0, self._taken_back)
            and all(spent == self._counted(key_id) for key_id, spent in self.key_spent.items())
            and all(tokens >= self._reserved(key_id) for key_id, tokens in self.key_tokens.items())
            and self._leased <= {(hold.key_id, hold.hold_id) for hold in self.holds}
        )

    @property
    def _taken_back(self) -> NanoUsd:
        """The payments that refunds and disputes have taken back: below zero, and all that a balance may be."""
        return sum(entry.amount_nanousd for entry in self.entries if entry.kind in TAKEN_BACK)

    @property
    def _leased(self) -> set[tuple[str, str]]:
        return {(key_id, hold_id) for key_id, held in self.leases.items() for hold_id in held}

    def _reserved(self, key_id: str) -> int:
        """The tokens that open holds of a key reserve in `minute`."""
        return sum(hold.tokens for hold in self.holds if (hold.key_id, hold.minute) == (key_id, self.minute))

    def _counted(self, key_id: str) -> NanoUsd:
        """The spend of a key, or at a seat, in `month` by its entries and open holds."""

        def counted(of: Entry | Hold) -> bool:
            at_seat = of.seat is not None and (seat_name(of.seat), of.seat_month) == (key_id, self.month)
            return at_seat or (of.key_id, of.month) == (key_id, self.month)

        ended = -sum(entry.amount_nanousd for entry in filter(counted, self.entries))
        open_nanousd = sum(hold.amount_nanousd for hold in filter(counted, self.holds))
        return self.spent_before.get(key_id, 0) + ended + open_nanousd
