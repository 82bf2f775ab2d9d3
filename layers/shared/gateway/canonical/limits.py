"""Values of a key's limits beside its rate, spend and balance: tokens a minute, requests at once, requests a user.

A limit of `None` is none. What a request takes of them is *reserved* when it is admitted, and given back when it ends.
"""

from __future__ import annotations

import hashlib

from msgspec import Struct

# A request whose need is open takes at most this part of what is left, so that others find something too.
SHARE = 2
# Enough that no two users of an account share a name in one minute.
USER_CHARACTERS = 10


class KeyLimits(Struct, frozen=True):
    """The limits that a key sets its requests. `user_rpm_limit` is for each end user that the requests name."""

    tpm_limit: int | None = None
    max_parallel: int | None = None
    user_rpm_limit: int | None = None


class TokenDemand(Struct, frozen=True):
    """The tokens that a request may take: `worst` is reserved, `likely` is an estimate that is never above it.

    `most` is set if the answer's length is open: then up to so many are reserved, and the answer is bounded by them.
    """

    likely: int = 0
    worst: int = 0
    most: int | None = None


NO_LIMITS = KeyLimits()
NO_TOKENS = TokenDemand()


def user_name(key_id: str, user: str | None) -> str:
    """A short name of a key's end user that does not tell who it is; requests without a user share one."""
    return hashlib.sha256(f"{key_id}\n{user or ''}".encode()).hexdigest()[:USER_CHARACTERS]
