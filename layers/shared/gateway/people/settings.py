"""Reads the bodies of the account family; every bound is here. Members that a body does not name are refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self
from unicodedata import category

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import replace

from gateway.ports.people import User
from gateway.protocols.shared.body import Body, text

ADDRESS_CHARACTERS_MAX = 254
PASSWORD_CHARACTERS_MIN, PASSWORD_CHARACTERS_MAX = 10, 256
NAME_CHARACTERS_MAX = 100
_ADDRESS = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")


class EmailAddress(str):
    """An address in ASCII and lower case, as the mail service takes it and as people are told apart by it."""

    __slots__ = ()
    SCHEMA: ClassVar[Mapping[str, Any]] = {"type": "string", "format": "email", "maxLength": ADDRESS_CHARACTERS_MAX}

    @classmethod
    def read(cls, value: object) -> Self:
        given = text(value).strip().lower()
        if len(given) > ADDRESS_CHARACTERS_MAX or not _ADDRESS.fullmatch(given) or ".." in given.partition("@")[0]:
            raise ValueError("Input should be an e-mail address in ASCII, like 'jane@example.com'")
        return cls(given)


class NewPassword(str):
    """A password that is long enough to be set; a space is a character like others."""

    __slots__ = ()
    SCHEMA: ClassVar[Mapping[str, Any]] = {
        "type": "string",
        "minLength": PASSWORD_CHARACTERS_MIN,
        "maxLength": PASSWORD_CHARACTERS_MAX,
    }

    @classmethod
    def read(cls, value: object) -> Self:
        given = text(value)
        if not PASSWORD_CHARACTERS_MIN <= len(given) <= PASSWORD_CHARACTERS_MAX:
            message = f"Input should have {PASSWORD_CHARACTERS_MIN} to {PASSWORD_CHARACTERS_MAX} characters"
            raise ValueError(message)
        if len(set(given)) < 4:
            raise ValueError("Input should have at least 4 different characters")
        try:
            given.encode()
        except UnicodeEncodeError:
            raise ValueError("Input should be Unicode text") from None
        return cls(given)

    def __repr__(self) -> str:
        return "NewPassword()"


class FullName(str):
    """A person's name; it may be empty, and has no control characters and no address of a page."""

    __slots__ = ()
    SCHEMA: ClassVar[Mapping[str, Any]] = {"type": "string", "maxLength": NAME_CHARACTERS_MAX}

    @classmethod
    def read(cls, value: object) -> Self:
        given = text(value).strip()
        if len(given) > NAME_CHARACTERS_MAX or any(category(character) in {"Cc", "Cs"} for character in given):
            raise ValueError(f"Input should have at most {NAME_CHARACTERS_MAX} characters, and no control characters")
        return cls(given)


# A password that was set is compared, so that bounds of today do not lock out one of yesterday.
Password = Annotated[str, Meta(min_length=1, max_length=1024)]
Code = Annotated[str, Meta(min_length=6, max_length=32)]
Token = Annotated[str, Meta(min_length=20, max_length=256)]
OrganizationId = Annotated[str, Meta(min_length=1, max_length=80)]


class Registration(Body, frozen=True, kw_only=True):
    """A person to be registered."""

    email: EmailAddress
    password: NewPassword
    full_name: FullName | UnsetType = UNSET
    invitation: Token | UnsetType = UNSET


class Link(Body, frozen=True, kw_only=True):
    """The token of a mailed link, and the one that the registration was answered with."""

    token: Token
    registration_token: Token | UnsetType = UNSET


class Login(Body, frozen=True, kw_only=True):
    """A log-in, with the code of a second factor where the person has one."""

    email: EmailAddress
    password: Password
    code: Code | UnsetType = UNSET


class Refresh(Body, frozen=True, kw_only=True):
    """A refresh token."""

    refresh_token: Token


class Forgotten(Body, frozen=True, kw_only=True):
    """The address of a person who has forgotten the password."""

    email: EmailAddress


class Reset(Body, frozen=True, kw_only=True):
    """The token of a mailed link, and the password to set."""

    token: Token
    new_password: NewPassword


class Profile(Body, frozen=True, kw_only=True):
    """The part of a person that it changes itself; an absent member stays."""

    full_name: FullName | UnsetType = UNSET
    default_organization: OrganizationId | UnsetType | None = UNSET

    def applied(self, user: User) -> User:
        """The person with these changes."""
        if self.full_name is not UNSET:
            user = replace(user, full_name=str(self.full_name))
        if self.default_organization is not UNSET:
            user = replace(user, default_org_id=self.default_organization or "")
        return user


class PasswordChange(Body, frozen=True, kw_only=True):
    """The password so far, and the one to set."""

    current_password: Password
    new_password: NewPassword
    code: Code | UnsetType = UNSET


class Confirmation(Body, frozen=True, kw_only=True):
    """The code that shows that a second factor works."""

    code: Code


class Proof(Body, frozen=True, kw_only=True):
    """The password of a signed-in person, and a code of its second factor if it has one."""

    password: Password
    code: Code | UnsetType = UNSET
