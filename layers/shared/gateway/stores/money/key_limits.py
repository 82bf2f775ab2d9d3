"""The rules of a key's further limits as pure functions: tokens a minute, requests a user, requests at once.

They work on the parts of an account that count them. A part of `None` counts nothing yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from msgspec.structs import replace

from gateway.canonical.limits import SHARE, KeyLimits, TokenDemand
from gateway.canonical.money import HoldRequest, RefusedBy

Counts: TypeAlias = Mapping[str, int] | None


def hopeful(tokens: TokenDemand, limits: KeyLimits) -> TokenDemand:
    """The demand of a first try, for a key that has the most left."""
    if limits.tpm_limit is None:
        return tokens
    if tokens.most is not None:
        return replace(tokens, worst=tokens.most)
    return replace(tokens, worst=min(tokens.worst, limits.tpm_limit))


def needed(tokens: TokenDemand) -> int:
    """The tokens that must be left: what is reserved, or more where that is the most of several."""
    return tokens.worst * (1 if tokens.most is None else SHARE)


def fitted_tokens(tokens: TokenDemand, limits: KeyLimits, used: int) -> TokenDemand:
    """The demand with the one number of tokens that is to be reserved.

    A request that may take more than the limit, and probably takes less, has the whole minute to itself.
    """
    if limits.tpm_limit is None:
        return tokens
    amount = tokens.worst
    if tokens.most is not None:
        amount = max(amount, min(tokens.most, (limits.tpm_limit - used) // SHARE))
    return TokenDemand(tokens.likely, min(amount, limits.tpm_limit))


def too_large(request: HoldRequest) -> bool:
    """True if the request probably takes more tokens than the key has in any minute."""
    limit = request.limits.tpm_limit
    return limit is not None and request.tokens.likely > limit


def live(leases: Mapping[str, int], now_s: float) -> dict[str, int]:
    """The leases that have not lapsed."""
    return {hold_id: until_s for hold_id, until_s in leases.items() if until_s > now_s}


def broken_limit(
    request: HoldRequest, now_s: float, tokens: Counts, users: Counts, leases: Mapping[str, int]
) -> tuple[RefusedBy, int] | None:
    """The first of the key's further limits that refuses the request, and its number."""
    limits = request.limits
    used = (tokens or {}).get(request.key_id, 0)
    rules = (
        (RefusedBy.USER_WINDOW, limits.user_rpm_limit, (users or {}).get(request.user, 0) + 1),
        (RefusedBy.TPM, limits.tpm_limit, max(request.tokens.likely, used + request.tokens.worst)),
        (RefusedBy.PARALLEL, limits.max_parallel, len(live(leases, now_s)) + 1),
    )
    return next(((rule, limit) for rule, limit, wanted in rules if limit is not None and wanted > limit), None)
