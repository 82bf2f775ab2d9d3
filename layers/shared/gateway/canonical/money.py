"""What moves when a request is paid for: holds, charges, entries, windows. Integers of 10^-9 USD; no float
touches money.

The words are the contract's: a request is *admitted* with a *hold* on the balance, which is *settled*
(charged for what was used) or *released*, exactly once. An *entry* is immutable. free + held = the sum of an
account's entries, always.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeAlias

from gateway.canonical.usage import Usage
from gateway.errors import GatewayError, InsufficientBalance, RateLimited

NanoUsd: TypeAlias = int


class Tier(StrEnum):
    """What a request is billed by (section 6 of the public contract)."""

    FAST = "fast"
    BALANCED = "balanced"
    PASSTHROUGH = "passthrough"
    BYOK = "byok"


class EntryKind(StrEnum):
    """Why an entry was written. A release moves nothing; it is there so that a hold is ended once."""

    CREDIT = "credit"
    CHARGE = "charge"
    SHORTFALL = "shortfall"
    RELEASE = "release"


class RefusedBy(StrEnum):
    """Which of the account's rules a request did not pass; they are judged in this order."""

    SUSPENDED = "suspended"
    KEY_WINDOW = "key_window"
    ACCOUNT_WINDOW = "account_window"
    SPEND_CAP = "spend_cap"
    BALANCE = "balance"


@dataclass(frozen=True, slots=True)
class Window:
    """The tighter of key and account window: requests per fixed UTC minute, and the seconds until it turns."""

    limit: int
    remaining: int
    reset_s: int

    @property
    def headers(self) -> dict[str, str]:
        """As every response carries them."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset_s),
        }


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks of its account before it may go upstream.

    `hold_id` is new for each request and makes a repeat harmless. `deadline_s` (epoch) is when the sweeper
    may end the hold. `spend_cap_nanousd` is the key's bound on a calendar month, `None` without one.
    """

    account_id: str
    key_id: str
    hold_id: str
    amount_nanousd: NanoUsd
    deadline_s: int
    key_rpm_limit: int
    spend_cap_nanousd: NanoUsd | None = None

    def __post_init__(self) -> None:
        if self.amount_nanousd < 0:
            raise ValueError("a hold is never negative")


@dataclass(frozen=True, slots=True)
class Charge:
    """What a request came to, and everything its entry has to name.

    `estimated` marks a charge taken from a checkpoint after a death.
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

    def __post_init__(self) -> None:
        if self.cost_nanousd < 0:
            raise ValueError("a charge is never negative")


@dataclass(frozen=True, slots=True)
class Hold:
    """Money set aside for one request. Handed back by every step, and given to the next.

    `month` (202611) is set where the key has a spend cap: spend belongs to the month of admission. `parked`
    says that the hold has left the account's own item for one of its own; `crowded` that it had better.
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

    def of(self, amount_nanousd: NanoUsd) -> Hold:
        """The same hold over another amount."""
        return replace(self, amount_nanousd=amount_nanousd)


@dataclass(frozen=True, slots=True)
class Admission:
    """The request may go; what is left is known without another read."""

    hold: Hold
    window: Window
    free_nanousd: NanoUsd


@dataclass(frozen=True, slots=True)
class Refusal:
    """The request may not go, and nothing moved."""

    by: RefusedBy
    window: Window
    free_nanousd: NanoUsd

    def error(self) -> GatewayError:
        """The refusal as the contract words it (section 5)."""
        match self.by:
            case RefusedBy.KEY_WINDOW | RefusedBy.ACCOUNT_WINDOW:
                owner = "this API key" if self.by is RefusedBy.KEY_WINDOW else "this account"
                return RateLimited(
                    f"Rate limit of {self.window.limit} requests per minute reached for {owner}.",
                    retry_after_s=self.window.reset_s,
                )
            case RefusedBy.SPEND_CAP:
                return RateLimited(
                    "The monthly spend cap of this API key is reached.",
                    code="tenant_monthly_quota_exceeded",
                    should_retry=False,
                )
            case RefusedBy.SUSPENDED:
                return InsufficientBalance("The account is suspended.", code="account_suspended")
            case RefusedBy.BALANCE if self.free_nanousd <= 0:
                return InsufficientBalance("The account has no balance left.", code="account_suspended")
            case RefusedBy.BALANCE:
                return InsufficientBalance("The balance does not cover this request's worst case.")


@dataclass(frozen=True, slots=True)
class Entry:
    """One immutable line of an account's ledger: credits positive, charges negative.

    `hold_id` names the hold that a charge, shortfall or release ended; `charge` has what it was for. `note`
    is the operator's or the payment's own reference.
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


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a hold ended. `applied` is false where it had been ended before, then `entries` are what was
    written then.

    An unknown hold has no entries.
    """

    applied: bool
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class AccountState:
    """An account as its owner sees it: what is free, what is held, and what is left of a key's minute."""

    free_nanousd: NanoUsd
    held_nanousd: NanoUsd
    disabled: bool
    window: Window


@dataclass(frozen=True, slots=True)
class Look:
    """An account at one moment: `free_nanousd + held_nanousd` is the sum of `entries`, in the order of
    admission.
    """

    account_id: str
    free_nanousd: NanoUsd
    held_nanousd: NanoUsd
    holds: tuple[Hold, ...]
    entries: tuple[Entry, ...]
    rpm_limit: int
    disabled: bool

    @property
    def balanced(self) -> bool:
        """Whether every nano-dollar is accounted for."""
        return (
            self.free_nanousd + self.held_nanousd == sum(entry.amount_nanousd for entry in self.entries)
            and self.held_nanousd == sum(hold.amount_nanousd for hold in self.holds)
            and self.free_nanousd >= 0
        )
