"""Judges how targets do: a breaker that opens at failures, cools down longer each time, and closes at a success. Pure.

A target is what fails by itself: a model, asked with one credential at one provider. What concerns a credential alone,
and a quota that all models share, is kept for the credential under no model. While a target cools, others go before
it. Once its time is over one request is its probe; the probe extends the cooldown before it is sent, so that a dead
target, or a process that dies with the answer, costs one request for each cooldown. ADR 0026 has the figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any, TypeVar

from msgspec import Struct

from gateway.canonical.models import ModelTarget
from gateway.ports.upstream import Credential

# Failures in a row that open the breaker, where none of them says enough by itself.
FAILURES_MAX = 2
COOLDOWN_S = 2.0
# Other processes learn of a recovery within seconds more; together they stay below 30 s.
COOLDOWN_MAX_S = 15.0

# A longer wait that a provider names is asked about in between: it may be of one large request, or of a minute's quota.
LEFT_MAX_S = 20.0

T = TypeVar("T")


class Phase(IntEnum):
    """The state of a target's breaker: closed, half open, open. A lower one is asked first."""

    WELL = 0
    DUE = 1
    COOLING = 2


class Standing(Struct, frozen=True):
    """Tells how a target does: failures in a row, cooldowns in a row, and the end of the last one (epoch seconds).

    Until `left_until_s` its provider has asked to be left alone, and no request asks it, even as the last one left.
    """

    failures: int = 0
    openings: int = 0
    until_s: float = 0.0
    left_until_s: float = 0.0

    def phase(self, now_s: float) -> Phase:
        """The state of the breaker."""
        if not self.openings:
            return Phase.WELL
        return Phase.COOLING if now_s < self.until_s else Phase.DUE

    def failed(self, now_s: float, *, after_s: float | None = None, at_once: bool = False) -> Standing:
        """The standing after a failure. `after_s` is the wait that the provider names; `at_once` needs no second one.

        What is asked while it cools, since nothing else is left, says nothing new.
        """
        if after_s:
            waits_until_s = now_s + min(after_s, LEFT_MAX_S)
            return Standing(
                0, self.openings or 1, max(self.until_s, waits_until_s), max(self.left_until_s, waits_until_s)
            )
        if self.phase(now_s) is Phase.COOLING:
            return self
        if not self.openings and not at_once and self.failures + 1 < FAILURES_MAX:
            return Standing(self.failures + 1)
        return self.opened(now_s)

    def begun(self) -> Standing:
        """The standing once content has come: one more failure would open the breaker again."""
        return Standing(FAILURES_MAX - 1) if self.openings else self

    def opened(self, now_s: float) -> Standing:
        """The standing after one more opening: that of a failure, or that with which a probe begins."""
        return Standing(0, self.openings + 1, now_s + cooldown_s(self.openings + 1))


UNKNOWN = Standing()


def cooldown_s(openings: int) -> float:
    """The length of the cooldown after so many openings in a row: each is twice as long, up to the most."""
    return min(COOLDOWN_S * 2.0 ** min(openings - 1, 16), COOLDOWN_MAX_S)


def target_name(provider: str, credential: Credential, place: str = "") -> str:
    """The name of a target in shared state; without a place, that of the credential."""
    return f"{provider}|{credential.id}|{place}"


def place_of(target: ModelTarget[Any]) -> str:
    """The model as its provider names it, in its region where that is not the credential's own."""
    return target.upstream_model if target.region is None else f"{target.region}/{target.upstream_model}"


def in_order(candidates: Sequence[T], phases: Sequence[Phase]) -> tuple[list[T], T | None]:
    """The candidates that are well, those that are due, and those that cool, each in the plan's order.

    The second is the one that may be probed: the first that is due, if the plan has it before one that is well, which
    then stands behind it.
    """
    order = [candidate for _, candidate in sorted(zip(phases, candidates, strict=True), key=lambda pair: pair[0])]
    if Phase.WELL not in phases or Phase.DUE not in phases:
        return order, None
    due = phases.index(Phase.DUE)
    return order, candidates[due] if due < phases.index(Phase.WELL) else None


def by_weight(credentials: Sequence[Credential], draw: float) -> Credential:
    """The credential on which a draw from 0 to 1 falls, by their weights; without any weight, the first."""
    mark = draw * sum(credential.weight for credential in credentials)
    for credential in credentials:
        mark -= credential.weight
        if mark < 0:
            return credential
    return credentials[0]
