"""The second factor: codes by time (RFC 6238) and recovery codes, each of which is good once.

The secret is sealed under a data key of KMS, bound to its person; recovery codes are 80 random bits, stored as hashes.
A code is used up by a write under the person's version, so that of two uses at once one alone succeeds. `pyotp` is
loaded by the first code that is judged.
"""

from __future__ import annotations

import base64
import re
import secrets
from typing import Any

import orjson
from msgspec import Struct
from msgspec.structs import replace

from gateway.accounts.sealing import sealed, unsealed
from gateway.audit.trail import Trail
from gateway.people.changes import changed
from gateway.people.tokens import hashed, same
from gateway.ports.clock import Clock
from gateway.ports.people import PeopleStore, User
from gateway.ports.provider_keys import DataKeys, Envelope

ISSUER = "Nexgate"
STEP_S = 30
# A clock may be a step off, before or after.
STEPS_OFF = (-1, 0, 1)
RECOVERY_CODES, RECOVERY_BYTES = 10, 10
# The name under which KMS's key of sealed secrets knows this one among those of providers.
PURPOSE = "second-factor"
_SIX_DIGITS = re.compile(r"[0-9]{6}")


class SecondFactor(Struct, frozen=True):
    """Second factors over the stores."""

    store: PeopleStore
    data_keys: DataKeys
    clock: Clock

    async def offer(self, user: User, trail: Trail) -> dict[str, Any]:
        """Draws a secret, which counts once a code of it is confirmed; shows it this once."""
        from pyotp import TOTP, random_base32

        secret = random_base32()
        data_key = await self.data_keys.new(_context(user))
        text = sealed(secret.encode(), data_key.plain.hex(), _place(user))
        envelope = Envelope(data_key.wrapped, base64.b64encode(text).decode())
        told = trail.entry("two_factor.offered", target=user.user_id)
        await changed(self.store, user, lambda one: replace(one, totp_offered=envelope), told)
        uri = TOTP(secret).provisioning_uri(name=user.email, issuer_name=ISSUER)
        return {"object": "two_factor_setup", "secret": secret, "otpauth_uri": uri}

    async def enable(self, user: User, code: str, trail: Trail) -> dict[str, Any]:
        """Turns the offered second factor on by a code of it; shows the recovery codes this once.

        Raises `ValueError` for another code.
        """
        if user.totp_offered is None:
            raise ValueError("no second factor was set up")
        offered = user.totp_offered
        step = await self._step(user, offered, code)
        recovery = [secrets.token_bytes(RECOVERY_BYTES) for _ in range(RECOVERY_CODES)]
        shown = [base64.b32encode(one).decode().lower() for one in recovery]
        hashes = tuple(hashed(one) for one in shown)

        def turned_on(one: User) -> User:
            if one.totp_offered != offered:
                raise ValueError("another secret was offered meanwhile")
            return replace(one, totp=offered, totp_offered=None, totp_step=step, recovery_hashes=hashes)

        await changed(self.store, user, turned_on, trail.entry("two_factor.enabled", target=user.user_id))
        return {"object": "two_factor", "enabled": True, "recovery_codes": [f"{one[:8]}-{one[8:]}" for one in shown]}

    async def disable(self, user: User, trail: Trail) -> User:
        """Turns the second factor off."""
        return await changed(
            self.store,
            user,
            lambda one: replace(one, totp=None, totp_offered=None, recovery_hashes=(), totp_step=0),
            trail.entry("two_factor.disabled", target=user.user_id),
        )

    async def used(self, user: User, code: str) -> User:
        """The person after the use of a code or a recovery code; raises `ValueError` for one that is not good."""
        if _SIX_DIGITS.fullmatch(code) and user.totp is not None:
            factor = user.totp
            step = await self._step(user, factor, code)

            def stepped(one: User) -> User:
                if one.totp != factor or step <= one.totp_step:
                    raise ValueError("the code was used meanwhile")
                return replace(one, totp_step=step)

            return await changed(self.store, user, stepped)
        given = hashed(code.replace("-", "").replace(" ", "").lower())

        def spent(one: User) -> User:
            rest = tuple(known for known in one.recovery_hashes if not same(known, given))
            if len(rest) == len(one.recovery_hashes):
                raise ValueError("this is no recovery code")
            return replace(one, recovery_hashes=rest)

        return await changed(self.store, user, spent)

    async def _step(self, user: User, envelope: Envelope, code: str) -> int:
        """The time step whose code this is; raises `ValueError` where there is none."""
        from pyotp import TOTP

        plain = await self.data_keys.unwrapped(envelope.wrapped_key, _context(user))
        secret = unsealed(base64.b64decode(envelope.text), plain.hex(), _place(user)).decode()
        codes, now = TOTP(secret), int(self.clock.now_s()) // STEP_S
        found = [now + off for off in STEPS_OFF if same(codes.generate_otp(now + off), code)]
        if not found:
            raise ValueError("this is no code of now")
        # Where two steps have the same code, the later one is used, so that the code is good once.
        return found[-1]


def status_view(user: User) -> dict[str, Any]:
    """The state of a person's second factor."""
    return {
        "object": "two_factor",
        "enabled": user.totp is not None,
        "pending": user.totp_offered is not None,
        "recovery_codes_left": len(user.recovery_hashes),
    }


def _context(user: User) -> dict[str, str]:
    """KMS's context: it shows up in logs, so it has ids alone."""
    return {"account_id": user.account_id, "provider": PURPOSE, "user_id": user.user_id}


def _place(user: User) -> str:
    return orjson.dumps(["second factor", user.account_id, user.user_id]).decode()
