"""Reads the bodies of the organizations family; every bound is here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self
from unicodedata import category

from msgspec import UNSET, Meta, UnsetType

from gateway.accounts.key_settings import UsdAmount
from gateway.people.settings import EmailAddress, Token
from gateway.ports.organizations import Role
from gateway.protocols.shared.body import Body, text

NAME_CHARACTERS_MAX = 80
# What mail programs turn into links: a name stands in letters to strangers.
_LINK = re.compile(r"://|www\.|[/\\@<>]|\w\.\w", re.IGNORECASE)


class OrganizationName(str):
    """A name that can stand in a letter: no control characters, and none that makes an address of a page."""

    __slots__ = ()
    SCHEMA: ClassVar[Mapping[str, Any]] = {"type": "string", "minLength": 1, "maxLength": NAME_CHARACTERS_MAX}

    @classmethod
    def read(cls, value: object) -> Self:
        given = text(value).strip()
        if not 1 <= len(given) <= NAME_CHARACTERS_MAX:
            raise ValueError(f"Input should have 1 to {NAME_CHARACTERS_MAX} characters")
        if any(category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for character in given) or _LINK.search(given):
            raise ValueError("Input should be a name, without control characters and without anything like an address")
        return cls(given)


UserId = Annotated[str, Meta(min_length=1, max_length=80)]


class NewOrganization(Body, frozen=True, kw_only=True):
    """An organization to be created."""

    name: OrganizationName


class OrganizationChanges(Body, frozen=True, kw_only=True):
    """The part of an organization that its members change; an absent member stays."""

    name: OrganizationName | UnsetType = UNSET


class NewInvitation(Body, frozen=True, kw_only=True):
    """The address of a person to be invited, and the role that it gets."""

    email: EmailAddress
    role: Role = "developer"


class InvitationLink(Body, frozen=True, kw_only=True):
    """The token of a mailed invitation."""

    token: Token


class MemberChanges(Body, frozen=True, kw_only=True):
    """A member's role, and the bound on what it spends in a month; `null` for none. An absent one stays."""

    role: Role | UnsetType = UNSET
    monthly_spend_cap_usd: UsdAmount | UnsetType | None = UNSET


class Transfer(Body, frozen=True, kw_only=True):
    """The member that the ownership goes to."""

    new_owner_user_id: UserId
