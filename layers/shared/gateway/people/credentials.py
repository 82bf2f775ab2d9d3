"""Changes and resets passwords. Both raise the person's epoch: all sessions and older reset tokens end by one write."""

from __future__ import annotations

from contextlib import suppress

from msgspec import Struct, UnsetType
from msgspec.structs import replace

from gateway.audit.trail import Trail
from gateway.errors import ServiceUnavailable
from gateway.people import letters, tokens
from gateway.people.attempts import LINKS_FROM, MAILS_FROM, MAILS_TO, Attempts
from gateway.people.changes import changed
from gateway.people.passwords import Passwords
from gateway.people.refusals import bad_link, no_mail, wrong_password
from gateway.people.signing_in import STRANGER, SignIn
from gateway.people.tokens import hashed
from gateway.ports.clock import Clock
from gateway.ports.mail import Mail
from gateway.ports.people import MailedToken, PeopleStore, User

RESET_S = 3600
# Mail to this address is taken and let go by SES itself, and harms no reputation:
# https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html
NOWHERE = "success@simulator.amazonses.com"
CHANGED = "The password of your account was changed, and all sessions have ended."


def reset_of(user_id: str, epoch: int, token: str, now_s: float) -> MailedToken:
    """The record of a mailed token by which a person chooses a password; it is good while this epoch lasts."""
    until_s = int(now_s) + RESET_S
    return MailedToken(token_hash=hashed(token), purpose="reset", user_id=user_id, until_s=until_s, epoch=epoch)


class Credentials(Struct, frozen=True):
    """Passwords over the stores."""

    store: PeopleStore
    sign_in: SignIn
    passwords: Passwords
    mail: Mail
    attempts: Attempts
    clock: Clock
    console_url: str

    async def forgot(self, email: str, trail: Trail) -> None:
        """Mails the link by which a password is reset; for an unknown address the letter goes nowhere."""
        if not self.mail.is_configured:
            raise no_mail()
        await self.attempts.count(MAILS_FROM, trail.source)
        await self.attempts.count(MAILS_TO, email)
        user, token = await self.sign_in.person_at(email), tokens.new_secret()
        of = (STRANGER, 0) if user is None else (user.user_id, user.epoch)
        asked = trail.of(None if user is None else user.account_id)
        await asked.write("password.reset_requested", target=of[0])
        await self.store.keep_token(reset_of(*of, token, self.clock.now_s()))
        await self.mail.send(letters.reset(NOWHERE if user is None else email, token, self.console_url))

    async def reset(self, text: str, new_password: str, trail: Trail) -> None:
        """Sets the password of the person to whom a token was mailed; a token is good once, and until it expires."""
        await self.attempts.count(LINKS_FROM, trail.source)
        waiting = await self.store.token(hashed(text))
        if waiting is None or waiting.purpose != "reset" or self.clock.now_s() >= waiting.until_s:
            raise bad_link()
        user = await self.store.user(waiting.user_id)
        if user is None or not user.may_act:
            raise bad_link()
        password_hash = self.passwords.hashed(new_password)

        def with_new(one: User) -> User:
            if one.epoch != waiting.epoch:
                raise bad_link()
            return replace(one, password_hash=password_hash, epoch=one.epoch + 1)

        told = trail.of(user.account_id, user.user_id).entry("password.reset", target=user.user_id)
        await changed(self.store, user, with_new, told)
        await self.store.drop_token(waiting.token_hash)
        await self._tell(user)

    async def change(self, user: User, current: str, new_password: str, code: str | UnsetType, trail: Trail) -> None:
        """Sets the password of a signed-in person, who proves itself with the one so far."""
        proven = await self.sign_in.prove(user, current, code, param="current_password")
        password_hash, before = self.passwords.hashed(new_password), proven.password_hash

        def with_new(one: User) -> User:
            # Another change of the password came first: the one that was proven is not the person's any more.
            if one.password_hash != before:
                raise wrong_password("current_password")
            return replace(one, password_hash=password_hash, epoch=one.epoch + 1)

        await changed(self.store, proven, with_new, trail.entry("password.changed", target=user.user_id))
        await self._tell(user)

    async def _tell(self, user: User) -> None:
        """Tells the person of the new password where mail can be sent; the change stands without the letter."""
        if self.mail.is_configured:
            with suppress(ServiceUnavailable):
                await self.mail.send(letters.changed(user.email, CHANGED))
