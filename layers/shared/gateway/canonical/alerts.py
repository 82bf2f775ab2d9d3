"""Values of spend alerts: what an owner is told when a key's spend has come to a share of its monthly cap."""

from __future__ import annotations

from msgspec import Struct

from gateway.canonical.money import NanoUsd

# The shares of a key's cap, in percent, at which its owner is told.
LEVELS = (80, 100)


class KeySpend(Struct, frozen=True):
    """A key's spend of a UTC month (202611): what was charged, and what is held beside it for running requests."""

    month: int
    spent_nanousd: NanoUsd
    held_nanousd: NanoUsd


class SpendAlert(Struct, frozen=True):
    """One alert: a key's spend has come to `percent` of its cap. At 100 the cap may also have refused a request."""

    account_id: str
    key_id: str
    month: int
    percent: int
    spent_nanousd: NanoUsd
    cap_nanousd: NanoUsd
    at_s: int

    @property
    def alert_id(self) -> str:
        """The alert's name: one for each month, key, cap and share."""
        return f"{self.month}_{self.key_id}_{self.cap_nanousd}_{self.percent}"


class LowBalance(Struct, frozen=True):
    """A balance that has come below what its owner is told of; or, with a `failed`, an automatic top-up that failed."""

    account_id: str
    balance_nanousd: NanoUsd
    threshold_nanousd: NanoUsd
    at_s: int
    failed: str = ""


def levels_reached(spend: KeySpend, cap_nanousd: NanoUsd, *, refused: bool) -> tuple[int, ...]:
    """The shares of its cap that a key has come to.

    A cap that refuses requests counts as reached from the first share on: the rest is less than a request may cost.
    """
    reached = [level for level in LEVELS if spend.spent_nanousd * 100 >= cap_nanousd * level]
    return LEVELS if refused and reached else tuple(reached)
