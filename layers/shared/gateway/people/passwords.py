"""Hashes passwords by argon2id, and compares them; the hash of a stranger's password takes the same work.

The parameters are OWASP's second choice, and what they cost is in docs/adr/0033-people.md:
https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html. A hash holds its own parameters, so
that others can follow. `argon2` is loaded by the first password that is judged.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING
from unicodedata import normalize

if TYPE_CHECKING:
    from argon2 import PasswordHasher

TIME_COST, MEMORY_KIB, LANES = 2, 19 * 1024, 1
# Compared with the password that is given for an address without a person. It is no password's hash.
NONE_MATCHES = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


class Passwords:
    """Argon2id with the parameters of this module."""

    def hashed(self, password: str) -> str:
        """The hash of a new password, with its salt and parameters."""
        return _hasher().hash(_plain(password))

    def matches(self, password_hash: str | None, password: str) -> bool:
        """True for the password of that hash; false, for the same work, where there is none."""
        from argon2.exceptions import InvalidHashError, VerificationError

        try:
            return _hasher().verify(password_hash or NONE_MATCHES, _plain(password))
        except (VerificationError, InvalidHashError):
            return False

    def is_dated(self, password_hash: str) -> bool:
        """True for a hash by other parameters, which the next log-in replaces."""
        return _hasher().check_needs_rehash(password_hash)


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=LANES)


def _plain(password: str) -> str:
    """The password as every keyboard's form of it: https://pages.nist.gov/800-63-4/sp800-63b.html."""
    return normalize("NFKC", password)
