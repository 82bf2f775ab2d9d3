"""Registers people. A registration waits in the token that is mailed; the person is made when the link is opened.

An address that is registered gets another letter for the same work: the same reads, one hash, one token, one letter.
So neither the answer nor its time tells which it was.

A stranger may register an address that is not its own, so the link alone proves the address and not the password. The
password counts for a caller who shows the registration token too, which the registration was answered with.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import Any, Literal

from msgspec import UNSET, Struct

from gateway.accounts.pages import iso_utc
from gateway.audit.trail import Trail
from gateway.errors import Conflict
from gateway.ledger.hold_ids import hold_id_at
from gateway.limits.windows import ACCOUNT_RPM_LIMIT
from gateway.people import letters, tokens
from gateway.people.attempts import LINKS_FROM, MAILS_FROM, MAILS_TO, Attempts
from gateway.people.credentials import reset_of
from gateway.people.passwords import Passwords
from gateway.people.refusals import bad_link, no_mail, not_invited, registration_closed
from gateway.people.settings import Link, Registration
from gateway.people.tokens import hashed, same
from gateway.ports.clock import Clock
from gateway.ports.mail import Mail
from gateway.ports.money import Money
from gateway.ports.people import MailedToken, PeopleStore, User

Mode = Literal["closed", "invite", "open"]
VERIFY_S = 24 * 3600
CREDIT = "starting-credit"


class Terms(Struct, frozen=True):
    """An operator's choices: who may register, the credit to start with, and the console that letters lead to."""

    mode: Mode = "closed"
    credit_nanousd: int = 0
    console_url: str = ""


class Registrar(Struct, frozen=True):
    """Registration over the stores."""

    store: PeopleStore
    money: Money
    mail: Mail
    passwords: Passwords
    attempts: Attempts
    clock: Clock
    terms: Terms

    async def register(self, wanted: Registration, source: str) -> str:
        """Mails the link that completes a registration, or to a registered address that it is one.

        Returns the registration token, by which the password counts once the link is opened.
        """
        if self.terms.mode == "closed":
            raise registration_closed()
        if not self.mail.is_configured:
            raise no_mail()
        await self.attempts.count(MAILS_FROM, source)
        invitation_hash = await self._invitation(wanted)
        await self.attempts.count(MAILS_TO, wanted.email)
        now_s = self.clock.now_s()
        is_taken = await self.store.user_id_at(hashed(wanted.email)) is not None
        token, registration_token = tokens.new_secret(), tokens.new_secret()
        waiting = MailedToken(
            token_hash=hashed(token),
            purpose="verify",
            user_id=tokens.USER_PREFIX + hold_id_at(now_s, secrets.randbits(40)),
            # One that leads to no person has expired already.
            until_s=int(now_s) + (0 if is_taken else VERIFY_S),
            account_id=f"acct_{hold_id_at(now_s, secrets.randbits(40))}",
            email=str(wanted.email),
            password_hash=self.passwords.hashed(wanted.password),
            full_name="" if wanted.full_name is UNSET else str(wanted.full_name),
            invitation_hash=invitation_hash,
            registration_hash=hashed(registration_token),
        )
        await self.store.keep_token(waiting)
        known = letters.registered_already(wanted.email, self.terms.console_url)
        new = letters.verification(wanted.email, token, self.terms.console_url)
        await self.mail.send(known if is_taken else new)
        return registration_token

    async def verify(self, link: Link, trail: Trail) -> User:
        """Makes the person, and its account, of the registration that a mailed token completes.

        Without the registration token the person has no password and no name, and is mailed a link to choose one. The
        account comes first, so that a link whose opening was cut off can be opened again.
        """
        await self.attempts.count(LINKS_FROM, trail.source)
        now_s = self.clock.now_s()
        waiting = await self.store.token(hashed(link.token))
        if waiting is None or waiting.purpose != "verify" or now_s >= waiting.until_s:
            raise bad_link()
        is_registrant = link.registration_token is not UNSET and same(
            hashed(link.registration_token), waiting.registration_hash
        )
        with suppress(Conflict):
            await self.money.open_account(waiting.account_id, ACCOUNT_RPM_LIMIT)
        user = User(
            user_id=waiting.user_id,
            account_id=waiting.account_id,
            email=waiting.email,
            password_hash=waiting.password_hash if is_registrant else "",
            created_at_s=int(now_s),
            full_name=waiting.full_name if is_registrant else "",
        )
        told = trail.of(user.account_id, user.user_id).entry("account.created", target=user.account_id)
        invitation_hash = waiting.invitation_hash
        if not await self.store.add(user, hashed(user.email), invitation_hash=invitation_hash, audit=told):
            raise bad_link()
        if self.terms.credit_nanousd:
            # Once the person is there: a second registration of the address brings no second credit.
            credit = self.terms.credit_nanousd
            await self.money.credit(user.account_id, credit, once=CREDIT, now_s=now_s, note=CREDIT)
        # Where this is a repeat, the first opening has said whether there is a password.
        made = await self.store.user(user.user_id) or user
        if not made.password_hash:
            await self._mail_first_password(made)
        await self.store.drop_token(waiting.token_hash)
        return made

    async def _mail_first_password(self, user: User) -> None:
        if not self.mail.is_configured:
            raise no_mail()
        token = tokens.new_secret()
        await self.store.keep_token(reset_of(user.user_id, user.epoch, token, self.clock.now_s()))
        await self.mail.send(letters.first_password(user.email, token, self.terms.console_url))

    async def _invitation(self, wanted: Registration) -> str:
        """The hash of the invitation, where one is needed; raises the refusal of one that cannot be used."""
        if self.terms.mode != "invite":
            return ""
        invitation_hash = "" if wanted.invitation is UNSET else hashed(wanted.invitation)
        if not invitation_hash or not await self.store.invited(invitation_hash, self.clock.now_s()):
            raise not_invited()
        return invitation_hash


def user_view(user: User) -> dict[str, Any]:
    """A person as it sees itself."""
    return {
        "object": "user",
        "user_id": user.user_id,
        "account_id": user.account_id,
        "email": user.email,
        "email_verified": True,
        "full_name": user.full_name,
        "default_organization": user.default_org_id or None,
        "created_at": iso_utc(user.created_at_s),
        "password_set": bool(user.password_hash),
        "two_factor_enabled": user.totp is not None,
    }
